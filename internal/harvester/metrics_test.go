// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Histograms without a value and with one.

package harvester

import (
	"testing"

	gometrics "github.com/rcrowley/go-metrics"
	"github.com/stretchr/testify/assert"
)

func TestHistogramsTakeNoMemoryBeforeTheirFirstValue(t *testing.T) {
	sample := &lazySample{}
	histogram := gometrics.NewHistogram(sample)
	assert.Nil(t, sample.made.Load())
	assert.Zero(t, histogram.Snapshot().Max())
	assert.Zero(t, histogram.Percentile(0.5))
	histogram.Update(7)
	assert.Equal(t, int64(7), histogram.Snapshot().Max())
	assert.Equal(t, int64(1), histogram.Count())
}
