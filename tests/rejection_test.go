// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Outputs that reject: everything, one data stream, one document.

package tests

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/tests/beattest"
	"onepasswordbeat/tests/bulktest"
)

// An output that rejects everything holds the cursors, says why, and gets every
// event once the cause is gone, without a restart.
func TestInvariant2_OutputThatRejectsEverythingHoldsTheCursor(t *testing.T) {
	for name, rejection := range map[string]*bulktest.Rejection{
		"missing privilege": bulktest.NoPrivilege,
		"missing pipeline":  bulktest.MissingPipeline,
		"blocked index":     bulktest.WriteBlock,
		"closed index":      bulktest.ClosedIndex,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := beattest.Backlog(t, 1000)
			es := bulktest.Start(t)
			es.Reject(bulktest.Every(rejection))
			home := toBulk(t, srv, es, M{"limit": 200})
			beat := home.Start()
			waitRejected(t, beat, rejection, 3)
			assertCursorsHeld(t, home, 3)
			bulks := es.Stats().Bulks
			beat.Until(soon, "the page is tried again", func() bool { return es.Stats().Bulks > bulks+3 })
			assertCursorsHeld(t, home, 3)
			assert.Zero(t, es.Count(""))

			first := beat.Log.Len()
			es.Reject(nil)
			waitIndexed(t, beat, srv, es, patient)
			beat.Until(soon, "every event type is Running again", func() bool {
				running := map[any]bool{}
				for _, line := range beat.Log.Lines()[first:] {
					if line.Message == "Running" {
						running[line.Fields["event_type"]] = true
					}
				}
				return len(running) == 3
			})
			code, _ := beat.Terminate(stopMost)
			assert.Zero(t, code)
			assertIndexed(t, srv, es)
		})
	}
}

// The same across restarts: a stop and a kill while everything is rejected.
func TestInvariant2_RejectedPagesSurviveStopAndKill(t *testing.T) {
	t.Parallel()
	srv := beattest.Backlog(t, 500)
	es := bulktest.Start(t)
	es.Reject(bulktest.Every(bulktest.NoPrivilege))
	home := toBulk(t, srv, es, M{"limit": 100})
	for _, end := range []func(*beattest.Beat){
		func(b *beattest.Beat) { b.Terminate(stopMost) },
		func(b *beattest.Beat) { b.Kill() },
	} {
		beat := home.Start()
		waitRejected(t, beat, bulktest.NoPrivilege, 1)
		end(beat)
		assertCursorsHeld(t, home, 3)
	}
	es.Reject(nil)
	beat := home.Start()
	waitIndexed(t, beat, srv, es, soon)
	beat.Terminate(stopMost)
	assertIndexed(t, srv, es)
}

// An output that starts to reject in the middle of a backlog.
func TestInvariant2_RejectionInTheMiddleOfABacklog(t *testing.T) {
	t.Parallel()
	srv := beattest.Backlog(t, 3000)
	es := bulktest.Start(t)
	es.SetFault(bulktest.Slow(20 * time.Millisecond)) // so that the middle is met
	home := toBulk(t, srv, es, M{"limit": 100})
	beat := home.Start()
	beat.Until(soon, "some events are indexed", func() bool { return es.Count("") > 1000 })
	es.Reject(bulktest.Every(bulktest.WriteBlock))
	waitRejected(t, beat, bulktest.WriteBlock, 3)
	held, rejected := home.Cursors(), es.Stats().Rejected
	beat.Until(soon, "each is tried again", func() bool { return es.Stats().Rejected >= rejected+3 }) // one event of each page
	assert.Equal(t, held, home.Cursors())
	es.Reject(nil)
	waitIndexed(t, beat, srv, es, patient)
	beat.Terminate(stopMost)
	assertIndexed(t, srv, es)
}

// One data stream is rejected: its cursor is held, the others flow.
func TestInvariant6_OneRejectedStreamDoesNotTouchTheOthers(t *testing.T) {
	t.Parallel()
	srv := beattest.Backlog(t, 1000)
	es := bulktest.Start(t)
	es.Reject(bulktest.Stream(beattest.DataStream(eventsapitest.ItemUsages), bulktest.NoPrivilege))
	home := toBulk(t, srv, es, M{"limit": 200})
	beat := home.Start()
	others := []eventsapitest.EventType{eventsapitest.AuditEvents, eventsapitest.SignInAttempts}
	waitIndexed(t, beat, srv, es, patient, others...)
	waitRejected(t, beat, bulktest.NoPrivilege, 1)
	beat.Until(soon, "the cursors of the others are stored", func() bool {
		c := home.Cursors()
		return c["audit_events"] != "" && c["signin_attempts"] != ""
	})
	assert.Empty(t, home.Cursors()["item_usages"])
	assert.Zero(t, es.Count(beattest.DataStream(eventsapitest.ItemUsages)))

	es.Reject(nil)
	waitIndexed(t, beat, srv, es, patient)
	beat.Terminate(stopMost)
	assertIndexed(t, srv, es)
}

