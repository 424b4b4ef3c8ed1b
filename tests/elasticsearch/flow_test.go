// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// An API, a beat and the data streams of one namespace.

package elasticsearch

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/tests/beattest"
	"onepasswordbeat/tests/estest"
)

// M is a part of a configuration or of a document.
type M = map[string]any

// names are the event types as the beat calls them.
var names = map[eventsapitest.EventType]string{
	eventsapitest.AuditEvents:    "audit_events",
	eventsapitest.ItemUsages:     "item_usages",
	eventsapitest.SignInAttempts: "signin_attempts",
}

// flow is the way of one account's events into the data streams of a namespace.
type flow struct {
	node      *estest.Node
	namespace string
	srv       *eventsapitest.Server
	home      *beattest.Home
}

// plan is what differs from flow to flow.
type plan struct {
	User   string // of the node
	Events int    // in the API, of each type
	Input  M      // settings of the input,
	Output M      // of the output,
	More   M      // and of the configuration's root
}

// newFlow makes an API and a beat that sends from there over TLS as a user.
func newFlow(t *testing.T, node *estest.Node, namespace string, p plan) *flow {
	t.Helper()
	f := &flow{
		node: node, namespace: namespace, home: beattest.NewHome(t),
		srv: eventsapitest.StartTB(t, eventsapitest.Config{Seed: 11, Backlog: eventsapitest.Each(p.Events)}),
	}
	f.configure(p)
	return f
}

func (f *flow) configure(p plan) {
	input := M{
		"type": "onepassword", "id": "acme", "url": f.srv.URL, "token": f.srv.Token(),
		"namespace":        f.namespace,
		"interval":         "1s",
		"initial_interval": "480h", // late events of the backlog included
		"rate_limit":       M{"requests_per_minute": 0, "requests_per_hour": 0},
	}
	maps.Copy(input, p.Input)
	output := M{
		"hosts": []string{f.node.URL()}, "username": p.User, "password": f.node.Password(p.User),
		"ssl":     M{"certificate_authorities": []string{f.node.CAFile()}},
		"backoff": M{"init": "200ms", "max": "1s"},
	}
	maps.Copy(output, p.Output)
	f.home.Configure(beattest.Config{Inputs: []M{input}, Output: M{"elasticsearch": output}, More: p.More})
}

// stream is the data stream of an event type.
func (f *flow) stream(t eventsapitest.EventType) string {
	return "logs-1password." + names[t] + "-" + f.namespace
}

// streams is a pattern for the data streams of all event types.
func (f *flow) streams() string { return "logs-1password.*-" + f.namespace }

// expected are the ids of all events of a type that the API shows now.
func (f *flow) expected(typ eventsapitest.EventType, but ...string) []string {
	ids := map[string]bool{}
	for _, id := range f.srv.UUIDs(typ, time.Time{}) {
		ids[id] = true
	}
	for _, id := range but {
		delete(ids, id)
	}
	list := make([]string, 0, len(ids))
	for id := range ids {
		list = append(list, id)
	}
	return list
}

// wait waits until the data streams of the types have as many documents as the
// API has events, those without a place left out.
func (f *flow) wait(t *testing.T, beat *beattest.Beat, most time.Duration, but []string, types ...eventsapitest.EventType) {
	t.Helper()
	for _, typ := range types {
		want := len(f.expected(typ, but...))
		beat.Until(most, fmt.Sprintf("%s has %d documents", f.stream(typ), want), seldom(func() bool {
			return f.count(t, f.stream(typ)) >= want
		}))
	}
}

// count is the number of documents, or -1 while an index is being made and the node
// can't say. Node.Count takes that for a failure.
func (f *flow) count(t *testing.T, streams string) int {
	t.Helper()
	path := "/" + streams
	if status, _ := f.node.Do(t, estest.Admin, http.MethodPost, path+"/_refresh", nil); status != http.StatusOK {
		return -1
	}
	var result struct {
		Count int `json:"count"`
	}
	status, answer := f.node.Do(t, estest.Admin, http.MethodGet, path+"/_count", nil)
	if status != http.StatusOK || json.Unmarshal(answer, &result) != nil {
		return -1
	}
	return result.Count
}

