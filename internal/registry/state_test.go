// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The stored form: version 1 always, and what is rejected.

package registry

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"onepasswordbeat/internal/eventsapi"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestStateVersion1IsReadForever reads a registry that the first version of this
// beat wrote. Never make its files anew: a beat that can't read them is what this
// test is there to find.
func TestStateVersion1IsReadForever(t *testing.T) {
	at := time.Date(2026, 3, 14, 15, 9, 26, 535_897_932, time.UTC)
	want := []Entry{
		{Key: Key{"acme", "audit_events"}, State: State{
			Account: "EXAMPLEACCOUNT111111111111", Cursor: "bm8gcGxhaW4gdGV4dA", StartTime: at.Add(-90 * time.Minute),
			LastEvent: at, Updated: at.Add(2 * time.Second), Limit: 100, InitialInterval: 90 * time.Minute,
		}},
		{Key: Key{"acme", "item_usages"}, State: State{
			Account: "EXAMPLEACCOUNT111111111111", Cursor: "aGVsbG8-d29ybGQ_MQ", StartTime: at.Add(-36 * time.Hour),
			LastEvent: at.Add(-time.Minute), Updated: at.Add(time.Second), Limit: 1000, InitialInterval: 36 * time.Hour,
		}},
		{Key: Key{"acme", "signin_attempts"}, State: State{StartTime: at.Add(-24 * time.Hour), Updated: at}},
	}
	dataPath := t.TempDir()
	require.NoError(t, os.CopyFS(dataPath, os.DirFS(filepath.Join("testdata", "version1"))))
	for range 2 { // and once more after what opening it changed
		r := open(t, dataPath)
		got, err := r.List(t.Context())
		require.NoError(t, err)
		assert.Equal(t, want, got)
		for _, e := range want {
			state, err := r.Load(t.Context(), e.Key)
			require.NoError(t, err)
			assert.Equal(t, e.State, state)
		}
		require.NoError(t, r.Commit(t.Context(), want[2].Key, want[2].State))
		require.NoError(t, r.Close())
	}
}

// TestStateThatCannotBeUsed: it is rejected with the remedy, and stays as it is.
func TestStateThatCannotBeUsed(t *testing.T) {
	tests := map[string]struct {
		stored map[string]any
		want   string
	}{
		"a later version":   {map[string]any{"version": 3, "cursor": "c"}, "it has version 3, and this beat reads versions 1 to 2"},
		"moved to nowhere":  {map[string]any{"version": 2, "cursor": "c"}, "it says that it was moved, but not where to"},
		"a long cursor":     {map[string]any{"version": 1, "cursor": strings.Repeat("c", 4097)}, "its cursor has more than 4096 bytes"},
		"no version":        {map[string]any{"cursor": "c"}, "it has version 0"},
		"a version below":   {map[string]any{"version": -1, "cursor": "c"}, "it has version -1"},
		"no position":       {map[string]any{"version": 1}, "it has neither a cursor nor a start time"},
		"no time":           {map[string]any{"version": 1, "cursor": "c", "updated": "yesterday"}, "updated is not a valid time"},
		"no start time":     {map[string]any{"version": 1, "start_time": "x"}, "start_time is not a valid time"},
		"no last time":      {map[string]any{"version": 1, "cursor": "c", "last_event": "2026-13-01T00:00:00Z"}, "last_event is not a valid time"},
		"no duration":       {map[string]any{"version": 1, "cursor": "c", "initial_interval": "a day"}, "initial_interval is not a valid duration"},
		"version is a word": {map[string]any{"version": "one", "cursor": "c"}, "can't be used"},
		"cursor is a map":   {map[string]any{"version": 1, "cursor": map[string]any{"a": 1}}, "can't be used"},
		"nothing":           {map[string]any{}, "it has version 0"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dataPath := t.TempDir()
			r := open(t, dataPath)
			require.NoError(t, memOf(r).Set(testKey.String(), test.stored))
			before := snapshot(t, dataPath)
			got, err := r.Load(t.Context(), testKey)
			require.ErrorContains(t, err, test.want)
			require.ErrorContains(t, err, `input "acme", event type "audit_events"`)
			require.ErrorContains(t, err, "onepasswordbeat state reset --input acme --event-type audit_events --since TIME")
			require.NotErrorIs(t, err, ErrNotFound, "which would start over")
			assert.Zero(t, got)
			assert.Equal(t, before, snapshot(t, dataPath))
			entries, err := r.List(t.Context())
			require.NoError(t, err)
			require.Len(t, entries, 1)
			assert.ErrorContains(t, entries[0].Err, test.want)
		})
	}
}

// TestTextsOfAnOldRegistryCanBeShown: an old version stored what a server sent, of any length and with any characters.
func TestTextsOfAnOldRegistryCanBeShown(t *testing.T) {
	hostile := "A\x1b[31mB\r\nC\x1b]0;owned\x07\u202e" + strings.Repeat("D", 900_000)
	check := func(t *testing.T, text string, most int) {
		t.Helper()
		assert.LessOrEqual(t, len(text), most)
		assert.False(t, strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }), "%.300q", text)
	}
	for name, stored := range map[string]map[string]any{
		"account":          {"version": 1, "cursor": "c", "account": hostile},
		"updated":          {"version": 1, "cursor": "c", "updated": hostile},
		"initial_interval": {"version": 1, "cursor": "c", "initial_interval": hostile},
		"start_time":       {"version": 1, "start_time": hostile},
	} {
		t.Run(name, func(t *testing.T) {
			r := open(t, t.TempDir())
			for _, key := range []Key{testKey, {hostile, "audit_events"}, {"acme", hostile}} {
				require.NoError(t, memOf(r).Set(key.String(), stored))
			}
			entries, err := r.List(t.Context())
			require.NoError(t, err)
			require.Len(t, entries, 3)
			for _, e := range entries {
				check(t, e.State.Account, 128)
				if name != "account" {
					require.Error(t, e.Err)
					check(t, strings.Join(strings.Split(e.Err.Error(), "\n"), " "), 2<<10)
				}
			}
		})
	}
}

func TestKeys(t *testing.T) {
	for _, k := range []Key{testKey, otherKey, {"a:b", "x"}} {
		got, ok := parseKey(k.String())
		assert.True(t, ok)
		assert.Equal(t, k, got)
	}
	for _, s := range []string{"", "onepassword", "onepassword::a", "onepassword::::a", "onepassword::a::", "other::a::b", "onepassword::a::b::c"} {
		_, ok := parseKey(s)
		assert.False(t, ok, s)
	}
}

// TestCursorHasTheLimitOfTheAPI: what is read from a store passes the limit that a response passes.
func TestCursorHasTheLimitOfTheAPI(t *testing.T) {
	r := State{Cursor: strings.Repeat("c", eventsapi.MaxCursorBytes)}.record()
	_, err := r.state()
	require.NoError(t, err)
	r.Cursor += "c"
	_, err = r.state()
	require.ErrorContains(t, err, "its cursor has more than")
}
