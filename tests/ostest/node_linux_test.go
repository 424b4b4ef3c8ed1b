// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The package's promises, each shown on a real node.

package ostest

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/tests/engine"
)

func TestNode(t *testing.T) {
	node := Start(t)
	var info struct {
		Version struct {
			Number string `json:"number"`
		} `json:"version"`
	}
	assert.Equal(t, http.StatusOK, node.Do(t, http.MethodGet, "/", nil, &info))
	assert.Equal(t, Version, info.Version.Number)
	assert.True(t, strings.HasPrefix(node.URL(), "http://127.0.0.1:"))

	Install(t, node)
	var answer map[string]any
	doc := map[string]any{"@timestamp": "2026-01-02T03:04:05Z", "event": map[string]any{"kind": "event"}, "related": map[string]any{"user": []string{"A", "B"}}}
	assert.Equal(t, http.StatusCreated, node.Do(t, http.MethodPost, "/"+Stream("audit_events")+"/_doc?op_type=create&refresh=true", doc, &answer))
	node.Must(t, http.MethodPost, "/"+Stream("audit_events")+"/_search", map[string]any{
		"size": 0, "aggs": map[string]any{"users": map[string]any{"terms": map[string]any{"field": "related.user"}}}}, &answer)
	assert.Contains(t, fmt.Sprint(answer), "key:A")
	node.Must(t, http.MethodGet, "/_data_stream/logs-1password.*", nil, &answer)
	assert.Len(t, answer["data_streams"], 1)
	assert.Equal(t, http.StatusBadRequest, node.Do(t, http.MethodPost, "/"+Stream("audit_events")+"/_search", `{"no":1}`, &answer))
}

// A node that crashes while it starts, or hangs, is a message with the reason and never a test that hangs.
func TestNodeInTrouble(t *testing.T) {
	requireNode(t)
	t.Run("crashed at its start", func(t *testing.T) {
		_, err := start(t.Context(), map[string]any{"no.such.setting": 1})
		require.ErrorContains(t, err, "the test node ended while it started")
		require.ErrorContains(t, err, "unknown setting [no.such.setting]", "the log's end")
	})
	t.Run("hanging", func(t *testing.T) {
		node := Start(t)
		require.NoError(t, syscall.Kill(-node.proc.PID, syscall.SIGSTOP))
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		_, _, err := node.exchange(ctx, http.MethodGet, "/_cluster/health", nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, node.explain(err), fmt.Sprintf("is running as process %d", node.proc.PID))

		require.NoError(t, node.Close(), "a stopped process can be killed")
		assert.False(t, engine.GroupAlive(node.proc.PID))
		assert.NoDirExists(t, node.dir)
		require.NoError(t, node.Close(), "twice")
	})
}

// dieEnv makes TestDies start a node, say where it is, and die.
const dieEnv = "OSTEST_DIE"

func TestNodeEndsWithTheTestProcess(t *testing.T) {
	requireNode(t)
	note := t.TempDir()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestDies$")
	cmd.Env = append(os.Environ(), dieEnv+"="+note)
	out, err := cmd.CombinedOutput()
	var ended *exec.ExitError
	require.ErrorAs(t, err, &ended, string(out))
	require.Equal(t, "signal: killed", ended.Error(), string(out))

	text, err := os.ReadFile(filepath.Join(note, "node"))
	require.NoError(t, err)
	group, dir, _ := strings.Cut(string(text), " ")
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	pid, err := strconv.Atoi(group)
	require.NoError(t, err)
	require.NoError(t, (&engine.Process{PID: pid}).AwaitGroup(30*time.Second))
}

func TestDies(t *testing.T) {
	dir := os.Getenv(dieEnv)
	if dir == "" {
		t.Skip("run by TestNodeEndsWithTheTestProcess")
	}
	node := Start(t)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "node"), fmt.Appendf(nil, "%d %s", node.proc.PID, node.dir), 0o600))
	require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGKILL))
	select {}
}

// requireNode skips a test that starts nodes by other ways than Start where Start would.
func requireNode(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts an OpenSearch node; left out of short tests")
	}
	_, err := provide(t.Context())
	engine.Require(t, err, engine.CI())
}
