// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// States in Elasticsearch: nothing is lost and nothing comes twice when a beat goes on elsewhere.

package elasticsearch

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	conf "github.com/elastic/elastic-agent-libs/config"
	"github.com/elastic/elastic-agent-libs/logp"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/internal/registry"
	"onepasswordbeat/internal/registry/registrytest"
	"onepasswordbeat/tests/beattest"
	"onepasswordbeat/tests/estest"
)

// connection reaches the node as a user.
func connection(node *estest.Node, user string) M {
	return M{
		"hosts": []string{node.URL()}, "username": user, "password": node.Password(user),
		"ssl": M{"certificate_authorities": []string{node.CAFile()}},
	}
}

// stateOf is the section of a beat whose states are in Elasticsearch.
func stateOf(node *estest.Node, user, id string) M {
	return M{"onepasswordbeat.state": M{"backend": "elasticsearch", "id": id, "elasticsearch": connection(node, user)}}
}

// position is what a test looks at in a stored state.
type position struct {
	Cursor    string `json:"cursor"`
	LastEvent string `json:"last_event"` // "" before the first event
}

// storedState is the state of an event type in the index; zero if there is none.
func storedState(t *testing.T, node *estest.Node, id, eventType string) position {
	t.Helper()
	_, answer := node.Do(t, estest.Admin, http.MethodGet,
		"/"+registrytest.Index+"/_doc/"+registrytest.DocID(id, registry.Key{Input: "acme", EventType: eventType}), nil)
	var doc struct {
		Source position `json:"_source"`
	}
	require.NoError(t, json.Unmarshal(answer, &doc))
	return doc.Source
}

// testStateConformance runs what the unit tests run on a stand-in.
func testStateConformance(t *testing.T, node *estest.Node) {
	var n atomic.Int64
	registrytest.Conformance(t, func(*testing.T) registrytest.Place {
		id := "conformance" + string(rune('a'+n.Add(1)))
		return registrytest.ElasticsearchPlace(conf.MustNewConfigFrom(connection(node, stater)), id, func(t *testing.T, doc string, source map[string]any) {
			t.Helper()
			status, answer := node.Do(t, estest.Admin, http.MethodPut, "/"+registrytest.Index+"/_doc/"+doc, source)
			require.Contains(t, []int{http.StatusOK, http.StatusCreated}, status, string(answer))
		})
	})
	fields := node.Mapping(t, registrytest.Index)
	assert.Equal(t, "keyword", fields["state_id"])
	assert.Equal(t, "date", fields["updated"])
}

// testStateTwoWriters: sequence numbers of a real server tell that another one wrote.
func testStateTwoWriters(t *testing.T, node *estest.Node) {
	open := func() *registry.Registry {
		r, err := registry.OpenElasticsearch(registry.Elasticsearch{ID: "two", Index: registrytest.Index,
			Connection: conf.MustNewConfigFrom(connection(node, stater))}, logp.NewNopLogger())
		require.NoError(t, err)
		t.Cleanup(func() { _ = r.Close() })
		return r
	}
	one, two := open(), open()
	key := registry.Key{Input: "acme", EventType: "audit_events"}
	for _, r := range []*registry.Registry{one, two} {
		_, err := r.Load(t.Context(), key)
		require.ErrorIs(t, err, registry.ErrNotFound)
	}
	require.NoError(t, one.Commit(t.Context(), key, registrytest.State(1)))
	require.ErrorAs(t, two.Commit(t.Context(), key, registrytest.State(2)), new(*registry.AdoptedError), "both saw no state")
	require.NoError(t, two.Commit(t.Context(), key, registrytest.State(3)))
	foreign := registrytest.State(4)
	foreign.Account = "ANOTHERACCOUNTAAAAAAAAAAAA"
	require.ErrorContains(t, one.Commit(t.Context(), key, foreign), "another account or output")
	got, err := one.Peek(t.Context(), key)
	require.NoError(t, err)
	assert.Equal(t, registrytest.State(3), got)
}

