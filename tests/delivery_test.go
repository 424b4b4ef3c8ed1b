// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Delivery: to each output, through crashes and stops, past outputs that are
// slow, stuck or down.

package tests

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/tests/beattest"
	"onepasswordbeat/tests/bulktest"
)

func TestDeliversToFile(t *testing.T) {
	t.Parallel()
	srv := beattest.Backlog(t, 2500)
	home := beattest.NewHome(t)
	home.Configure(beattest.Config{Inputs: []M{input(srv)}, Output: beattest.FileOutput(home)})
	beat := home.Start()
	want := beattest.Expected(srv.Account)
	beat.Until(soon, "every event is written", func() bool { return beattest.Missing(want, ids(home.Events())) == 0 })
	code, _ := beat.Terminate(stopMost)
	assert.Zero(t, code)
	assert.Zero(t, assertWritten(t, srv, home.Events()), "repeats without a crash")

	states := home.StateList()
	for _, typ := range eventsapitest.Types() {
		state := states[beattest.TypeName(typ)]
		assert.Equal(t, "cursor", state.Position)
		assert.Equal(t, srv.ID(), state.Account)
	}
}

func TestDeliversToConsole(t *testing.T) {
	t.Parallel()
	srv := beattest.Backlog(t, 2000)
	home := beattest.NewHome(t)
	home.Configure(beattest.Config{Inputs: []M{input(srv)}, Output: beattest.ConsoleOutput()})
	beat := home.Start()
	want := beattest.Expected(srv.Account)
	beat.Until(soon, "every event is printed", func() bool { return beattest.Missing(want, ids(home.ConsoleEvents())) == 0 })
	code, _ := beat.Terminate(stopMost)
	assert.Zero(t, code)
	assert.Zero(t, assertWritten(t, srv, home.ConsoleEvents()), "repeats without a crash")
}

func TestDeliversToElasticsearch(t *testing.T) {
	t.Parallel()
	srv, es, _, beat := indexed(t, 2500)
	code, took := beat.Terminate(stopMost)
	assert.Zero(t, code)
	assert.Less(t, took, 4*time.Second, "nothing is in flight, a stop is quick")
	assertIndexed(t, srv, es)
	assert.Zero(t, es.Stats().Conflicts, "repeats without a crash")
}

// A power cut at any moment: what was in flight comes again, nothing is skipped.
func TestInvariant3_KillAtAnyMomentRepeatsButNeverSkips(t *testing.T) {
	t.Parallel()
	random := seeded(t)
	srv := eventsapitest.StartTB(t, eventsapitest.Config{
		Seed: 7, Backlog: eventsapitest.Each(5000), Live: eventsapitest.Each(20.0),
	})
	es := bulktest.Start(t)
	home := toBulk(t, srv, es, M{"limit": 100})
	for round := range 5 {
		beat := home.Start()
		// A random place in the backlog, and a random moment after it.
		goal := es.Count("") + random.IntN(1500)
		beat.Until(soon, "some of the backlog is indexed", func() bool { return es.Count("") >= goal })
		pause := time.NewTimer(time.Duration(random.IntN(100)) * time.Millisecond)
		<-pause.C
		beat.Kill()
		t.Logf("round %d: killed with %d events indexed, %d repeated so far", round, es.Count(""), es.Stats().Conflicts)
	}
	beat := home.Start()
	waitIndexed(t, beat, srv, es, patient)
	beat.Terminate(stopMost)
	assertSubset(t, srv, es)
}

