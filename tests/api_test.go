// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The API's troubles: down, faulty, tokens, cursors, the first start.

package tests

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/tests/beattest"
	"onepasswordbeat/tests/bulktest"
)

func TestInvariant5_APIDownThenUp(t *testing.T) {
	t.Parallel()
	srv := beattest.Backlog(t, 500)
	es := bulktest.Start(t)
	srv.Down(true)
	home := toBulk(t, srv, es)
	beat := home.Start()
	beat.WaitLog("Degraded", soon)
	srv.Down(false)
	waitIndexed(t, beat, srv, es, soon)

	srv.Down(true)
	first := beat.Log.Len()
	beat.WaitLogAfter(first, "Degraded", soon)
	publishSignIn(srv, newUUID(1))
	first = beat.Log.Len()
	srv.Down(false)
	waitIndexed(t, beat, srv, es, soon)
	beat.WaitLogAfter(first, "Running", soon)
	beat.Terminate(stopMost)
	assertIndexed(t, srv, es)
}

// 429, 500, resets, cut and malformed bodies, 5 % each, all at once.
func TestInvariant5_FaultyAPISkipsNothing(t *testing.T) {
	t.Parallel()
	var faults []eventsapitest.Chance
	for _, fault := range []eventsapitest.Fault{
		eventsapitest.HTTPStatus(429), eventsapitest.HTTPStatus(500),
		{Kind: eventsapitest.Reset}, {Kind: eventsapitest.Cut}, {Kind: eventsapitest.Garbage},
	} {
		faults = append(faults, eventsapitest.Chance{P: 0.05, Fault: fault})
	}
	srv := eventsapitest.StartTB(t, eventsapitest.Config{Seed: 11, Backlog: eventsapitest.Each(2000), Faults: faults})
	es := bulktest.Start(t)
	home := toBulk(t, srv, es, M{"limit": 100})
	beat := home.Start()
	waitIndexed(t, beat, srv, es, patient)
	beat.Terminate(stopMost)
	assertIndexed(t, srv, es)
	stats := srv.Stats()
	assert.NotEmpty(t, stats.Faults)
	t.Logf("faults met: %v", stats.Faults)
}

// A cursor that does not move though the API says that there is more: no hot
// loop, and nothing lost.
func TestInvariant5_UnmovingCursor(t *testing.T) {
	t.Parallel()
	srv := beattest.Backlog(t, 300)
	srv.Script(
		eventsapitest.Fault{Kind: eventsapitest.Pass, On: eventsapitest.AuditEvents},
		eventsapitest.Fault{Kind: eventsapitest.Endless, On: eventsapitest.AuditEvents, Times: 2},
		eventsapitest.Fault{Kind: eventsapitest.Repeat, On: eventsapitest.AuditEvents},
	)
	es := bulktest.Start(t)
	home := toBulk(t, srv, es, M{"limit": 100})
	beat := home.Start()
	waitIndexed(t, beat, srv, es, soon)
	assert.Positive(t, beat.InputSum("pages_stuck_total"))
	assert.Less(t, srv.Stats().Count(eventsapitest.AuditEvents), 20)
	beat.Terminate(stopMost)
	assertIndexed(t, srv, es)
}

// Items that are not events, unknown keys and values, null and missing
// keys: everything is published, what can't be mapped with its original.
func TestInvariant5_ItemsThatCannotBeMappedArePublished(t *testing.T) {
	t.Parallel()
	srv := beattest.Backlog(t, 500)
	for _, kind := range []eventsapitest.Kind{
		eventsapitest.JunkItems, eventsapitest.UnknownKeys, eventsapitest.UnknownEnums, eventsapitest.Nulls, eventsapitest.Missing,
	} {
		srv.Script(eventsapitest.Fault{Kind: kind, Times: 3})
	}
	home := beattest.NewHome(t)
	home.Configure(beattest.Config{Inputs: []M{input(srv, M{"limit": 50})}, Output: beattest.FileOutput(home)})
	beat := home.Start()
	want := beattest.Expected(srv.Account)
	beat.Until(soon, "every event is written", func() bool { return beattest.Missing(want, ids(home.Events())) == 0 })
	beat.Terminate(stopMost)
	junk := 0
	for _, e := range home.Events() {
		if _, known := want[e.Meta.ID]; known {
			continue
		}
		junk++
		assert.Contains(t, e.Error.Message, "can't map")
		assert.NotEmpty(t, e.Event.Original)
		assert.NotEmpty(t, e.Meta.ID)
	}
	assert.Positive(t, junk)
}