// complete waits until every event that the API shows now is there, but some
// that have no place, and checks that each is there once and nothing else is.
func (f *flow) complete(t *testing.T, beat *beattest.Beat, most time.Duration, but ...string) {
	t.Helper()
	f.wait(t, beat, most, but, eventsapitest.Types()...)
	for _, typ := range eventsapitest.Types() {
		f.assertHas(t, typ, but...)
	}
}

// assertHas checks that a data stream has every event once, under its own id.
func (f *flow) assertHas(t *testing.T, typ eventsapitest.EventType, but ...string) {
	t.Helper()
	hits := f.node.Search(t, f.stream(typ), nil)
	ids := make([]string, len(hits))
	for i, hit := range hits {
		ids[i] = hit.ID
		assert.True(t, strings.HasPrefix(hit.Index, ".ds-"+f.stream(typ)+"-"), "%s does not belong to a data stream", hit.Index)
		assert.Equal(t, hit.ID, at(hit.Source, "event.id"))
	}
	assert.ElementsMatch(t, f.expected(typ, but...), ids, f.stream(typ))
}

// end stops the beat in an orderly way.
func end(t *testing.T, beat *beattest.Beat) {
	t.Helper()
	code, _ := beat.Terminate(stopMost)
	assert.Zero(t, code)
}

// seldom looks at a condition that costs the node something five times a second.
func seldom(condition func() bool) func() bool {
	var last time.Time
	return func() bool {
		if time.Since(last) < 200*time.Millisecond {
			return false
		}
		last = time.Now()
		return condition()
	}
}

// at is a value of a document by its dotted name; nil where there is none.
func at(doc M, path string) any {
	head, rest, nested := strings.Cut(path, ".")
	if !nested {
		return doc[head]
	}
	inner, _ := doc[head].(M)
	return at(inner, rest)
}

// outputEvents are libbeat's counters of the output's events.
type outputEvents struct {
	Acked, Duplicates, Dropped, Failed, TooMany int
}

// counters reads them; they are 0 before the beat serves them.
func counters(beat *beattest.Beat) outputEvents {
	var stats struct {
		Libbeat struct {
			Output struct {
				Events outputEvents
			}
		}
	}
	if beat.Get("/stats", &stats) != nil {
		return outputEvents{}
	}
	return stats.Libbeat.Output.Events
}

// signIn is a hand-made sign-in attempt with more keys, or other values for the
// usual ones.
func signIn(t *testing.T, uuid string, more M) json.RawMessage {
	t.Helper()
	event := M{
		"uuid": uuid, "session_uuid": "SESSIONAAAAAAAAAAAAAAAAAAA", "timestamp": time.Now().UTC().Format(time.RFC3339Nano),
		"country": "FR", "category": "success", "type": "credentials_ok",
		"target_user": M{"uuid": "USERAAAAAAAAAAAAAAAAAAAAAA", "name": "Ada Example", "email": "ada@example.com"},
		"client":      M{"app_name": "1Password CLI", "ip_address": "192.0.2.7"},
	}
	maps.Copy(event, more)
	raw, err := json.Marshal(event)
	require.NoError(t, err)
	return raw
}

// another is an event like the API's first of a type, under another uuid.
func (f *flow) another(t *testing.T, typ eventsapitest.EventType, uuid string) json.RawMessage {
	t.Helper()
	var event M
	require.NoError(t, json.Unmarshal(f.srv.Event(typ, 0), &event))
	event["uuid"], event["timestamp"] = uuid, time.Now().UTC().Format(time.RFC3339Nano)
	raw, err := json.Marshal(event)
	require.NoError(t, err)
	return raw
}

// handmade is the n-th uuid of hand-made events.
func handmade(n int) string { return "HANDMADE" + strings.Repeat("A", 17) + string(rune('A'+n)) }

// containsAll tells whether a text has all of the words.
func containsAll(text string, words []string) bool {
	return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(text, word) })
}

// assertQuiet checks that a log has no warning and no error.
func assertQuiet(t *testing.T, log []beattest.Line) {
	t.Helper()
	for _, line := range log {
		assert.NotContains(t, []string{"warn", "error"}, line.Level, line.Message)
	}
}
