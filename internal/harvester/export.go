// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Reading the metrics of one event type, for the formats that they are served in besides libbeat's.

package harvester

import (
	"slices"
	"sync"

	gometrics "github.com/rcrowley/go-metrics"
)

// Units that other formats have to convert.
const (
	UnitMilliseconds = "milliseconds"
	UnitTimestamp    = "seconds since 1970"
)

// bucketBounds are the upper bounds of each histogram's buckets in milliseconds. Few: each is a line for each event type
// of each account.
var bucketBounds = map[string][]int64{
	mPageTime: {50, 100, 250, 500, 1_000, 5_000, 15_000, 60_000},
	mLag:      {1_000, 5_000, 10_000, 30_000, 60_000, 300_000, 3_600_000, 86_400_000},
	mWaitTime: {100, 1_000, 5_000, 15_000, 60_000, 300_000, 3_600_000},
}

// Distribution is what a histogram counted since the start.
type Distribution struct {
	Bounds     []int64  // upper bounds, ascending
	Cumulative []uint64 // values up to each bound
	Count      uint64   // values, those above the last bound included
	Sum        int64    // of all values
}

// histogram counts values in buckets, and keeps a sample of them for percentiles.
type histogram struct {
	sample gometrics.Sample
	bounds []int64

	mu      sync.Mutex
	buckets []uint64 // values above the bound before and up to the bound
	count   uint64
	sum     int64
}

func newHistogram(name string) *histogram {
	bounds := bucketBounds[name]
	return &histogram{sample: &lazySample{}, bounds: bounds, buckets: make([]uint64, len(bounds))}
}

// Update adds a value.
func (h *histogram) Update(value int64) {
	h.sample.Update(value)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.count++
	h.sum += value
	if i, _ := slices.BinarySearch(h.bounds, value); i < len(h.buckets) {
		h.buckets[i]++
	}
}

func (h *histogram) distribution() Distribution {
	h.mu.Lock()
	defer h.mu.Unlock()
	d := Distribution{Bounds: h.bounds, Cumulative: make([]uint64, len(h.buckets)), Count: h.count, Sum: h.sum}
	total := uint64(0)
	for i, n := range h.buckets {
		total += n
		d.Cumulative[i] = total
	}
	return d
}

// Counter is the value of a declared counter.
func (m *Metrics) Counter(name string) uint64 { return m.counters[name].Get() }

// Gauge is the value of a declared gauge.
func (m *Metrics) Gauge(name string) int64 { return m.gauges[name].Get() }

// Distribution is the value of a declared histogram.
func (m *Metrics) Distribution(name string) Distribution { return m.histograms[name].distribution() }
