// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What the tests share: configurations, and what must have been delivered.

package tests

import (
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/tests/beattest"
	"onepasswordbeat/tests/bulktest"
)

// M is a part of a configuration.
type M = beattest.M

const (
	// soon is for what happens within moments on an idle machine.
	soon = 20 * time.Second
	// patient is for what a backoff or a timeout of a second or more comes before.
	patient = 60 * time.Second
	// stopMost is the most that a stop may take: shutdown_timeout (5 s) and some seconds.
	stopMost = 10 * time.Second
	// parallel is how many tests run at once: they wait more than they work.
	parallel = "4"
)

func TestMain(m *testing.M) {
	os.Exit(beattest.MainParallel(m, parallel)) //nolint:forbidigo // the end of every TestMain
}

// input is an input for all that srv has. more replaces settings.
func input(srv *eventsapitest.Server, more ...M) M {
	return beattest.Input(srv.URL, srv.Token(), more...)
}

// bulkOutput sends to a bulk server, and tries again soon after a failure.
func bulkOutput(es *bulktest.Server, more ...M) M {
	return beattest.ElasticsearchOutput(es.URL, more...)
}

// toBulk is a home whose beat sends from srv to es.
func toBulk(t *testing.T, srv *eventsapitest.Server, es *bulktest.Server, more ...M) *beattest.Home {
	t.Helper()
	home := beattest.NewHome(t)
	home.Configure(beattest.Config{Inputs: []M{input(srv, more...)}, Output: bulkOutput(es)})
	return home
}

// indexed runs a beat until it has indexed n events of each type.
func indexed(t *testing.T, n int) (*eventsapitest.Server, *bulktest.Server, *beattest.Home, *beattest.Beat) {
	t.Helper()
	srv := beattest.Backlog(t, n)
	es := bulktest.Start(t)
	home := toBulk(t, srv, es)
	beat := home.Start()
	waitIndexed(t, beat, srv, es, soon)
	return srv, es, home, beat
}

// waitIndexed waits until every event that the API shows now is in es.
func waitIndexed(t *testing.T, beat *beattest.Beat, srv *eventsapitest.Server, es *bulktest.Server, most time.Duration, types ...eventsapitest.EventType) {
	t.Helper()
	want := beattest.Expected(srv.Account, types...)
	beat.Until(most, "every event is indexed", func() bool {
		return es.Count("") >= len(want) && beattest.Missing(want, es.IDs()) == 0
	})
}

// assertIndexed checks that es has every event of the API once, by its _id, in
// its data stream, and nothing else.
func assertIndexed(t *testing.T, srv *eventsapitest.Server, es *bulktest.Server, types ...eventsapitest.EventType) {
	t.Helper()
	want := beattest.Expected(srv.Account, types...)
	seen := map[string]bool{}
	for name, docs := range es.Docs() {
		for _, d := range docs {
			assert.False(t, seen[d.ID], "%s is indexed twice", d.ID)
			seen[d.ID] = true
			typ, known := want[d.ID]
			if assert.True(t, known, "%s in %s is not an event of the API", d.ID, name) {
				assert.Equal(t, beattest.DataStream(typ), name)
			}
		}
	}
	assert.Len(t, seen, len(want), "events missing")
	assert.Zero(t, es.Stats().Overwrite, "documents are created, never overwritten")
}

// ids are the _id of events, repeats included.
func ids(events []beattest.Event) []string {
	list := make([]string, len(events))
	for i, e := range events {
		list[i] = e.Meta.ID
	}
	return list
}

// assertWritten checks that events holds every event of the API and nothing else,
// and returns how many are repeats.
func assertWritten(t *testing.T, srv *eventsapitest.Server, events []beattest.Event) (repeats int) {
	t.Helper()
	want := beattest.Expected(srv.Account)
	assert.Zero(t, beattest.Missing(want, ids(events)), "events missing")
	seen := map[string]bool{}
	for _, e := range events {
		if seen[e.Meta.ID] {
			repeats++
		}
		seen[e.Meta.ID] = true
		assert.Contains(t, want, e.Meta.ID, "no event of the API")
		assert.Equal(t, e.Meta.ID, e.Event.ID, "the _id is the uuid")
	}
	return repeats
}

// seeded returns random numbers from a seed that is printed.
func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// waitRunning waits until every event type is Running.
func waitRunning(beat *beattest.Beat, types int) {
	beat.Until(soon, "every event type is Running", func() bool {
		n := 0
		for _, line := range beat.Log.Lines() {
			if line.Message == "Running" {
				n++
			}
		}
		return n >= types
	})
}

// now is the time as the API writes it.
func now() string { return time.Now().UTC().Format(time.RFC3339Nano) }