// The same with files: what a line of the output holds was delivered.
func TestInvariant3_KillWithFileOutput(t *testing.T) {
	t.Parallel()
	random := seeded(t)
	srv := beattest.Backlog(t, 4000)
	home := beattest.NewHome(t)
	home.Configure(beattest.Config{Inputs: []M{input(srv, M{"limit": 100})}, Output: beattest.FileOutput(home)})
	for range 3 {
		beat := home.Start()
		goal := len(home.Events()) + random.IntN(2000)
		beat.Until(soon, "some of the backlog is written", func() bool { return len(home.Events()) >= goal })
		beat.Kill()
	}
	beat := home.Start()
	want := beattest.Expected(srv.Account)
	beat.Until(soon, "every event is written", func() bool { return beattest.Missing(want, ids(home.Events())) == 0 })
	beat.Terminate(stopMost)
	t.Logf("%d repeats over 3 kills", assertWritten(t, srv, home.Events()))
}

// Stops at random moments that leave no time for what is in flight: libbeat
// reports the requests that it cuts off as done.
func TestInvariant1_StopsAtAnyMomentLoseNothing(t *testing.T) {
	t.Parallel()
	random := seeded(t)
	srv := eventsapitest.StartTB(t, eventsapitest.Config{
		Seed: 7, Backlog: eventsapitest.Each(3000), Live: eventsapitest.Each(20.0),
	})
	es := bulktest.Start(t)
	es.SetFault(bulktest.Slow(1500 * time.Millisecond)) // longer than libbeat waits for a request at its end
	home := toBulk(t, srv, es, M{"limit": 100, "shutdown_timeout": "100ms"})
	for range 4 {
		beat := home.Start()
		goal := es.Stats().Bulks + 1 + random.IntN(2)
		beat.Until(soon, "bulk requests are being handled", func() bool { s := es.Stats(); return s.Bulks >= goal && s.Open > 0 })
		beat.Terminate(stopMost)
	}
	es.SetFault(nil)
	beat := home.Start()
	waitIndexed(t, beat, srv, es, patient)
	beat.Terminate(stopMost)
	assertSubset(t, srv, es)
}

// SIGTERM while the output is slow, stuck or down: the stop is bounded, and a
// restart finds everything.
func TestInvariant1_StopLosesNothing(t *testing.T) {
	for name, fault := range map[string]func(*bulktest.Server){
		"slow output":  func(es *bulktest.Server) { es.SetFault(bulktest.Slow(time.Second)) },
		"stuck output": func(es *bulktest.Server) { es.SetFault(bulktest.Stuck()) },
		"output down":  func(es *bulktest.Server) { es.Down(true) },
		"cut requests": func(es *bulktest.Server) { es.SetFault(bulktest.Cut()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := beattest.Backlog(t, 2000)
			es := bulktest.Start(t)
			home := toBulk(t, srv, es, M{"limit": 100})
			beat := home.Start()
			beat.Until(soon, "the first events are indexed", func() bool { return es.Count("") > 0 })
			fault(es)
			before := es.Stats().Bulks
			beat.Until(soon, "a bulk request meets the fault, or the output is down", func() bool {
				return es.Stats().Bulks > before || beat.Log.Count("Failed to") > 0 || es.Count("") == 6000
			})
			code, took := beat.Terminate(stopMost)
			t.Logf("stopped in %s with %d of 6000 events indexed", took.Round(10*time.Millisecond), es.Count(""))
			assert.Zero(t, code)

			es.SetFault(nil)
			es.Down(false)
			beat = home.Start()
			waitIndexed(t, beat, srv, es, soon)
			beat.Terminate(stopMost)
			assertIndexed(t, srv, es)
		})
	}
}

// SIGTERM while the API has answered a page in part.
func TestInvariant1_StopInTheMiddleOfAPage(t *testing.T) {
	t.Parallel()
	srv := beattest.Backlog(t, 1000)
	es := bulktest.Start(t)
	home := toBulk(t, srv, es, M{"limit": 100})
	stall := eventsapitest.Fault{Kind: eventsapitest.Stall, Times: 3}
	srv.Script(eventsapitest.Fault{Kind: eventsapitest.Pass, Times: 9}, stall)
	beat := home.Start()
	beat.Until(soon, "pages are stalled", func() bool { return srv.ScriptLeft() <= 1 && es.Count("") > 0 })
	code, took := beat.Terminate(stopMost)
	assert.Zero(t, code)
	assert.Less(t, took, 4*time.Second, "a page that hangs does not hold up the stop")
	assert.Less(t, es.Count(""), 3000)

	beat = home.Start()
	waitIndexed(t, beat, srv, es, soon)
	beat.Terminate(stopMost)
	assertIndexed(t, srv, es)
}