// The start time is stored before the first request: an event that happens
// while the API is down at the first start is not lost with a restart.
func TestInvariant7_RestartBeforeTheFirstEventOpensNoGap(t *testing.T) {
	t.Parallel()
	srv := beattest.Backlog(t, 0)
	es := bulktest.Start(t)
	srv.Down(true)
	home := toBulk(t, srv, es, M{"initial_interval": "1s"})
	beat := home.Start()
	beat.WaitLog("Degraded", soon)
	publishSignIn(srv, newUUID(1))
	happened := time.Now()
	beat.Until(soon, "every start time is stored", func() bool { return len(home.Registry()) == 3 })
	stored := home.Registry()
	beat.Kill()

	beattest.Until(t, soon, "initial_interval no longer reaches the event", func() bool { return time.Since(happened) > 1500*time.Millisecond })
	srv.Down(false)
	beat = home.Start()
	waitIndexed(t, beat, srv, es, soon)
	beat.Terminate(stopMost)
	for typ, state := range home.Registry() {
		assert.Equal(t, stored[typ].StartTime, state.StartTime, "the start time of %s moved", typ)
	}
}

// A token that grants two of three event types, by its claims and by the
// server's word.
func TestInvariant6_TokenThatGrantsTwoOfThree(t *testing.T) {
	two := []eventsapitest.EventType{eventsapitest.AuditEvents, eventsapitest.SignInAttempts}
	for name, token := range map[string]func(*eventsapitest.Server) string{
		"claims": func(srv *eventsapitest.Server) string { return srv.Token(eventsapitest.WithFeatures(two...)) },
		"server": func(srv *eventsapitest.Server) string {
			token := srv.Token()
			srv.SetFeatures(token, two...)
			return token
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := beattest.Backlog(t, 500)
			es := bulktest.Start(t)
			home := toBulk(t, srv, es, M{"token": token(srv)})
			beat := home.Start()
			waitIndexed(t, beat, srv, es, soon, two...)
			line := beat.WaitLog("Degraded", soon)
			assert.Equal(t, "item_usages", line.Fields["event_type"], line.Raw)
			code, _ := beat.Terminate(stopMost)
			assert.Zero(t, code)
			assertIndexed(t, srv, es, two...)
		})
	}
}

// A token_file that is rotated while the beat runs: the old token is revoked, the
// new one is used without a restart.
func TestInvariant5_RotatedTokenFile(t *testing.T) {
	t.Parallel()
	srv := beattest.Backlog(t, 300)
	es := bulktest.Start(t)
	home := beattest.NewHome(t)
	old := srv.Token()
	path := home.Write("token", old+"\n")
	in := input(srv, M{"token_file": path})
	delete(in, "token")
	home.Configure(beattest.Config{Inputs: []M{in}, Output: bulkOutput(es)})
	beat := home.Start()
	waitIndexed(t, beat, srv, es, soon)

	first := beat.Log.Len()
	srv.Revoke(old)
	line := beat.WaitLogAfter(first, "Degraded", soon)
	assert.Contains(t, line.Message, "401")
	publishSignIn(srv, newUUID(1))
	home.Replace("token", srv.Token())
	waitIndexed(t, beat, srv, es, soon)
	beat.Terminate(stopMost)
	assertIndexed(t, srv, es)
}

// waitState waits until a cursor is stored for an event type.
func waitState(beat *beattest.Beat, typ string) (state beattest.Stored) {
	beat.Until(soon, "a cursor is stored", func() bool {
		state = beat.Home.Registry()[typ]
		return state.Cursor != ""
	})
	return state
}
