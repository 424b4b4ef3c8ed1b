// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Items that are too large to be decoded, and the length of what is said about items.

package harvester

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/elastic/beats/v7/libbeat/beat"
	"github.com/elastic/beats/v7/libbeat/management/status"
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

// TestErrorMessageIsAtMost1KiB: whatever the item is, and whatever its mapping says of it.
func TestErrorMessageIsAtMost1KiB(t *testing.T) {
	long := strings.Repeat("x", 100_000) + "\x1b[31m\n"
	quoted, err := json.Marshal(long)
	require.NoError(t, err)
	talkative := module.All()[0]
	talkative.Map = func([]byte) (beat.Event, bool, error) {
		return beat.Event{}, false, errors.Join(errors.New("first\x1b]0;owned\x07"), errors.New(long))
	}
	for _, mod := range append(module.All(), talkative) {
		m := New(Options{Module: mod, Metrics: NewMetrics(monitoring.NewRegistry(), logptest.NewTestingLogger(t, "")), Now: time.Now}).mapper
		page := &eventsapi.Page{
			Items: []json.RawMessage{
				nil, quoted, json.RawMessage(`[` + string(quoted) + `]`), json.RawMessage(`{"uuid":` + string(quoted) + `,"timestamp":` + string(quoted) + `}`),
				json.RawMessage(`{"uuid":"U","timestamp":[` + strings.Repeat("[1],", 9000) + `1]}`), json.RawMessage(`{` + string(quoted) + `:`), json.RawMessage(long),
			},
			Oversized: map[int]eventsapi.Oversized{0: {UUID: "U", Bytes: 5 << 20, Reason: long}},
		}
		for i, raw := range page.Items {
			ev, err := m.item(page, i, raw, time.Now())
			require.Error(t, err, "item %d", i)
			value, err := ev.Fields.GetValue("error.message")
			require.NoError(t, err)
			message, _ := value.(string)
			require.NotEmpty(t, message)
			require.LessOrEqual(t, len(message), 1<<10, "item %d", i)
			require.False(t, strings.ContainsFunc(message, unicode.IsControl), "%q", message)
		}
	}
}

// TestHealthIsOnePrintableLine: of what a server, an output or an old registry says.
func TestHealthIsOnePrintableLine(t *testing.T) {
	var got string
	h := newHealth(func(_ status.Status, msg string) { got = msg }, newLimitedLog(logptest.NewTestingLogger(t, "")))
	h.failed(logRegistry, "the account \x1b[31mA\r\nB\u202e"+strings.Repeat("C", 900_000))
	require.LessOrEqual(t, len(got), 1<<10)
	require.True(t, strings.HasPrefix(got, "the account A B C"), "%.40q", got)
}