// testStateMany stores the states of a thousand accounts, all at once, and lists them.
func testStateMany(t *testing.T, node *estest.Node) {
	r, err := registry.OpenElasticsearch(registry.Elasticsearch{ID: "many", Index: registrytest.Index,
		Connection: conf.MustNewConfigFrom(connection(node, stater))}, logp.NewNopLogger())
	require.NoError(t, err)
	t.Cleanup(func() { _ = r.Close() })
	const states = 3000
	all := func(do func(registry.Key) error) time.Duration {
		began := time.Now()
		var group errgroup.Group
		for i := range states {
			group.Go(func() error {
				return do(registry.Key{Input: fmt.Sprintf("account%04d", i/3), EventType: fmt.Sprint("type", i%3)})
			})
		}
		require.NoError(t, group.Wait())
		return time.Since(began).Round(time.Millisecond)
	}
	load := all(func(key registry.Key) error {
		if _, err := r.Load(t.Context(), key); !errors.Is(err, registry.ErrNotFound) {
			return fmt.Errorf("%v: %w", key, err)
		}
		return nil
	})
	first := all(func(key registry.Key) error { return r.Commit(t.Context(), key, registrytest.State(1)) })
	second := all(func(key registry.Key) error { return r.Commit(t.Context(), key, registrytest.State(2)) })
	t.Logf("%d states, all at once: looked for in %s, stored in %s, replaced in %s", states, load, first, second)
	require.Eventually(t, func() bool {
		entries, err := r.List(t.Context())
		return assert.NoError(t, err) && len(entries) == states
	}, soon, 200*time.Millisecond)
}

// testStateKilled: kill -9 in the middle of a backlog, then a start on an empty data path. The states are reached with the
// output's own settings.
func testStateKilled(t *testing.T, node *estest.Node) {
	p := plan{
		User: moving, Events: 2000, Input: M{"limit": 100}, Output: M{"bulk_max_size": 100},
		More: M{"onepasswordbeat.state": M{"backend": "elasticsearch", "id": "killed"}},
	}
	f := newFlow(t, node, "moved", p)
	for i, acked := range []int{1500, 1500} { // two kills
		beat := f.home.Start()
		beat.Until(patient, "a part of the backlog is indexed", func() bool { return counters(beat).Acked > acked })
		beat.Kill()
		assert.Less(t, f.count(t, f.streams()), 6000, "killed in the backlog")
		require.NoDirExists(t, registry.Dir(f.home.Path("data")), "no state is on the disk")
		t.Logf("kill %d: %d of 6000 documents", i+1, f.count(t, f.streams()))
		f.home = beattest.NewHome(t) // another machine
		f.configure(p)
	}
	before := f.count(t, f.streams())
	beat := f.home.Start()
	f.complete(t, beat, patient)
	beat.Until(soon, "everything is acknowledged", func() bool { return counters(beat).Acked+counters(beat).Duplicates >= 6000-before })
	t.Logf("the last beat found %d documents and sent %d, of which %d were there", before, counters(beat).Acked, counters(beat).Duplicates)
	assert.Less(t, counters(beat).Acked, 6000-before+3*1100, "it did not start over: what is repeated was in flight")
	end(t, beat)

	f.home = beattest.NewHome(t) // and after an orderly stop nothing is repeated
	f.configure(p)
	began := time.Now()
	beat = f.home.Start()
	f.srv.Publish(eventsapitest.SignInAttempts, signIn(t, handmade(0), nil))
	f.complete(t, beat, patient)
	end(t, beat)
	assert.Zero(t, counters(beat).Duplicates)
	for _, r := range f.srv.Requests() {
		assert.False(t, r.At.After(began) && strings.Contains(r.Body, "start_time"), "every type had its cursor")
	}
}

// degraded waits until an input is Degraded for a reason.
func degraded(beat *beattest.Beat, reason string) {
	beat.WaitLog(reason, soon)
}

