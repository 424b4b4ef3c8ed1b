// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What a histogram counts.

package harvester

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestHistogramCountsEveryValueOnce(t *testing.T) {
	for _, def := range MetricDefs() {
		assert.Equal(t, def.Kind == Histogram, len(bucketBounds[def.Name]) > 0, def.Name)
		assert.True(t, slices.IsSorted(bucketBounds[def.Name]), def.Name)
	}
	h := newHistogram(mLag)
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
