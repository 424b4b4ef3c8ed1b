// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What arrives: pages, late events, restarts and kills.

package cel

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/tests/bulktest"
)

// TestBacklog: every stream, over several pages.
func TestBacklog(t *testing.T) {
	for _, stream := range streams() {
		t.Run(stream, func(t *testing.T) {
			r := newRig(t, stream, eventsapitest.Config{Seed: 1, Backlog: eventsapitest.Each(2500)}, nil)
			f := r.start()
			f.complete()
			assert.Zero(t, r.es.Stats().Conflicts, "nothing comes twice")

			requests := r.requests()
			var first struct {
				Limit int       `json:"limit"`
				Start time.Time `json:"start_time"`
			}
			require.NoError(t, json.Unmarshal([]byte(requests[0].Body), &first))
			assert.Equal(t, 1000, first.Limit)
			assert.WithinDuration(t, time.Now().Add(-2880*time.Hour+15*time.Minute), first.Start, time.Minute)
			for i, request := range requests {
				assert.Equal(t, "/api/v2/"+string(r.typ), request.Path)
				assert.Equal(t, "onepasswordbeat-integration/2.1.0", request.UserAgent)
				assert.Equal(t, i == 0, request.Cursor == "", "a request for a time is the first one only")
			}
			for _, doc := range r.es.Docs()[r.index()][:1] {
				var fields M
				require.NoError(t, json.Unmarshal(doc.Source, &fields))
				assert.Equal(t, []any{"forwarded"}, fields["tags"])
				assert.Equal(t, M{"type": celInput}, fields["input"])
			}
			f.until("the cursor in the registry", func() bool { return r.stored().Cursor.Next != "" })
			assert.Equal(t, 2880*time.Hour, r.stored().TTL, "a stream that is switched off keeps its cursor")
			assert.Empty(t, f.errors(""))
		})
	}
}

// TestLiveEvents: events that come while it runs, some of them late, and pages that
// announce more than there is.
func TestLiveEvents(t *testing.T) {
	r := newRig(t, "item_usages", eventsapitest.Config{
		Seed: 2, Backlog: eventsapitest.Each(300), Live: eventsapitest.Each(40.0), LateShare: eventsapitest.Each(0.3), EmptyTail: 0.7,
	}, M{"limit": 50})
	f := r.start()
	f.until("more than the backlog", func() bool { return r.es.Count("") > 400 })
	want := map[string]bool{}
	for _, uuid := range r.api.UUIDs(r.typ, time.Time{}) {
		want[uuid] = true
	}
	f.until("every event of a moment", func() bool {
		for _, id := range r.es.IDs() {
			delete(want, id)
		}
		return len(want) == 0
	})
	assert.Zero(t, r.es.Stats().Conflicts)
	assert.Empty(t, f.errors(""))
}

// TestRestart: it goes on where it was.
func TestRestart(t *testing.T) {
	r := newRig(t, "audit_events", eventsapitest.Config{Seed: 3, Backlog: eventsapitest.Each(1500)}, nil)
	f := r.start()
	f.complete()
	f.stop()
	stored := r.stored().Cursor.Next
	before := len(r.requests())
	r.api.Publish(r.typ, r.api.Event(r.typ, 0)) // a repeat, as the API would not send it
	other := eventsapitest.StartTB(t, eventsapitest.Config{Seed: 33, Backlog: eventsapitest.Each(7)})
	for i := range 7 {
		r.api.Publish(r.typ, other.Event(r.typ, i))
	}
	f = r.start()
	f.complete()
	f.until("the repeat", func() bool { return r.es.Stats().Conflicts == 1 })
	assert.Equal(t, stored, r.requests()[before].Cursor)
}

// TestRestartBeforeTheFirstEvent: the start of the first run counts.
func TestRestartBeforeTheFirstEvent(t *testing.T) {
	r := newRig(t, "signin_attempts", eventsapitest.Config{Seed: 4}, M{"initial_interval": "1h"})
	r.api.Script(eventsapitest.Fault{Kind: eventsapitest.Status, Code: 500, Times: 1000})
	f := r.start()
	f.says("the server failed (500)")
	f.until("the start in the registry", func() bool { return r.stored().Cursor.Start != "" })
	f.kill()
	first := r.requests()[0].Body
	require.Contains(t, first, "start_time")
	<-time.After(1100 * time.Millisecond) // start times have whole seconds
	before := len(r.requests())
	f = r.start()
	f.until("a request after the restart", func() bool { return len(r.requests()) > before })
	assert.JSONEq(t, first, r.requests()[before].Body)
}

// TestCursorWithoutEvents: an answer without events stores its cursor.
func TestCursorWithoutEvents(t *testing.T) {
	r := newRig(t, "signin_attempts", eventsapitest.Config{Seed: 5}, nil)
	f := r.start()
	f.until("the cursor in the registry", func() bool { return r.stored().Cursor.Next != "" })
	f.kill()
	before := len(r.requests())
	r.start().until("a request after the restart", func() bool { return len(r.requests()) > before })
	assert.NotEmpty(t, r.requests()[before].Cursor)
	assert.Zero(t, r.es.Count(""), "what stores a cursor is not a document")
}

