// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Items that are too large to be decoded.

package harvester

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/elastic/elastic-agent-libs/logp/logptest"
	"github.com/elastic/elastic-agent-libs/monitoring"

	"onepasswordbeat/internal/eventsapi"
	"onepasswordbeat/module"
)

// TestOversizedItemIsPublishedWithoutItsBody: with its uuid as _id, the reason and the size.
func TestOversizedItemIsPublishedWithoutItsBody(t *testing.T) {
	m := New(Options{Module: module.All()[0], Metrics: NewMetrics(monitoring.NewRegistry(), logptest.NewTestingLogger(t, "")), Now: time.Now}).mapper
	page := &eventsapi.Page{Items: []json.RawMessage{nil, nil}, Oversized: map[int]eventsapi.Oversized{
		0: {UUID: "U", Bytes: 5 << 20, Reason: "too long"},
		1: {Bytes: 5 << 20, Reason: "too long"},
	}}
	for i, id := range []string{"U", "sha256-0000000000000000000000000000000000000000"} {
		ev, err := m.item(page, i, nil, time.Now())
		require.Error(t, err)
		require.Equal(t, id, ev.Meta["_id"])
		message, err := ev.Fields.GetValue("error.message")
		require.NoError(t, err)
		require.Contains(t, message, "5242880 bytes: too long")
		has, _ := ev.Fields.HasKey("event.original")
		require.False(t, has)
	}
}
