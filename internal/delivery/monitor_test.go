// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/elastic/elastic-agent-libs/monitoring"
)

func TestCountsOfTheOutput(t *testing.T) {
	stats := monitoring.NewRegistry()
	state := monitoring.NewRegistry()
	watch := NewMonitor(stats, state, &Responses{}, 0)
	counts := watch.Counts
	assert.False(t, watch.AcksUnsent())
	assert.False(t, watch.DropsForContent(1<<30), "not known")
	monitoring.NewString(state.GetOrCreateRegistry("output"), "name").Set("kafka")
	assert.True(t, watch.AcksUnsent())
	assert.False(t, watch.DropsForContent(2000), "perhaps it has no right to write")
	assert.True(t, watch.DropsForContent(500_000))
	before := counts()
	assert.Zero(t, before.Accepted+before.Rejected, "before there is an output")
	output := stats.GetOrCreateRegistry("libbeat").GetOrCreateRegistry("output")
	set := func(n uint64) {
		for i, name := range []string{"acked", "duplicates", "dead_letter", "dropped", "failed", "toomany"} {
			monitoring.NewUint(output, "events."+name).Set(n << (4 * i))
		}
	}
	set(1)
	got := counts()
	assert.EqualValues(t, 0x111, got.Accepted)
	assert.EqualValues(t, 0x1000, got.Rejected)
	first := got.Of
	require.NotNil(t, first)
	assert.Same(t, first, counts().Of, "the same output")
	require.NoError(t, output.Clear()) // a reload brings an output of its own
	set(2)
	got = counts()
	assert.EqualValues(t, 0x222, got.Accepted)
	assert.EqualValues(t, 0x2000, got.Rejected)
	assert.NotSame(t, first, got.Of, "another output, whatever it has counted")
}
