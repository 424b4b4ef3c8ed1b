// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What goes wrong, and what is said about it.

package cel

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
)

// TestFaults: after each fault every event arrives, once; a fault that is one is said
// in one message.
func TestFaults(t *testing.T) {
	const notAPage = "is not a page of events"
	cases := []struct {
		fault   string // as eventsapitest.ParseFault reads it
		times   int
		says    string // empty: nothing is said
		repeats bool   // events are sent to the output again, under the same _id
	}{
		{fault: "500", says: "the server failed (500)"},
		{fault: "502", times: 3, says: "the server failed (502)"},
		{fault: "400", says: "the stored cursor was rejected (400)"},
		{fault: "400", times: 2, says: "The next request tries to start 24h before the last event", repeats: true},
		{fault: "401", says: "the token was rejected (401)"},
		{fault: "403", says: "access is denied (403)"},
		{fault: "404", says: "the request was rejected (404)"},
		{fault: "429", says: "there were too many requests (429)"},
		{fault: "429:1s", says: "Next request in 1 s at the earliest."},
		{fault: "429:date:2s", says: "there were too many requests (429)"},
		{fault: "reset", says: "there was no answer"},
		{fault: "cut", says: "there was no answer"},
		{fault: "hang", says: "there was no answer"},
		{fault: "stall", says: "there was no answer"},
		{fault: "slow:100ms"},
		{fault: "garbage", says: notAPage},
		{fault: "html", says: notAPage},
		{fault: "items-object", says: notAPage},
		{fault: "items-null"},
		{fault: "more-string", says: notAPage},
		{fault: "cursor-number", says: notAPage},
		{fault: "no-cursor", says: notAPage},
		{fault: "unknown-keys"},
		{fault: "unknown-values"},
		{fault: "nulls"},
		{fault: "missing"},
		{fault: "empty"},
		{fault: "endless"},
		{fault: "endless", times: 5, says: "again and again"},
		{fault: "repeat", times: 5, repeats: true},
		{fault: "reject-cursor", times: 5, says: "The next request tries to start 24h before the last event", repeats: true},
	}
	for _, c := range cases {
		t.Run(fmt.Sprint(c.fault, " ", max(c.times, 1)), func(t *testing.T) {
			r := newRig(t, "audit_events", eventsapitest.Config{Seed: 20, Backlog: eventsapitest.Each(250)}, M{"limit": 100, "http_client_timeout": "1s"})
			fault, err := eventsapitest.ParseFault(c.fault)
			require.NoError(t, err)
			fault.Times = c.times
			r.api.Script(eventsapitest.Fault{Kind: eventsapitest.Pass}, fault)
			f := r.start()
			f.complete()
			f.until("all faults met", func() bool { return r.api.ScriptLeft() == 0 })
			if c.says == "" {
				assert.Empty(t, f.errors(""))
			} else {
				f.says(c.says)
				for _, message := range f.errors("") {
					assert.Contains(t, message, "1Password Events API at "+r.api.URL+"/api/v2/auditevents: ")
				}
			}
			assert.Equal(t, c.repeats, r.es.Stats().Conflicts > 0)
			f.until("the last cursor in the registry", func() bool {
				requests := r.requests()
				return r.stored().Cursor.Next == requests[len(requests)-1].Cursor
			})
		})
	}
}

// TestRetryAfter: no request comes before the time that the API names.
func TestRetryAfter(t *testing.T) {
	for _, form := range []eventsapitest.RetryAfterForm{eventsapitest.RetryAfterSeconds, eventsapitest.RetryAfterDate} {
		t.Run(fmt.Sprint(form), func(t *testing.T) {
			r := newRig(t, "audit_events", eventsapitest.Config{Seed: 21, Backlog: eventsapitest.Each(10)}, nil)
			r.api.Script(eventsapitest.TooManyRequests(2*time.Second, form))
			r.start().complete()
			requests := r.requests()
			require.GreaterOrEqual(t, len(requests), 2)
			wait := requests[1].At.Sub(requests[0].At)
			assert.GreaterOrEqual(t, wait, 2*time.Second)
			assert.Less(t, wait, 20*time.Second)
		})
	}
}

