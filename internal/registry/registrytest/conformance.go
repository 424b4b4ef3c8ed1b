// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The conformance tests: what every place for states guarantees.

package registrytest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	conf "github.com/elastic/elastic-agent-libs/config"
	"github.com/elastic/elastic-agent-libs/logp"

	"onepasswordbeat/internal/registry"
)

// Place is where the states of one test are.
type Place struct {
	// Open opens the registry. A test closes it before it opens another one of the same place.
	Open func(t *testing.T) *registry.Registry
	// Store replaces what is stored for a key, or adds it, as another program would. The registry is closed.
	Store func(t *testing.T, key registry.Key, fields map[string]any)
}

var (
	at  = time.Date(2026, 2, 3, 4, 5, 6, 789_000_001, time.UTC)
	key = registry.Key{Input: "acme", EventType: "audit_events"}
)

// State is a state with every field set that all backends keep; n tells one from the next.
func State(n int) registry.State {
	return registry.State{
		Account: "ACCOUNTACCOUNTACCOUNTACCOU", Cursor: fmt.Sprintf("cursor-%d<&>\"\\é", n), StartTime: at.Add(-24 * time.Hour),
		LastEvent: at.Add(time.Duration(n) * time.Millisecond), Updated: at.Add(time.Duration(n) * time.Second), Limit: 1000, InitialInterval: 24 * time.Hour,
	}
}

// Conformance runs the tests, each in a place of its own.
func Conformance(t *testing.T, place func(t *testing.T) Place) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T, p Place)
	}{
		{"nothing is stored at first", testAbsent},
		{"what Commit returned for is there", testRoundTrip},
		{"keys do not meet", testKeys},
		{"version 1 is read", testVersion1},
		{"damage stops one key", testDamage},
		{"a state that was moved away is not used", testMoved},
		{"reset", testReset},
		{"many commits at once", testTogether},
		{"a closed registry", testClosed},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, place(t)) })
	}
}

func testAbsent(t *testing.T, p Place) {
	r := p.Open(t)
	_, err := r.Load(t.Context(), key)
	require.ErrorIs(t, err, registry.ErrNotFound)
	entries, err := r.List(t.Context())
	require.NoError(t, err)
	assert.Empty(t, entries)
}

func testRoundTrip(t *testing.T, p Place) {
	r := p.Open(t)
	for i := range 3 {
		require.NoError(t, r.Commit(t.Context(), key, State(i)))
	}
	require.NoError(t, r.Close())
	r = p.Open(t)
	got, err := r.Load(t.Context(), key)
	require.NoError(t, err)
	assert.Equal(t, State(2), got)
	require.NoError(t, r.Commit(t.Context(), key, registry.State{StartTime: at}))
	got, err = r.Load(t.Context(), key)
	require.NoError(t, err)
	assert.Equal(t, registry.State{StartTime: at}, got)
}

func testKeys(t *testing.T, p Place) {
	r := p.Open(t)
	keys := []registry.Key{key, {Input: "acme:", EventType: "x"}, {Input: "acme", EventType: "x"}, {Input: "ac", EventType: "me"}, {Input: "a", EventType: "cme"}}
	for i, k := range keys {
		require.NoError(t, r.Commit(t.Context(), k, State(i)))
	}
	require.NoError(t, r.Close())
	r = p.Open(t)
	for i, k := range keys {
		got, err := r.Load(t.Context(), k)
		require.NoError(t, err)
		assert.Equal(t, State(i), got, "%v", k)
	}
	require.Eventually(t, func() bool { // a search may be a second behind
		entries, err := r.List(t.Context())
		return assert.NoError(t, err) && len(entries) == len(keys)
	}, 10*time.Second, 100*time.Millisecond)
}

// testVersion1: what the first version stored is always read.
func testVersion1(t *testing.T, p Place) {
	p.Store(t, key, map[string]any{
		"version": 1, "account": "EXAMPLEACCOUNT111111111111", "cursor": "bm8gcGxhaW4gdGV4dA", "start_time": "2026-03-14T13:39:26.535897932Z",
		"last_event": "2026-03-14T15:09:26.535897932Z", "updated": "2026-03-14T15:09:28.535897932Z", "limit": 100, "initial_interval": "1h30m0s",
	})
	got, err := p.Open(t).Load(t.Context(), key)
	require.NoError(t, err)
	last := time.Date(2026, 3, 14, 15, 9, 26, 535_897_932, time.UTC)
	assert.Equal(t, registry.State{
		Account: "EXAMPLEACCOUNT111111111111", Cursor: "bm8gcGxhaW4gdGV4dA", StartTime: last.Add(-90 * time.Minute),
		LastEvent: last, Updated: last.Add(2 * time.Second), Limit: 100, InitialInterval: 90 * time.Minute,
	}, got)
}

