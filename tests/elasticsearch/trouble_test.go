// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A node that is killed, whose disk is full, or whose queue is: every event is
// there once in the end.

package elasticsearch

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/tests/beattest"
	"onepasswordbeat/tests/estest"
)

// kill -9 and a restart in the middle of a backlog.
func testKilledNode(t *testing.T, node *estest.Node) {
	f := newFlow(t, node, "killed", plan{User: writer, Events: 2000, Input: M{"limit": 100}, Output: M{"bulk_max_size": 100}})
	beat := f.home.Start()
	beat.Until(soon, "some of the backlog is indexed", func() bool { return counters(beat).Acked > 1000 })
	first := beat.Log.Len()
	node.Kill9(t)
	before := counters(beat)
	assert.Less(t, before.Acked, 6000, "killed in the backlog")
	beat.WaitLogAfter(first, "Failed to connect", soon)
	node.Restart(t)
	f.complete(t, beat, patient)
	t.Logf("killed with %d of 6000 events indexed, %d were sent again", before.Acked, counters(beat).Duplicates)
	assert.Zero(t, beat.InputSum("events_refused_total"))
	end(t, beat)
}

// The flood-stage watermark of the disk is crossed in a backlog, and left again.
func testFullDisk(t *testing.T, node *estest.Node) {
	f := newFlow(t, node, "disk", plan{User: writer, Events: 300})
	beat := f.home.Start()
	f.complete(t, beat, soon)
	node.SetDiskFull(t, true)
	for n := range 20 {
		f.srv.Publish(eventsapitest.SignInAttempts, signIn(t, handmade(n), nil))
	}
	beat.Until(soon, "the node rejects events", func() bool { return counters(beat).TooMany > 0 })
	assert.Equal(t, 300, node.Count(t, f.stream(eventsapitest.SignInAttempts)))
	node.SetDiskFull(t, false)
	f.complete(t, beat, patient)
	assert.Zero(t, beat.InputSum("events_refused_total"))
	assert.Zero(t, counters(beat).Dropped)
	end(t, beat)
}

// More clients than the node's write queue has room for.
func testFullQueue(t *testing.T, node *estest.Node) {
	const events = 500
	flows, beats := make([]*flow, 3), make([]*beattest.Beat, 3)
	for i := range flows {
		flows[i] = newFlow(t, node, fmt.Sprintf("queue%d", i), plan{
			User: owner, Events: events, Input: M{"limit": 100}, Output: M{"worker": 8, "bulk_max_size": 50},
		})
		beats[i] = flows[i].home.Start()
	}
	tooMany := 0
	for i, f := range flows {
		f.complete(t, beats[i], patient)
		beats[i].Until(soon, "everything is acknowledged", func() bool {
			c := counters(beats[i])
			return c.Acked+c.Duplicates >= 3*events
		})
		tooMany += counters(beats[i]).TooMany + beats[i].Log.Count("429 Too Many Requests")
		assert.Zero(t, beats[i].InputSum("events_refused_total"))
		end(t, beats[i])
	}
	assert.Positive(t, tooMany, "the queue was never full")
}
