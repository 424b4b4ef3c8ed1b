// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package enginetest has the tests of what every test engine promises: that nothing of it is left, and that a node in trouble is a message.
package enginetest

import (
	"context"
	"fmt"
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

// Hang stops a node's processes, which ask then gets no answer from, and closes it: all of it has to go.
func Hang(t *testing.T, server *engine.Server, ask func(context.Context) error, closeNode func() error) {
	t.Helper()
	require.NoError(t, syscall.Kill(-server.Proc.PID, syscall.SIGSTOP))
	var err error
	for range 100 { // its threads stop one after the other, after the signal was sent
		if err = brief(t, ask); err != nil {
			break
		}
	}
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, server.Explain(err), fmt.Sprintf("is running as process %d", server.Proc.PID))

	require.NoError(t, closeNode(), "a stopped process can be killed")
	assert.False(t, engine.GroupAlive(server.Proc.PID))
	assert.NoDirExists(t, server.Dir)
	require.NoError(t, closeNode(), "twice")
}

// brief asks for a moment.
func brief(t *testing.T, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	return ask(ctx)
}

// noteEnv makes EndsWithProcess, in a process of its own, start a node, say where it is, and die.
const noteEnv = "ENGINE_NOTE"

// EndsWithProcess is a whole test: a node that is started by a process that dies is gone soon after.
func EndsWithProcess(t *testing.T, start func(t testing.TB) *engine.Server) {
	t.Helper()
	if note := os.Getenv(noteEnv); note != "" {
		server := start(t)
		require.NoError(t, os.WriteFile(note, fmt.Appendf(nil, "%d %s", server.Proc.PID, server.Dir), 0o600))
		require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGKILL))
		select {}
	}
	note := filepath.Join(t.TempDir(), "note")
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), noteEnv+"="+note)
	out, err := cmd.CombinedOutput()
	var ended *exec.ExitError
	require.ErrorAs(t, err, &ended, string(out))
	require.Equal(t, "signal: killed", ended.Error(), string(out))

	text, err := os.ReadFile(note)
	require.NoError(t, err)
	group, dir, _ := strings.Cut(string(text), " ")
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	pid, err := strconv.Atoi(group)
	require.NoError(t, err)
	require.NoError(t, (&engine.Process{PID: pid}).AwaitGroup(30*time.Second))
}