func testDamage(t *testing.T, p Place) {
	other := registry.Key{Input: "other", EventType: "audit_events"}
	for name, fields := range map[string]map[string]any{
		"an unknown version": {"version": 99, "cursor": "c"},
		"no version":         {"cursor": "c"},
		"no position":        {"version": 1},
		"no time":            {"version": 1, "cursor": "c", "updated": "yesterday"},
		"a long cursor":      {"version": 1, "cursor": string(make([]byte, 4097))},
		"another type":       {"version": 1, "cursor": "c", "account": []string{"a", "b"}}, // which Elasticsearch's mapping accepts
	} {
		p.Store(t, key, fields)
		r := p.Open(t)
		_, err := r.Load(t.Context(), key)
		require.ErrorContains(t, err, "can't be used", name)
		require.ErrorContains(t, err, "state reset --input acme --event-type audit_events", name)
		require.NotErrorIs(t, err, registry.ErrNotFound, name)
		require.NotErrorAs(t, err, new(*registry.UnavailableError), name)
		_, err = r.Load(t.Context(), other)
		require.True(t, err == nil || errors.Is(err, registry.ErrNotFound), "%v", err)
		require.NoError(t, r.Commit(t.Context(), other, State(1)), "others go on")
		require.NoError(t, r.Close())
	}
}

func testMoved(t *testing.T, p Place) {
	p.Store(t, key, map[string]any{"version": 2, "moved": "somewhere else"})
	_, err := p.Open(t).Load(t.Context(), key)
	require.ErrorAs(t, err, new(*registry.MovedError))
	require.ErrorContains(t, err, "somewhere else")
	require.ErrorContains(t, err, "state move --to")
}

func testReset(t *testing.T, p Place) {
	r := p.Open(t)
	require.NoError(t, r.Commit(t.Context(), key, State(1)))
	require.NoError(t, r.Close())
	r = p.Open(t)
	require.NoError(t, r.Reset(t.Context(), key, registry.Start{Since: at, Now: at}))
	got, err := r.Load(t.Context(), key)
	require.NoError(t, err)
	assert.Equal(t, registry.State{Account: State(1).Account, StartTime: at, Updated: at}, got)
	require.NoError(t, r.Close())
	p.Store(t, key, map[string]any{"version": 99})
	r = p.Open(t)
	require.NoError(t, r.Reset(t.Context(), key, registry.Start{Since: at, Now: at}), "what can't be used is replaced")
	got, err = r.Load(t.Context(), key)
	require.NoError(t, err)
	assert.Equal(t, at, got.StartTime)
}

func testTogether(t *testing.T, p Place) {
	r := p.Open(t)
	const writers, commits = 40, 5
	var group sync.WaitGroup
	for w := range writers {
		k := registry.Key{Input: fmt.Sprint("in", w), EventType: "audit_events"}
		group.Go(func() {
			for i := range commits {
				assert.NoError(t, r.Commit(t.Context(), k, State(i)))
			}
		})
	}
	group.Wait()
	require.NoError(t, r.Close())
	r = p.Open(t)
	for w := range writers {
		got, err := r.Load(t.Context(), registry.Key{Input: fmt.Sprint("in", w), EventType: "audit_events"})
		require.NoError(t, err)
		assert.Equal(t, State(commits-1), got)
	}
}

func testClosed(t *testing.T, p Place) {
	r := p.Open(t)
	require.NoError(t, r.Close())
	_, err := r.Load(t.Context(), key)
	require.ErrorIs(t, err, registry.ErrClosed)
	require.ErrorIs(t, r.Commit(t.Context(), key, State(1)), registry.ErrClosed)
	_, err = r.List(t.Context())
	require.ErrorIs(t, err, registry.ErrClosed)
	require.NoError(t, r.Close())
}

// DocID is the _id of a document. It is written down twice, here and in package registry: it must never change.
func DocID(stateID string, key registry.Key) string {
	parts := []string{stateID, key.Input, key.EventType}
	text := ""
	for _, part := range parts {
		text += fmt.Sprintf("%d:%s", len(part), part)
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(text)))
}

// ElasticsearchPlace is an index of an Elasticsearch, stand-in or not, that can be reached with a connection. put
// stores a document.
func ElasticsearchPlace(connection *conf.C, id string, put func(t *testing.T, id string, source map[string]any)) Place {
	settings := registry.Elasticsearch{ID: id, Index: Index, Connection: connection}
	return Place{
		Open: func(t *testing.T) *registry.Registry {
			t.Helper()
			r, err := registry.OpenElasticsearch(settings, logp.NewNopLogger())
			require.NoError(t, err)
			t.Cleanup(func() { _ = r.Close() })
			return r
		},
		Store: func(t *testing.T, key registry.Key, fields map[string]any) {
			t.Helper()
			source := map[string]any{"state_id": id, "input": key.Input, "event_type": key.EventType, "writer": "a test"}
			maps.Copy(source, fields)
			put(t, DocID(id, key), source)
		},
	}
}