// One document that its data stream can't hold: the stream goes on, and the
// rejection is counted and logged.
func TestInvariant2_OneBadDocumentDoesNotStopAStream(t *testing.T) {
	t.Parallel()
	srv := beattest.Backlog(t, 500)
	es := bulktest.Start(t)
	bad := srv.UUID(eventsapitest.SignInAttempts, 250)
	es.Reject(bulktest.Only(bulktest.BadIP, bad))
	home := toBulk(t, srv, es, M{"limit": 100})
	beat := home.Start()
	waitOthers(t, beat, srv, es, bad)
	beat.Until(soon, "the rejection is counted", func() bool { return beat.InputSum("events_refused_total") == 1 })
	line := beat.WaitLog("the output rejected invalid events", soon)
	assert.Contains(t, line.Raw, "failed to parse field [source.ip]")
	beat.Terminate(stopMost)
	assert.NotContains(t, es.IDs(), bad)
	assert.Equal(t, "cursor", home.StateList()["signin_attempts"].Position)
}

// The same with a dead letter index: there it counts as delivered.
func TestInvariant2_BadDocumentGoesToTheDeadLetterIndex(t *testing.T) {
	t.Parallel()
	srv := beattest.Backlog(t, 300)
	es := bulktest.Start(t)
	bad := srv.UUID(eventsapitest.SignInAttempts, 100)
	stream := bulktest.Stream(beattest.DataStream(eventsapitest.SignInAttempts), bulktest.BadIP)
	es.Reject(func(d bulktest.Doc) *bulktest.Rejection {
		if d.ID == bad {
			return stream(d)
		}
		return nil
	})
	home := beattest.NewHome(t)
	policy := M{"non_indexable_policy": M{"dead_letter_index": M{"index": "dead-letters"}}}
	home.Configure(beattest.Config{Inputs: []M{input(srv)}, Output: bulkOutput(es, policy)})
	beat := home.Start()
	waitOthers(t, beat, srv, es, bad)
	beat.Until(soon, "it is in the dead letter index", func() bool { return es.Count("dead-letters") == 1 })
	waitState(beat, "signin_attempts")
	assert.Zero(t, beat.InputSum("events_refused_total"))
	beat.Terminate(stopMost)
}

// A bad document that is alone on its page looks like an output that rejects
// everything; that must not stop the stream for good.
func TestInvariant2_ABadDocumentAloneOnItsPageIsPassed(t *testing.T) {
	t.Parallel()
	srv := beattest.Backlog(t, 0)
	es := bulktest.Start(t)
	bad := newUUID(1)
	es.Reject(bulktest.Only(bulktest.BadIP, bad))
	home := toBulk(t, srv, es)
	beat := home.Start()
	waitRunning(beat, 3)
	publishSignIn(srv, bad)
	beat.Until(soon, "the document is rejected", func() bool { return es.Stats().Rejected > 0 })
	good := newUUID(2)
	publishSignIn(srv, good)
	beat.Until(patient, "the next event is indexed", func() bool { return es.Count("") == 1 })
	beat.Until(soon, "the cursor is stored", func() bool { return home.Cursors()["signin_attempts"] != "" })
	beat.Terminate(stopMost)
	assert.Equal(t, []string{good}, es.IDs())
}

// A single event that is too large for Elasticsearch (413 even alone).
func TestInvariant2_ATooLargeEventDoesNotStopAStream(t *testing.T) {
	t.Parallel()
	srv := beattest.Backlog(t, 200)
	es := bulktest.Start(t)
	es.SetFault(bulktest.TooLarge(300_000))
	home := toBulk(t, srv, es, M{"preserve_original_event": true})
	big := newUUID(3)
	srv.Publish(eventsapitest.SignInAttempts, signIn(big, strings.Repeat("x", 400_000)))
	beat := home.Start()
	waitOthers(t, beat, srv, es, big)
	beat.Until(soon, "the rejection is counted", func() bool { return beat.InputSum("events_refused_total") >= 1 })
	beat.Until(soon, "the cursor is stored", func() bool { return home.Cursors()["signin_attempts"] != "" })
	beat.Terminate(stopMost)
	assert.NotContains(t, es.IDs(), big)
}

