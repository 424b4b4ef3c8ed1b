// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What a histogram counts, and that the loop shows that it lives.

package harvester

import (
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHistogramCountsEveryValueOnce(t *testing.T) {
	for _, def := range MetricDefs() {
		assert.Equal(t, def.Kind == Histogram, len(bucketBounds[def.Name]) > 0, def.Name)
		assert.True(t, slices.IsSorted(bucketBounds[def.Name]), def.Name)
	}
	h := newHistogram(bucketBounds[mLag])
	first, last := bucketBounds[mLag][0], bucketBounds[mLag][len(bucketBounds[mLag])-1]
	for _, value := range []int64{0, first, first + 1, last, last + 1} {
		h.Update(value)
	}
	d := h.distribution()
	assert.Equal(t, uint64(5), d.Count)
	assert.Equal(t, first+first+1+last+last+1, d.Sum)
	assert.Equal(t, uint64(2), d.Cumulative[0], "a bound belongs to its bucket")
	assert.Equal(t, uint64(3), d.Cumulative[1])
	assert.Equal(t, uint64(4), d.Cumulative[len(d.Cumulative)-1], "what is above the last bound is in the count alone")
	assert.Equal(t, int64(5), h.sample.Count())
}

// TestLoopTurnsWhateverItWaitsFor: an output that takes nothing, or a long pause. That
// shows a watchdog that the loop is not stuck.
func TestLoopTurnsWhateverItWaitsFor(t *testing.T) {
	waits := map[string]func(*rig) (release func()){
		"pause": func(r *rig) func() {
			r.settings.Interval = time.Hour
			return func() {}
		},
		"output": func(r *rig) func() { return r.out.block() },
	}
	for name, prepare := range waits {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, 5)
				var last atomic.Int64
				r.turned = func() { last.Store(time.Now().UnixNano()) }
				release := prepare(r)
				r.start()
				for range 20 {
					time.Sleep(checkInterval) //nolint:forbidigo // the bubble's clock
					synctest.Wait()
					require.LessOrEqual(t, time.Since(time.Unix(0, last.Load())), checkInterval)
				}
				release()
				r.stop()
			})
		})
	}
}
