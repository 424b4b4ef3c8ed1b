// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What the tests share: configurations, and what must have been delivered.

package tests

import (
	"flag"
	"maps"
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
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if !chosen {
		_ = flag.Set("test.parallel", parallel) // the flag is there
	}
	os.Exit(beattest.Main(m)) //nolint:forbidigo // the end of every TestMain
}

// backlog is an API with n events of each type, nothing live.
func backlog(t *testing.T, n int) *eventsapitest.Server {
	t.Helper()
	return eventsapitest.StartTB(t, eventsapitest.Config{Seed: 7, Backlog: eventsapitest.Each(n)})
}

// input is an input for all that srv has. more replaces settings.
func input(srv *eventsapitest.Server, more ...M) M {
	in := M{
		"type": "onepassword", "id": "acme", "url": srv.URL, "token": srv.Token(),
		"interval":         "1s",
		"initial_interval": "480h", // late events of the backlog included
		"rate_limit":       M{"requests_per_minute": 0, "requests_per_hour": 0},
	}
	for _, m := range more {
		maps.Copy(in, m)
	}
	return in
}

// bulkOutput sends to a bulk server, and tries again soon after a failure.
func bulkOutput(es *bulktest.Server, more ...M) M {
	out := M{"hosts": []string{es.URL}, "backoff": M{"init": "200ms", "max": "1s"}}
	for _, m := range more {
		maps.Copy(out, m)
	}
	return M{"elasticsearch": out}
}

// toBulk is a home whose beat sends from srv to es.
func toBulk(t *testing.T, srv *eventsapitest.Server, es *bulktest.Server, more ...M) *beattest.Home {
	t.Helper()
	home := beattest.NewHome(t)
	home.Configure(beattest.Config{Inputs: []M{input(srv, more...)}, Output: bulkOutput(es)})
	return home
}

// index is the data stream of an event type.
func index(t eventsapitest.EventType) string { return "logs-1password." + names[t] + "-default" }

// names are the event types as the beat calls them.
var names = map[eventsapitest.EventType]string{
	eventsapitest.AuditEvents:    "audit_events",
	eventsapitest.ItemUsages:     "item_usages",
	eventsapitest.SignInAttempts: "signin_attempts",
}

// expected are the ids of all events that the API shows now, of the given types
// or of all.
func expected(srv *eventsapitest.Server, types ...eventsapitest.EventType) map[string]eventsapitest.EventType {
	if len(types) == 0 {
		types = eventsapitest.Types()
	}
	ids := map[string]eventsapitest.EventType{}
	for _, typ := range types {
		for _, id := range srv.UUIDs(typ, time.Time{}) {
			ids[id] = typ
		}
	}
	return ids
}

// missing counts the ids of want that are not in got.
func missing(want map[string]eventsapitest.EventType, got []string) int {
	seen := make(map[string]bool, len(got))
	for _, id := range got {
		seen[id] = true
	}
	n := 0
	for id := range want {
		if !seen[id] {
			n++
		}
	}
	return n
}

// waitIndexed waits until every event that the API shows now is in es.
func waitIndexed(t *testing.T, beat *beattest.Beat, srv *eventsapitest.Server, es *bulktest.Server, most time.Duration, types ...eventsapitest.EventType) {
	t.Helper()
	want := expected(srv, types...)
	beat.Until(most, "every event is indexed", func() bool {
		return es.Count("") >= len(want) && missing(want, es.IDs()) == 0
	})
}

// assertIndexed checks that es has every event of the API once, by its _id, in
// its data stream, and nothing else.
func assertIndexed(t *testing.T, srv *eventsapitest.Server, es *bulktest.Server, types ...eventsapitest.EventType) {
	t.Helper()
	want := expected(srv, types...)
	seen := map[string]bool{}
	for name, docs := range es.Docs() {
		for _, d := range docs {
			assert.False(t, seen[d.ID], "%s is indexed twice", d.ID)
			seen[d.ID] = true
			typ, known := want[d.ID]
			if assert.True(t, known, "%s in %s is no event of the API", d.ID, name) {
				assert.Equal(t, index(typ), name)
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
	want := expected(srv)
	assert.Zero(t, missing(want, ids(events)), "events missing")
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
