// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Histograms: what libbeat's monitoring needs of one, and buckets for other formats.

package harvester

import (
	"slices"
	"sync"
	"sync/atomic"

	gometrics "github.com/rcrowley/go-metrics"
)

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

func newHistogram(bounds []int64) *histogram {
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

// histogramSize is the reservoir of a histogram.
const histogramSize = 256

// lazySample is a reservoir that takes memory with its first value: with 1,000 quiet
// accounts 9,000 of them would take 70 MB otherwise.
type lazySample struct {
	once sync.Once
	made atomic.Pointer[gometrics.UniformSample]
}

func (s *lazySample) sample() gometrics.Sample {
	if made := s.made.Load(); made != nil {
		return made
	}
	return gometrics.NilSample{}
}

// Update adds a value.
func (s *lazySample) Update(v int64) {
	s.once.Do(func() {
		if made, ok := gometrics.NewUniformSample(histogramSize).(*gometrics.UniformSample); ok {
			s.made.Store(made)
		}
	})
	s.sample().Update(v)
}

// Snapshot is a copy at this time. A histogram needs it to be a SampleSnapshot.
func (s *lazySample) Snapshot() gometrics.Sample {
	if made := s.made.Load(); made != nil {
		return made.Snapshot()
	}
	return gometrics.NewSampleSnapshot(0, nil)
}

// The rest of gometrics.Sample.
func (s *lazySample) Clear()                            { s.sample().Clear() }
func (s *lazySample) Count() int64                      { return s.sample().Count() }
func (s *lazySample) Max() int64                        { return s.sample().Max() }
func (s *lazySample) Mean() float64                     { return s.sample().Mean() }
func (s *lazySample) Min() int64                        { return s.sample().Min() }
func (s *lazySample) Percentile(p float64) float64      { return s.sample().Percentile(p) }
func (s *lazySample) Percentiles(p []float64) []float64 { return s.sample().Percentiles(p) }
func (s *lazySample) Size() int                         { return s.sample().Size() }
func (s *lazySample) StdDev() float64                   { return s.sample().StdDev() }
func (s *lazySample) Sum() int64                        { return s.sample().Sum() }
func (s *lazySample) Values() []int64                   { return s.sample().Values() }
func (s *lazySample) Variance() float64                 { return s.sample().Variance() }
