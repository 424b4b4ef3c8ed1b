// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Bad documents, and documents that are there already.

package elasticsearch

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/tests/estest"
)

// An event that was delivered before is rejected by its _id, and no error.
func testRepeats(t *testing.T, node *estest.Node) {
	f := newFlow(t, node, "repeats", plan{User: writer, Events: 300})
	beat := f.home.Start()
	f.complete(t, beat, soon)
	assert.Zero(t, counters(beat).Duplicates)
	end(t, beat)

	for _, name := range names {
		result := f.home.Command("state", "reset", "--input", "acme", "--event-type", name, "--since", "480h")
		require.Zero(t, result.Code, result.All())
	}
	beat = f.home.Start()
	beat.Until(soon, "every event is sent again", func() bool { return counters(beat).Duplicates >= 900 })
	f.srv.Publish(eventsapitest.SignInAttempts, signIn(t, handmade(0), nil))
	f.complete(t, beat, soon)
	beat.Until(soon, "the cursors are stored", func() bool {
		stored := f.home.Cursors()
		return stored["audit_events"] != "" && stored["item_usages"] != "" && stored["signin_attempts"] != ""
	})
	assert.Equal(t, outputEvents{Acked: 1, Duplicates: 900}, counters(beat))
	assert.Zero(t, beat.InputSum("events_refused_total"))
	assertQuiet(t, beat.Log.Lines())
	end(t, beat)
}

// A document that does not fit is rejected with its reason, which is logged and
// counted; the rest of its batch arrives, and the stream goes on.
func testBadDocument(t *testing.T, node *estest.Node) {
	f := newFlow(t, node, "bad", plan{User: writer, Events: 20})
	// An unknown key makes a field, and an object there does not fit later.
	f.srv.Publish(eventsapitest.SignInAttempts, signIn(t, handmade(0), M{"novelty": "plain"}))
	beat := f.home.Start()
	f.complete(t, beat, soon)

	const secret = "ada-at-home"
	bad := handmade(2)
	f.srv.Publish(eventsapitest.SignInAttempts,
		signIn(t, handmade(1), nil),
		signIn(t, bad, M{"novelty": M{"whereabouts": secret}}),
		signIn(t, handmade(3), M{"novelty": "plain again"}),
	)
	f.complete(t, beat, soon, bad)
	line := beat.WaitLog("the output rejected invalid events", soon)
	assert.Contains(t, line.Raw, "document_parsing_exception")
	assert.Contains(t, line.Raw, "[onepassword.novelty] of type [keyword]")
	assert.NotContains(t, beat.Log.Text(), secret, "what an event holds is personal data")
	assert.Equal(t, 1, beat.InputSum("events_refused_total"))
	assert.Equal(t, 1, counters(beat).Dropped)

	f.srv.Publish(eventsapitest.SignInAttempts, signIn(t, handmade(4), nil))
	f.complete(t, beat, soon, bad)
	end(t, beat)
	assert.Zero(t, beat.Log.Count("Degraded"))
}
