// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A missing privilege, a blocked index, a template that fits nothing: nothing is
// lost, the reason is told, and when the cause is gone every event arrives.

package elasticsearch

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/tests/beattest"
	"onepasswordbeat/tests/estest"
)

var writing = []string{"create_doc", "auto_configure"}

// all is the pattern of all data streams of the beat.
const all = "logs-1password.*-*"

// waitHealth waits until an event type says this, in a line from number first on.
func waitHealth(beat *beattest.Beat, first int, typ eventsapitest.EventType, words ...string) {
	beat.Until(soon, names[typ]+" says "+words[0], func() bool {
		for _, line := range beat.Log.Lines()[first:] {
			if line.Fields["event_type"] == names[typ] && containsAll(line.Message, words) {
				return true
			}
		}
		return false
	})
}

// held checks that the cursor of a type, whose data stream takes nothing, stays.
func held(t *testing.T, f *flow, typ eventsapitest.EventType) {
	t.Helper()
	stored := f.home.Cursors()
	assert.Contains(t, stored, names[typ])
	assert.Empty(t, stored[names[typ]], "the cursor of %s moved", names[typ])
}

// heals checks that every event arrives and that the types are well again.
func heals(t *testing.T, f *flow, beat *beattest.Beat, first int, types ...eventsapitest.EventType) {
	t.Helper()
	f.complete(t, beat, patient)
	for _, typ := range types {
		waitHealth(beat, first, typ, "Running")
	}
	assert.Zero(t, beat.Log.Count("for themselves"), "no event was at fault")
	end(t, beat)
}

// One data stream may not be written to: its cursor stays, the others flow.
func testOneStreamForbidden(t *testing.T, node *estest.Node) {
	f := newFlow(t, node, "forbidden", plan{User: partial, Events: 300, Input: M{"limit": 100}})
	usages, others := eventsapitest.ItemUsages, []eventsapitest.EventType{eventsapitest.AuditEvents, eventsapitest.SignInAttempts}
	grant(t, node, writing, "logs-1password.audit_events-*", "logs-1password.signin_attempts-*")
	beat := f.home.Start()
	waitHealth(beat, 0, usages, "Degraded: the output rejects", "security_exception", "is unauthorized for user [partial]", "[auto_configure,create_index,manage,all]")
	f.wait(t, beat, soon, nil, others...)
	for _, typ := range others {
		f.assertHas(t, typ)
	}
	f.srv.Publish(eventsapitest.SignInAttempts, signIn(t, handmade(0), nil))
	f.wait(t, beat, soon, nil, others...)
	held(t, f, usages)
	assert.Zero(t, node.Count(t, f.stream(usages)))

	first := beat.Log.Len()
	grant(t, node, writing, all)
	heals(t, f, beat, first, usages)
}

// The data stream is not there yet, and may not be made.
func testNoAutoConfigure(t *testing.T, node *estest.Node) {
	f := newFlow(t, node, "unmade", plan{User: partial, Events: 50})
	grant(t, node, []string{"create_doc"}, all)
	beat := f.home.Start()
	for _, typ := range eventsapitest.Types() {
		waitHealth(beat, 0, typ, "Degraded: the output rejects", "[indices:admin/auto_create] is unauthorized", "[auto_configure,create_index,manage,all]")
		held(t, f, typ)
	}
	assert.Zero(t, node.Count(t, f.streams()))

	first := beat.Log.Len()
	grant(t, node, writing, all)
	heals(t, f, beat, first, eventsapitest.Types()...)
}

// Nothing at all may be written: Elasticsearch rejects whole requests then.
func testNothingAllowed(t *testing.T, node *estest.Node) {
	f := newFlow(t, node, "nothing", plan{User: partial, Events: 50})
	grant(t, node, nil)
	beat := f.home.Start()
	for _, typ := range eventsapitest.Types() {
		waitHealth(beat, 0, typ, "Degraded: the output rejects every request", "action [indices:data/write/bulk] is unauthorized for user [partial]")
		held(t, f, typ)
	}
	assert.Zero(t, counters(beat).Dropped)

	first := beat.Log.Len()
	grant(t, node, writing, all)
	heals(t, f, beat, first, eventsapitest.Types()...)
}

// Without the privilege to ask for its version no connection is made.
func testNoMonitor(t *testing.T, node *estest.Node) {
	f := newFlow(t, node, "unseen", plan{User: partial, Events: 50})
	node.SetRole(t, partial, estest.Role{Cluster: []string{}, Indices: []estest.IndexPrivileges{{Names: []string{all}, Privileges: writing}}})
	beat := f.home.Start()
	for range 2 {
		beat.WaitLogAfter(beat.Log.Len(), "granted by the cluster privileges [monitor", soon)
	}
	for _, typ := range eventsapitest.Types() {
		held(t, f, typ)
	}
	first := beat.Log.Len()
	grant(t, node, writing, all)
	heals(t, f, beat, first)
}

// A data stream is blocked in the middle of its life.
func testBlockedIndex(t *testing.T, node *estest.Node) {
	f := newFlow(t, node, "blocked", plan{User: writer, Events: 50})
	beat := f.home.Start()
	f.complete(t, beat, soon)
	signIns := eventsapitest.SignInAttempts
	beat.Until(soon, "the cursor is stored", func() bool { return f.home.Cursors()[names[signIns]] != "" })
	cursor := f.home.Cursors()[names[signIns]]

	node.SetSetting(t, f.stream(signIns), "index.blocks.write", true)
	for n := range 5 {
		f.srv.Publish(signIns, signIn(t, handmade(n), nil))
	}
	waitHealth(beat, 0, signIns, "Degraded: the output rejects", "cluster_block_exception", "FORBIDDEN/8/index write (api)")
	f.srv.Publish(eventsapitest.ItemUsages, f.another(t, eventsapitest.ItemUsages, handmade(9)))
	f.wait(t, beat, soon, nil, eventsapitest.ItemUsages)
	assert.Equal(t, cursor, f.home.Cursors()[names[signIns]])
	assert.Equal(t, 50, node.Count(t, f.stream(signIns)))

	first := beat.Log.Len()
	node.SetSetting(t, f.stream(signIns), "index.blocks.write", nil)
	heals(t, f, beat, first, signIns)
}

// A template that no event fits is a fault of the output, not of each event.
func testTemplateFitsNothing(t *testing.T, node *estest.Node) {
	put(t, node, "/_index_template/strict", own("strict", M{"dynamic": "strict", "properties": M{"@timestamp": M{"type": "date"}}}))
	f := newFlow(t, node, "strict", plan{User: writer, Events: 50})
	beat := f.home.Start()
	for _, typ := range eventsapitest.Types() {
		waitHealth(beat, 0, typ, "Degraded: the output rejects", "strict_dynamic_mapping_exception")
		held(t, f, typ)
	}
	first := beat.Log.Len()
	status, answer := node.Do(t, estest.Admin, http.MethodPut, "/"+f.streams()+"/_mapping", M{"dynamic": true})
	require.Equal(t, http.StatusOK, status, string(answer))
	heals(t, f, beat, first, eventsapitest.Types()...)
}
