// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What the guard concludes from counters. The tests of package harvester run it in the whole loop.

package delivery

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// stubOutput has the counters that a test sets.
type stubOutput struct {
	counts     Counts
	acksUnsent bool
	content    bool
}

func (o *stubOutput) Counts() Counts    { return o.counts }
func (o *stubOutput) Rejection() string { return "" }
func (o *stubOutput) Blocked() string   { return "" }
func (o *stubOutput) AcksUnsent() bool  { return o.acksUnsent }

func (o *stubOutput) DropsForContent(int) bool { return o.content }

// An output is replaced before it counted anything, and the new one has counted events
// of another page that are not ACKed yet: they do not stand for what the old one dropped.
func TestInvariant2_OutputReplacedBeforeItCounted(t *testing.T) {
	out := &stubOutput{}
	g := NewGuard(out)
	page, err := g.acquire(t.Context(), false)
	require.NoError(t, err)
	_, err = g.acquire(t.Context(), false) // another page, of 5 events
	require.NoError(t, err)
	out.counts = Counts{Of: 2, Accepted: 8 + 5} // 2 events of the first page were lost with the old output
	g.ack(10)
	require.Equal(t, Unconfirmed, g.evaluate(t.Context(), page, 10, 0, -1).outcome)
}

// An output that ACKs unsent events is replaced, and the new one has as many failed attempts as the
// old one had: they are failures all the same.
func TestInvariant2_FailureOfAReplacedOutputIsSeen(t *testing.T) {
	out := &stubOutput{acksUnsent: true, counts: Counts{Of: 1, Accepted: 5, Failed: 1}}
	g := NewGuard(out)
	out.counts = Counts{Of: 2, Failed: 1}
	page, err := g.acquire(t.Context(), false)
	require.NoError(t, err)
	out.counts.Accepted = 10
	g.ack(10)
	require.Equal(t, Unconfirmed, g.evaluate(t.Context(), page, 10, 0, -1).outcome)
}

// heldPage evaluates a page of n events that was published alone and rejected as a whole.
func heldPage(t *testing.T, g *Guard, out *stubOutput, n, before int, explained bool) evidence {
	t.Helper()
	page, err := g.acquire(t.Context(), true)
	require.NoError(t, err)
	defer page.release()
	out.counts.Rejected += uint64(n)
	if explained {
		out.counts.DocumentErrors += uint64(n)
	}
	g.ack(n)
	return g.evaluate(t.Context(), page, n, 0, before)
}

// acceptedPage lets the guard see a page that was delivered.
func acceptedPage(t *testing.T, g *Guard, out *stubOutput) {
	t.Helper()
	page, err := g.acquire(t.Context(), false)
	require.NoError(t, err)
	defer page.release()
	out.counts.Accepted += 5
	out.counts.Proven = out.counts.Templates
	g.ack(5)
	require.Equal(t, Delivered, g.evaluate(t.Context(), page, 5, 0, -1).outcome)
}

// A part of a page is rejected for a privilege or a block, again and again: it is held until that is over.
func TestInvariant2_PageThatIsDeniedInPartIsHeld(t *testing.T) {
	out := &stubOutput{}
	g := NewGuard(out)
	attempt := func(denied bool, before int) evidence {
		page, err := g.acquire(t.Context(), true)
		require.NoError(t, err)
		defer page.release()
		out.counts.Accepted, out.counts.Rejected = out.counts.Accepted+6, out.counts.Rejected+4
		out.counts.DocumentErrors, out.counts.OutputErrors = out.counts.DocumentErrors+2, out.counts.OutputErrors+2
		if denied {
			out.counts.Denials += 2
		}
		g.ack(10)
		return g.evaluate(t.Context(), page, 10, 0, before)
	}
	require.Equal(t, Held, attempt(true, -1).outcome)
	require.Equal(t, Held, attempt(true, 4).outcome)
	require.Equal(t, Unconfirmed, attempt(false, 3).outcome)
	require.Equal(t, Delivered, attempt(false, 4).outcome, "a pipeline may reject a document for its content")
}

// A page whose events are all rejected for their content is passed with proof that the output accepts
// others, and held without.
func TestInvariant2_RejectedPageIsPassedWithProof(t *testing.T) {
	out := &stubOutput{}
	g := NewGuard(out)
	require.Equal(t, Held, heldPage(t, g, out, 10, -1, true).outcome, "a template that fits nothing looks the same")
	acceptedPage(t, g, out)
	e := heldPage(t, g, out, 10, -1, true)
	require.Equal(t, Delivered, e.outcome)
	require.Equal(t, 10, e.rejected)

	out.counts.Templates++
	require.Equal(t, Held, heldPage(t, g, out, 10, -1, true).outcome, "the proof is older than the template")
	acceptedPage(t, g, out)
	out.counts.OutputErrors++
	page, err := g.acquire(t.Context(), true)
	require.NoError(t, err)
	out.counts.Rejected, out.counts.OutputErrors = out.counts.Rejected+1, out.counts.OutputErrors+1
	g.ack(1)
	require.Equal(t, Held, g.evaluate(t.Context(), page, 1, 0, -1).outcome, "the output's own error is never passed")
	page.release()

	out.counts = Counts{Of: "another output"}
	require.Equal(t, Held, heldPage(t, g, out, 10, -1, true).outcome, "the proof is of another output")
}

// An output that explains nothing, as Kafka's that drops a message above max_message_bytes: the page has to be rejected twice.
func TestInvariant2_UnexplainedRejectedPageIsPassedTheSecondTime(t *testing.T) {
	out := &stubOutput{content: true}
	g := NewGuard(out)
	require.Equal(t, Held, heldPage(t, g, out, 1, -1, false).outcome)
	require.Equal(t, Held, heldPage(t, g, out, 1, 1, false).outcome, "no proof")
	acceptedPage(t, g, out)
	require.True(t, heldPage(t, g, out, 1, -1, false).passable)
	out.content = false
	require.Equal(t, Held, heldPage(t, g, out, 1, 1, false).outcome, "perhaps the output's own error")
	out.content = true
	require.Equal(t, Delivered, heldPage(t, g, out, 1, 1, false).outcome)
}
