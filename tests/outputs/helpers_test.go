// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What the tests share.

package outputs_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/tests/beattest"
	"onepasswordbeat/tests/receivertest"
)

// M is a part of a configuration.
type M = beattest.M

const (
	// soon is for what happens within moments on an idle machine.
	soon = 30 * time.Second
	// patient is for what an output's own timeouts and pauses come before.
	patient = 90 * time.Second
	// stopMost is the most that a stop may take: shutdown_timeout (5 s) and some seconds.
	stopMost = 10 * time.Second
	// parallel is how many tests run at once: they wait more than they work.
	parallel = "6"
	// each is the backlog of an event type.
	each = 2000
)

// quickly makes an output try again soon after a failure.
func quickly() M { return M{"init": "200ms", "max": "1s"} }

func TestMain(m *testing.M) {
	os.Exit(beattest.MainParallel(m, parallel)) //nolint:forbidigo // the end of every TestMain
}

// input is an input for all that an API at url has, in pages of 250. more
// replaces settings.
func input(url, token string, more ...M) M {
	return beattest.Input(url, token, append([]M{{"limit": 250}}, more...)...)
}

// home is a beat's home with an input for srv and an output.
func home(t *testing.T, srv *eventsapitest.Server, output M, more ...M) *beattest.Home {
	t.Helper()
	h := beattest.NewHome(t)
	h.Configure(beattest.Config{Inputs: []M{input(srv.URL, srv.Token())}, Output: output, More: merged(more)})
	return h
}

func merged(list []M) M {
	all := M{}
	for _, m := range list {
		maps.Copy(all, m)
	}
	return all
}

// addEvents makes n new events appear in the API, so that there is something to
// deliver whatever went out before.
func addEvents(t *testing.T, srv *eventsapitest.Server, from, n int) {
	t.Helper()
	for i := range n {
		srv.Publish(eventsapitest.SignInAttempts, freshEvent(t, srv, from+i, nil))
	}
}

// freshEvent is sign-in attempt 0 as a new event, number i, with more in it.
func freshEvent(t *testing.T, srv *eventsapitest.Server, i int, more M) json.RawMessage {
	t.Helper()
	var e map[string]any
	require.NoError(t, json.Unmarshal(srv.Event(eventsapitest.SignInAttempts, 0), &e))
	e["uuid"] = fmt.Sprintf("FRESHEVENT%016d", i)
	e["timestamp"] = time.Now().UTC().Format(time.RFC3339)
	maps.Copy(e, more)
	raw, err := json.Marshal(e)
	require.NoError(t, err)
	return raw
}

// receiver is where events arrive.
type receiver interface {
	Events() []receivertest.Event
	Len() int
}

// idsOf are the ids of events, repeats included.
func idsOf(events []receivertest.Event) []string {
	list := make([]string, len(events))
	for i, e := range events {
		list[i] = e.ID
	}
	return list
}

// waitDelivered waits until every event that the API shows now has arrived.
func waitDelivered(beat *beattest.Beat, api *eventsapitest.Account, to receiver, most time.Duration) {
	want := beattest.Expected(api)
	beat.Until(most, "every event has arrived", func() bool {
		return to.Len() >= len(want) && beattest.Missing(want, idsOf(to.Events())) == 0
	})
}

// assertDelivered checks that every event of the API has arrived, each whole and
// nothing else, and returns how many came again.
func assertDelivered(t *testing.T, api *eventsapitest.Account, to receiver) (repeats int) {
	t.Helper()
	want := beattest.Expected(api)
	events := to.Events()
	assert.Zero(t, beattest.Missing(want, idsOf(events)), "events missing")
	for _, e := range events {
		if !assert.NotEmpty(t, want[e.ID], "%q is not an event of the API: %s", e.ID, e.Raw) {
			return 0
		}
	}
	repeats = len(events) - len(want)
	t.Logf("%d events, %d of them came again", len(want), repeats)
	return repeats
}

// cursorsHeld checks that no cursor is stored.
func cursorsHeld(t *testing.T, h *beattest.Home) {
	t.Helper()
	cursors := h.Cursors()
	require.NotEmpty(t, cursors, "the start times are stored")
	for typ, cursor := range cursors {
		assert.Empty(t, cursor, "the cursor of %s moved", typ)
	}
}

// waitDegraded waits until n event types say that they hold their cursors, and
// returns a reason.
func waitDegraded(beat *beattest.Beat, n int) string {
	var reason string
	beat.Until(patient, "event types are Degraded", func() bool {
		types := map[any]bool{}
		for _, line := range beat.Log.Lines() {
			if strings.HasPrefix(line.Message, "Degraded: the output rejects") {
				types[line.Fields["event_type"]] = true
				reason = line.Message
			}
		}
		return len(types) >= n
	})
	return reason
}

// checkMetadata checks what a receiver needs to index an event as the beat would.
func checkMetadata(t *testing.T, events []receivertest.Event) {
	t.Helper()
	require.NotEmpty(t, events)
	datasets := map[string]bool{}
	for _, e := range events {
		var got struct {
			Meta struct {
				ID       string `json:"_id"`
				RawIndex string `json:"raw_index"`
			} `json:"@metadata"`
			Event struct {
				ID string `json:"id"`
			} `json:"event"`
			DataStream struct {
				Type, Dataset, Namespace string
			} `json:"data_stream"`
		}
		require.NoError(t, json.Unmarshal(e.Raw, &got))
		ds := got.DataStream
		require.Equal(t, got.Event.ID, got.Meta.ID)
		require.Equal(t, ds.Type+"-"+ds.Dataset+"-"+ds.Namespace, got.Meta.RawIndex)
		datasets[ds.Dataset] = true
	}
	assert.Equal(t, []string{"1password.audit_events", "1password.item_usages", "1password.signin_attempts"},
		slices.Sorted(maps.Keys(datasets)))
}

// stop ends a beat as a service manager does.
func stop(t *testing.T, beat *beattest.Beat) {
	t.Helper()
	beat.WaitLog("start running", soon) // before that a signal just ends it
	code, _ := beat.Terminate(stopMost)
	assert.Zero(t, code)
}