// TestKillInThePage: a page that was stored in part is fetched again.
func TestKillInThePage(t *testing.T) {
	r := newRig(t, "audit_events", eventsapitest.Config{Seed: 6, Backlog: eventsapitest.Each(3000)}, nil)
	r.output = M{"bulk_max_size": 100, "worker": 1}
	r.es.SetFault(func(request *bulktest.Request) {
		if r.es.Count("") < 1400 { // a page and a part of the next
			request.Take()
			return
		}
		bulktest.Stuck()(request)
	})
	f := r.start()
	f.until("a page and a half", func() bool { return r.es.Count("") >= 1400 && r.es.Stats().Open > 0 })
	f.until("the cursor in the registry", func() bool { return r.stored().Cursor.Next != "" })
	stored := r.es.Count("")
	f.kill()
	cursor := r.stored().Cursor.Next
	before := len(r.requests())
	r.es.SetFault(nil)
	r.start().complete()
	assert.Equal(t, cursor, r.requests()[before].Cursor)
	assert.Equal(t, r.requests()[1].Cursor, cursor, "the cursor behind the first page")
	assert.Equal(t, stored-1000, r.es.Stats().Conflicts, "the part of the second page that was stored")
}

// TestOutputDown: the cursor waits for the output.
func TestOutputDown(t *testing.T) {
	r := newRig(t, "audit_events", eventsapitest.Config{Seed: 7, Backlog: eventsapitest.Each(200)}, nil)
	r.es.SetFault(bulktest.Unavailable())
	f := r.start()
	f.until("bulk requests", func() bool { return r.es.Stats().Bulks > 1 })
	f.kill()
	assert.Empty(t, r.stored().Cursor.Next)
	assert.NotEmpty(t, r.stored().Cursor.Start)
	r.es.SetFault(nil)
	r.start().complete()
}

// TestMaxExecutions: a backlog of more pages than executions goes on in the next interval.
func TestMaxExecutions(t *testing.T) {
	r := newRig(t, "audit_events", eventsapitest.Config{Seed: 8, Backlog: eventsapitest.Each(1000)}, M{"limit": 100})
	r.config["max_executions"] = 3
	f := r.start()
	f.complete()
	assert.Positive(t, f.log.Count("reached maximum number of CEL executions"))
	assert.Zero(t, r.es.Stats().Conflicts)
}

// TestUsersProcessors: they run after the package's own; an event that they drop is done with.
func TestUsersProcessors(t *testing.T) {
	r := newRig(t, "item_usages", eventsapitest.Config{Seed: 9, Backlog: eventsapitest.Each(20)}, M{
		"processors": "- drop_event.when.contains.message: '\"action\":\"fill\"'\n- add_fields: {target: '', fields: {team: identity}}\n",
		"tags":       []any{"eu: west", "#1"}, "preserve_original_event": true,
	})
	f := r.start()
	kept := 0
	for _, item := range r.api.All(r.typ, time.Time{}) {
		var fields M
		require.NoError(t, json.Unmarshal(item, &fields))
		if fields["action"] != "fill" {
			kept++
		}
	}
	require.NotZero(t, kept)
	require.Less(t, kept, 20)
	f.until("the events that were kept", func() bool { return r.es.Count("") == kept })
	f.until("the cursor in the registry", func() bool { return r.stored().Cursor.Next != "" })
	for _, doc := range r.es.Docs()[r.index()] {
		var fields M
		require.NoError(t, json.Unmarshal(doc.Source, &fields))
		assert.Equal(t, "identity", fields["team"])
		assert.Equal(t, []any{"forwarded", "preserve_original_event", "eu: west", "#1"}, fields["tags"])
	}
}

// TestItemsThatAreNotEvents: they go to the pipeline as they are.
func TestItemsThatAreNotEvents(t *testing.T) {
	r := newRig(t, "audit_events", eventsapitest.Config{Seed: 10, Backlog: eventsapitest.Each(3)}, nil)
	r.api.Script(eventsapitest.Fault{Kind: eventsapitest.JunkItems})
	f := r.start()
	f.until("events and others", func() bool { return r.es.Count("") == 3+6 })
	messages := map[string]bool{}
	for _, doc := range r.es.Docs()[r.index()] {
		var fields M
		require.NoError(t, json.Unmarshal(doc.Source, &fields))
		messages[fields["message"].(string)] = true //nolint:errcheck // a test
	}
	for _, junk := range []string{`42`, `"text"`, `null`, `[1,2]`, `{}`, `{"timestamp":"yesterday","uuid":7}`} {
		assert.Contains(t, messages, junk)
	}
	assert.Empty(t, f.errors(""))
}
