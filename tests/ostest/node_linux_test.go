// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The package's promises, each shown on a real node.

package ostest

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/tests/engine"
	"onepasswordbeat/tests/engine/enginetest"
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
		enginetest.Hang(t, node.server, func(ctx context.Context) error {
			_, _, err := node.exchange(ctx, http.MethodGet, "/_cluster/health", nil)
			return err
		}, node.Close)
	})
}

func TestNodeEndsWithTheTestProcess(t *testing.T) {
	requireNode(t)
	enginetest.EndsWithProcess(t, func(t testing.TB) *engine.Server { return Start(t).server })
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