// A full write queue (429) of the whole request and of items: tried again, no
// event lost, none counted as rejected.
func TestTooManyRequestsIsTriedAgain(t *testing.T) {
	t.Parallel()
	srv := beattest.Backlog(t, 1000)
	es := bulktest.Start(t)
	es.SetFault(bulktest.Times(3, bulktest.Busy()))
	es.Reject(bulktest.Stream(beattest.DataStream(eventsapitest.AuditEvents), bulktest.FloodStage))
	home := toBulk(t, srv, es)
	beat := home.Start()
	beat.Until(soon, "items are rejected with 429", func() bool { return es.Stats().Rejected > 0 })
	es.Reject(nil)
	waitIndexed(t, beat, srv, es, patient)
	assert.Zero(t, beat.InputSum("events_refused_total"))
	beat.Terminate(stopMost)
	assertIndexed(t, srv, es)
}

// A user who may write nowhere, and an overloaded cluster: the whole request fails.
func TestFailedBulkRequestsAreTriedAgain(t *testing.T) {
	for name, fault := range map[string]bulktest.Fault{
		"unauthorized": bulktest.Unauthorized(),
		"unavailable":  bulktest.Unavailable(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := beattest.Backlog(t, 500)
			es := bulktest.Start(t)
			es.SetFault(fault)
			home := toBulk(t, srv, es)
			beat := home.Start()
			beat.Until(soon, "requests fail", func() bool { return es.Stats().Bulks > 10 }) // more often than libbeat's max_retries
			assertCursorsHeld(t, home, 3)
			es.SetFault(nil)
			waitIndexed(t, beat, srv, es, patient)
			beat.Terminate(stopMost)
			assertIndexed(t, srv, es)
		})
	}
}

// waitRejected waits until n event types are Degraded with the output's reason.
func waitRejected(t *testing.T, beat *beattest.Beat, rejection *bulktest.Rejection, n int) {
	t.Helper()
	reason, _, _ := strings.Cut(rejection.Reason, "{index}")
	beat.Until(soon, "Degraded with the output's reason", func() bool {
		types := map[any]bool{}
		for _, line := range beat.Log.Lines() {
			if strings.HasPrefix(line.Message, "Degraded: the output rejects") && strings.Contains(line.Message, reason) {
				types[line.Fields["event_type"]] = true
			}
		}
		return len(types) >= n
	})
}

// assertCursorsHeld checks that states are stored, all of them without a cursor.
func assertCursorsHeld(t *testing.T, home *beattest.Home, states int) {
	t.Helper()
	cursors := home.Cursors()
	assert.Len(t, cursors, states)
	for typ, cursor := range cursors {
		assert.Empty(t, cursor, "the cursor of %s moved", typ)
	}
}

// waitOthers waits until all events but one are indexed.
func waitOthers(t *testing.T, beat *beattest.Beat, srv *eventsapitest.Server, es *bulktest.Server, but string) {
	t.Helper()
	want := maps.Clone(beattest.Expected(srv.Account))
	require.Contains(t, want, but)
	delete(want, but)
	beat.Until(patient, "every other event is indexed", func() bool { return beattest.Missing(want, es.IDs()) == 0 })
}

// newUUID is the n-th uuid of hand-made events.
func newUUID(n int) string {
	return "HANDMADE" + strings.Repeat("A", 17) + string(rune('A'+n))
}

// signIn is a hand-made sign-in attempt.
func signIn(uuid, detail string) json.RawMessage {
	raw, err := json.Marshal(M{
		"uuid": uuid, "session_uuid": "SESSIONAAAAAAAAAAAAAAAAAAA", "timestamp": now(), "country": "FR",
		"category": "success", "type": "credentials_ok", "details": M{"value": detail},
		"target_user": M{"uuid": "USERAAAAAAAAAAAAAAAAAAAAAA", "name": "Ada Example", "email": "ada@example.com"},
		"client":      M{"app_name": "1Password CLI", "ip_address": "192.0.2.7"},
	})
	if err != nil {
		panic(err) // strings and maps always marshal
	}
	return raw
}

func publishSignIn(srv *eventsapitest.Server, uuid string) {
	srv.Publish(eventsapitest.SignInAttempts, signIn(uuid, "none"))
}
