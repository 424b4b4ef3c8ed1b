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
}

func (o *stubOutput) Counts() Counts    { return o.counts }
func (o *stubOutput) Rejection() string { return "" }
func (o *stubOutput) Blocked() string   { return "" }
func (o *stubOutput) AcksUnsent() bool  { return o.acksUnsent }

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
	require.Equal(t, Unconfirmed, g.evaluate(t.Context(), page, 10, -1).outcome)
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
	require.Equal(t, Unconfirmed, g.evaluate(t.Context(), page, 10, -1).outcome)
}