func TestOutputDownThenUp(t *testing.T) {
	t.Parallel()
	srv := beattest.Backlog(t, 2000)
	es := bulktest.Start(t)
	es.Down(true)
	home := toBulk(t, srv, es)
	beat := home.Start()
	beat.WaitLog("Failed to connect to backoff", soon)
	for typ, cursor := range home.Cursors() {
		assert.Empty(t, cursor, "the cursor of %s moved with the output down", typ)
	}
	es.Down(false)
	waitIndexed(t, beat, srv, es, soon)

	es.Down(true)
	publishSignIn(srv, newUUID(1))
	beat.Until(soon, "the event is on its way", func() bool { return beat.InputSum("events_published_total") == 6001 })
	beat.Terminate(stopMost)
	es.Down(false)
	beat = home.Start()
	waitIndexed(t, beat, srv, es, soon)
	beat.Terminate(stopMost)
	assertIndexed(t, srv, es)
}

// Connections that are cut after Elasticsearch took the documents: they are sent
// again, and rejected by their _id.
func TestInvariant4_ResentEventsKeepTheirID(t *testing.T) {
	t.Parallel()
	srv := beattest.Backlog(t, 500)
	es := bulktest.Start(t)
	es.SetFault(bulktest.Times(3, bulktest.Cut()))
	home := toBulk(t, srv, es)
	beat := home.Start()
	beat.Until(soon, "documents are repeated", func() bool { return es.Stats().Conflicts > 0 })
	waitIndexed(t, beat, srv, es, soon)
	beat.Until(soon, "duplicates count as delivered", func() bool {
		c := home.Cursors()
		return len(c) == 3 && c["audit_events"] != "" && c["item_usages"] != "" && c["signin_attempts"] != ""
	})
	assert.Zero(t, beat.InputSum("events_refused_total"))
	beat.Terminate(stopMost)
	assertIndexed(t, srv, es)
}

// Events that the user's own processors drop count as delivered.
func TestInvariant2_DroppedByProcessorsCountsAsDelivered(t *testing.T) {
	t.Parallel()
	srv := beattest.Backlog(t, 500)
	es := bulktest.Start(t)
	drop := M{"drop_event": M{"when": M{"equals": M{"event.dataset": "1password.audit_events"}}}}
	home := toBulk(t, srv, es, M{"limit": 100, "processors": []M{drop}})
	beat := home.Start()
	others := []eventsapitest.EventType{eventsapitest.ItemUsages, eventsapitest.SignInAttempts}
	waitIndexed(t, beat, srv, es, soon, others...)
	newest := waitState(beat, "audit_events")
	beat.Until(soon, "the whole backlog is passed", func() bool { return beat.InputSum("events_received_total") == 1500 })
	assert.NotEmpty(t, newest.Cursor)
	beat.Terminate(stopMost)
	assertIndexed(t, srv, es, others...)
}

// assertSubset checks that all that es has is of the API, each once, while live
// events may have appeared after its last poll.
func assertSubset(t *testing.T, srv *eventsapitest.Server, es *bulktest.Server) {
	t.Helper()
	want := beattest.Expected(srv.Account)
	seen := map[string]bool{}
	for name, docs := range es.Docs() {
		for _, d := range docs {
			assert.False(t, seen[d.ID], "%s is indexed twice", d.ID)
			seen[d.ID] = true
			assert.Equal(t, beattest.DataStream(want[d.ID]), name)
		}
	}
	assert.Zero(t, es.Stats().Overwrite, "documents are created, never overwritten")
}