// TestRejectedCursor: the next request reaches 24 h before the last event.
func TestRejectedCursor(t *testing.T) {
	r := newRig(t, "signin_attempts", eventsapitest.Config{Seed: 22, Backlog: eventsapitest.Each(400), BacklogSpan: 100 * time.Hour}, nil)
	f := r.start()
	f.complete()
	f.until("the last page", func() bool { return len(r.requests()) > 1 })
	r.api.Script(eventsapitest.Fault{Kind: eventsapitest.RejectCursor, Times: 2})
	f.says("The next request tries to start 24h before the last event")
	last := r.api.EventTime(r.typ, r.api.Total(r.typ)-1)
	for i := range r.api.Total(r.typ) {
		if at := r.api.EventTime(r.typ, i); at.After(last) {
			last = at
		}
	}
	want := fmt.Sprintf(`{"limit":1000,"start_time":%q}`, last.Add(-24*time.Hour).Truncate(time.Second).Format(time.RFC3339))
	f.until("the request from before", func() bool {
		requests := r.requests()
		for i := range requests {
			if i > 0 && requests[i].Body == want {
				return true
			}
		}
		return false
	})
	f.complete()
}

// TestRejectedForGood: a token that is rejected is shown to the API seldom.
func TestRejectedForGood(t *testing.T) {
	for name, c := range map[string]struct {
		sim  eventsapitest.Config
		says string
	}{
		"401": {eventsapitest.Config{Seed: 23}, "the token was rejected (401)"},
		"403": {eventsapitest.Config{Seed: 23, Forbidden403: true}, "access is denied (403)"},
	} {
		t.Run(name, func(t *testing.T) {
			c.sim.Backlog = eventsapitest.Each(10)
			r := newRig(t, "item_usages", c.sim, nil)
			token := r.api.Token(eventsapitest.WithFeatures(eventsapitest.AuditEvents))
			state := r.config["state"].(M) //nolint:errcheck // the template's
			state["token"] = token
			state["waits"] = []any{0, 0, 0, 0, 5}
			f := r.start()
			f.says(c.says)
			assert.Never(t, func() bool { return len(r.requests()) > 1 }, 1500*time.Millisecond, 50*time.Millisecond)
			assert.Zero(t, r.es.Count(""), "an error is not a document")
			r.api.SetFeatures(token, eventsapitest.ItemUsages)
			f.complete()
		})
	}
}

// TestUnreachable: no server listens.
func TestUnreachable(t *testing.T) {
	r := newRig(t, "item_usages", eventsapitest.Config{Seed: 24, Backlog: eventsapitest.Each(10)}, nil)
	r.api.Down(true)
	f := r.start()
	f.says("there was no answer")
	r.api.Down(false)
	f.complete()
}

// TestEveryKindOfFault: at random, for some time, nothing is lost.
func TestEveryKindOfFault(t *testing.T) {
	r := newRig(t, "item_usages", eventsapitest.Config{Seed: 25, Backlog: eventsapitest.Each(3000), BacklogSpan: 2000 * time.Hour}, M{"limit": 100, "http_client_timeout": "500ms"})
	r.pauses(0.01)
	var chances []eventsapitest.Chance
	for _, text := range []string{"500", "429", "reset", "cut", "stall", "garbage", "items-null", "no-cursor", "empty", "repeat", "endless", "reject-cursor"} {
		fault, err := eventsapitest.ParseFault(text)
		require.NoError(t, err)
		chances = append(chances, eventsapitest.Chance{P: 0.04, Fault: fault})
	}
	r.api.SetFaults(chances...)
	r.start().complete()
}
