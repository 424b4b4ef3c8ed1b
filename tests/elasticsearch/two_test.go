// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Two beats with one input, account and output, and a state of its own each.

package elasticsearch

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/tests/beattest"
	"onepasswordbeat/tests/estest"
)

// twins are two beats that do the same.
type twins struct {
	*flow
	homes [2]*beattest.Home
	beats [2]*beattest.Beat
	next  int // of the events by hand
}

func newTwins(t *testing.T, node *estest.Node, namespace string, events int) *twins {
	p := plan{User: writer, Events: events}
	f := newFlow(t, node, namespace, p)
	w := &twins{flow: f}
	w.homes[0] = f.home
	f.home = beattest.NewHome(t)
	f.configure(p)
	w.homes[1] = f.home
	for i := range w.homes {
		w.beats[i] = w.homes[i].Start()
	}
	return w
}

// publish adds sign-in attempts.
func (w *twins) publish(t *testing.T, n int) {
	t.Helper()
	for range n {
		w.srv.Publish(eventsapitest.SignInAttempts, signIn(t, handmade(w.next), nil))
		w.next++
	}
}

// timed publishes one event and returns how long it takes to be searchable.
func (w *twins) timed(t *testing.T, by *beattest.Beat) time.Duration {
	t.Helper()
	want := len(w.expected(eventsapitest.SignInAttempts))
	w.publish(t, 1)
	began := time.Now()
	by.Until(soon, "the event is searchable", seldom(func() bool { return w.count(t, w.stream(eventsapitest.SignInAttempts)) > want }))
	return time.Since(began).Round(10 * time.Millisecond)
}

// testTwoBeats: every event is there once while both run, and while either one was killed.
func testTwoBeats(t *testing.T, node *estest.Node) {
	w := newTwins(t, node, "two", 300)
	w.complete(t, w.beats[0], patient)
	for _, beat := range w.beats {
		beat.Until(patient, "both went through all of it", func() bool { return beat.InputSum("events_acked_total") >= 900 })
	}
	for killed := range w.beats {
		other := w.beats[1-killed]
		t.Logf("both run: searchable after %s", w.timed(t, other))
		w.publish(t, 20)
		w.beats[killed].Kill()
		t.Logf("beat %d was killed: searchable after %s", killed, w.timed(t, other))
		w.publish(t, 20)
		w.complete(t, other, patient)
		w.beats[killed] = w.homes[killed].Start()
		w.publish(t, 20)
		w.complete(t, other, patient)
		w.beats[killed].Until(patient, "the killed one caught up", func() bool {
			return w.homes[killed].Cursors()["signin_attempts"] != "" && w.beats[killed].InputSum("events_acked_total") > 0
		})
	}
	for _, typ := range eventsapitest.Types() {
		w.assertHas(t, typ)
	}
	for _, beat := range w.beats {
		end(t, beat)
	}
}

// testTwoBeatsRollover: only what the slower beat has not sent before a rollover becomes
// a second document, in another backing index.
func testTwoBeatsRollover(t *testing.T, node *estest.Node) {
	w := newTwins(t, node, "turn", 50)
	w.complete(t, w.beats[0], patient)
	for _, beat := range w.beats {
		beat.Until(patient, "both went through all of it", func() bool { return beat.InputSum("events_acked_total") >= 150 })
	}
	const around = 40
	w.beats[1].Kill() // the slower one: it comes back after the rollover
	w.publish(t, around)
	w.complete(t, w.beats[0], patient)
	status, answer := node.Do(t, estest.Admin, http.MethodPost, "/"+w.stream(eventsapitest.SignInAttempts)+"/_rollover", nil)
	require.Equal(t, http.StatusOK, status, string(answer))
	w.beats[1] = w.homes[1].Start()
	w.beats[1].Until(patient, "the slower one sends what the other had sent before", func() bool {
		return w.beats[1].InputSum("events_acked_total") >= around
	})
	w.publish(t, around)
	unique := w.expected(eventsapitest.SignInAttempts)
	w.beats[0].Until(patient, "everything is there", seldom(func() bool { return len(w.unique(t)) == len(unique) }))
	for _, beat := range w.beats {
		beat.Until(patient, "both sent all", func() bool { return beat.InputSum("events_acked_total") >= 2*around })
		end(t, beat)
	}
	ids := w.unique(t)
	documents := 0
	for id, indices := range ids {
		documents += len(indices)
		for index, copies := range indices {
			require.Equal(t, 1, copies, "%s in %s", id, index)
		}
	}
	doubled := documents - len(ids)
	assert.ElementsMatch(t, unique, keysOf(ids))
	assert.Equal(t, around, doubled, "what the slower one had not sent before the rollover")
	t.Logf("%d events, %d documents: the rollover doubled %d, the backlog of the slower beat", len(ids), documents, doubled)
}

// unique counts the copies of each document by backing index.
func (w *twins) unique(t *testing.T) map[string]map[string]int {
	t.Helper()
	ids := map[string]map[string]int{}
	if status, _ := w.node.Do(t, estest.Admin, http.MethodPost, "/"+w.stream(eventsapitest.SignInAttempts)+"/_refresh", nil); status != http.StatusOK {
		return ids
	}
	status, answer := w.node.Do(t, estest.Admin, http.MethodPost, "/"+w.stream(eventsapitest.SignInAttempts)+"/_search",
		json.RawMessage(`{"size":10000,"_source":false}`))
	require.Equal(t, http.StatusOK, status, string(answer))
	var result struct {
		Hits struct {
			Hits []struct {
				Index string `json:"_index"`
				ID    string `json:"_id"`
			} `json:"hits"`
		} `json:"hits"`
	}
	require.NoError(t, json.Unmarshal(answer, &result))
	for _, hit := range result.Hits.Hits {
		if ids[hit.ID] == nil {
			ids[hit.ID] = map[string]int{}
		}
		ids[hit.ID][hit.Index]++
	}
	return ids
}

func keysOf(ids map[string]map[string]int) []string {
	list := make([]string, 0, len(ids))
	for id := range ids {
		list = append(list, id)
	}
	return list
}