// eventRequests counts requests for events.
func (f *flow) eventRequests() int {
	n := 0
	for _, r := range f.srv.Requests() {
		if r.Type != "" && r.Type != eventsapitest.Introspect {
			n++
		}
	}
	return n
}

// testStateForbidden: a 403 does not mean that there is no state. A granted privilege repairs it.
func testStateForbidden(t *testing.T, node *estest.Node) {
	f := newFlow(t, node, "forbidden", plan{User: writer, Events: 20, More: stateOf(node, partial, "forbidden")})
	grant(t, node, []string{"read", "index"}, "something-else")
	beat := f.home.Start()
	degraded(beat, "nothing is collected before the stored state was read")
	degraded(beat, "status 403")
	time.Sleep(3 * time.Second) //nolint:forbidigo // that nothing happens can't be waited for
	assert.Zero(t, f.eventRequests(), "nothing is requested")
	node.SetRole(t, partial, documented(t, "onepasswordbeat_state"))
	f.complete(t, beat, patient)
	end(t, beat)
}

// testStateDownAtStart: nothing is requested before Elasticsearch has said that there is no state.
func testStateDownAtStart(t *testing.T, node *estest.Node) {
	f := newFlow(t, node, "down", plan{User: writer, Events: 50, More: stateOf(node, stater, "down")})
	node.Kill9(t)
	beat := f.home.Start()
	degraded(beat, "nothing is collected before the stored state was read")
	time.Sleep(3 * time.Second) //nolint:forbidigo // that nothing happens can't be waited for
	assert.Zero(t, f.eventRequests(), "nothing is requested")
	stopped := beattest.NewHome(t)
	f.home, stopped = stopped, f.home
	f.configure(plan{User: writer, Events: 50, More: stateOf(node, stater, "stopped")})
	waiting := f.home.Start()
	degraded(waiting, "nothing is collected before the stored state was read")
	end(t, waiting) // a stop does not wait for Elasticsearch
	f.home = stopped
	node.Restart(t)
	f.complete(t, beat, patient)
	end(t, beat)
}

// testStateDownWhileRunning: collection goes on to an output that is well, and the state is stored when it can be.
func testStateDownWhileRunning(t *testing.T, node *estest.Node) {
	f := newFlow(t, node, "running", plan{User: writer, Events: 20})
	input := beattest.Input(f.srv.URL, f.srv.Token(), M{"id": "acme", "interval": "1s"})
	f.home.Configure(beattest.Config{Inputs: []M{input}, Output: beattest.FileOutput(f.home), More: stateOf(node, stater, "running")})
	beat := f.home.Start()
	written := func(n int) func() bool { return func() bool { return len(f.home.Events()) >= n } }
	beat.Until(soon, "the backlog is written", written(60))
	for _, name := range names {
		beat.Until(soon, "its cursor is stored", seldom(func() bool { return storedState(t, node, "running", name).Cursor != "" }))
	}
	node.Kill9(t)
	for n := range 5 {
		f.srv.Publish(eventsapitest.SignInAttempts, signIn(t, handmade(n), nil))
	}
	beat.Until(soon, "events go on", written(65))
	degraded(beat, "can't store the cursor")
	_, took := beat.Terminate(stopMost)
	assert.Less(t, took, stopMost)

	beat = f.home.Start()
	node.Restart(t)
	beat.Until(patient, "what came after the last stored state is repeated", written(70))
	f.srv.Publish(eventsapitest.SignInAttempts, signIn(t, handmade(6), nil))
	beat.Until(soon, "events go on", written(71))
	beat.Until(patient, "the state is stored again", seldom(func() bool {
		last, err := time.Parse(time.RFC3339, storedState(t, node, "running", "signin_attempts").LastEvent)
		return err == nil && time.Since(last) < time.Minute
	}))
	end(t, beat)
	assert.Len(t, f.home.Events(), 71)
}
