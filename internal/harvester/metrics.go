// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The metrics of one event type, declared once.

package harvester

import (
	"time"

	gometrics "github.com/rcrowley/go-metrics"

	"github.com/elastic/elastic-agent-libs/logp"
	"github.com/elastic/elastic-agent-libs/monitoring"
	"github.com/elastic/elastic-agent-libs/monitoring/adapter"

	"onepasswordbeat/internal/eventsapi"
	"onepasswordbeat/internal/registry"
)

// MetricKind is how a metric behaves.
type MetricKind string

// The kinds of metrics.
const (
	Counter   MetricKind = "counter"   // only grows
	Gauge     MetricKind = "gauge"     // goes up and down
	Histogram MetricKind = "histogram" // of a sample of 256 values
)

// Units that other formats have to convert.
const (
	UnitMilliseconds = "milliseconds"
	UnitTimestamp    = "seconds since 1970"
)

// MetricDef declares one metric: docs/metrics.md is generated from it.
type MetricDef struct {
	Name string // below the event type's entry in /inputs/
	Kind MetricKind
	Unit string
	Help string
}

// Names of the metrics.
const (
	mRequests      = "requests_total"
	mRequestErrors = "requests_failed_total"
	mPages         = "pages_total"
	mPagesEmpty    = "pages_empty_total"
	mStuck         = "pages_stuck_total"
	mBytes         = "received_bytes_total"
	mReceived      = "events_received_total"
	mPublished     = "events_published_total"
	mAcked         = "events_acked_total"
	mRejected      = "events_refused_total"
	mUnmapped      = "events_unmapped_total"
	mWaits         = "rate_limit_waits_total"
	mCommits       = "cursor_commits_total"
	mCommitErrors  = "cursor_commit_errors_total"
	mCommitted     = "cursor_committed_timestamp"
	mLastEvent     = "last_event_timestamp"
	mPageTime      = "page_time"
	mLag           = "lag"
	mWaitTime      = "rate_limit_wait_time"
)

// bucketBounds are the upper bounds of each histogram's buckets in milliseconds. Few: each is a line for each event type
// of each account.
var bucketBounds = map[string][]int64{
	mPageTime: {50, 100, 250, 500, 1_000, 5_000, 15_000, 60_000},
	mLag:      {1_000, 5_000, 10_000, 30_000, 60_000, 300_000, 3_600_000, 86_400_000},
	mWaitTime: {100, 1_000, 5_000, 15_000, 60_000, 300_000, 3_600_000},
}

// MetricDefs returns the declarations of all metrics of an event type, requests
// by outcome included.
func MetricDefs() []MetricDef {
	defs := []MetricDef{
		{mRequests, Counter, "requests", "Requests to the Events API."},
		{mRequestErrors, Counter, "requests", "Requests that brought no page."},
	}
	for _, c := range eventsapi.Classes() {
		defs = append(defs, MetricDef{classMetric(c), Counter, "requests", "Of these: " + c.When() + "."})
	}
	return append(defs,
		MetricDef{mPages, Counter, "pages", "Pages received."},
		MetricDef{mPagesEmpty, Counter, "pages", "Pages received without an event."},
		MetricDef{mStuck, Counter, "pages", "Pages with has_more set and a cursor that did not move."},
		MetricDef{mBytes, Counter, "bytes", "Bytes of the pages, decompressed."},
		MetricDef{mReceived, Counter, "events", "Events received from the API, repeats included."},
		MetricDef{mPublished, Counter, "events", "Events handed to the queue; less than received by what your processors dropped."},
		MetricDef{mAcked, Counter, "events", "Events that libbeat reported as done: delivered, or rejected for good."},
		MetricDef{mRejected, Counter, "events", "Events that the output rejected for their own content and will never accept; not those of a page that it rejects as a whole, which waits."},
		MetricDef{mUnmapped, Counter, "events", "Events with an action that the mapping does not know, or that it could not map; they are published all the same."},
		MetricDef{mWaits, Counter, "waits", "Requests that had to wait for the rate limit."},
		MetricDef{mCommits, Counter, "commits", "States written to the registry."},
		MetricDef{mCommitErrors, Counter, "commits", "States that could not be written to disk."},
		MetricDef{mCommitted, Gauge, UnitTimestamp, "When the state was last written to the registry."},
		MetricDef{mLastEvent, Gauge, UnitTimestamp, "The newest event time that was delivered."},
		MetricDef{mPageTime, Histogram, UnitMilliseconds, "Time from a request to its decoded page, or to its failure."},
		MetricDef{mLag, Histogram, UnitMilliseconds, "Time from a page's newest event to its arrival here."},
		MetricDef{mWaitTime, Histogram, UnitMilliseconds, "Time spent waiting for the rate limit, where there was a wait."},
	)
}

func classMetric(c eventsapi.Class) string { return "requests_failed_" + c.String() + "_total" }

// shortestWait is the wait for the rate limit that counts as one.
const shortestWait = time.Millisecond

// Metrics are the metrics of one event type.
type Metrics struct {
	counters   map[string]*monitoring.Uint
	gauges     map[string]*monitoring.Int
	histograms map[string]*histogram
}

// NewMetrics registers all metrics of an event type in reg.
func NewMetrics(reg *monitoring.Registry, log *logp.Logger) *Metrics {
	m := &Metrics{
		counters:   map[string]*monitoring.Uint{},
		gauges:     map[string]*monitoring.Int{},
		histograms: map[string]*histogram{},
	}
	for _, def := range MetricDefs() {
		switch def.Kind {
		case Counter:
			m.counters[def.Name] = monitoring.NewUint(reg, def.Name)
		case Gauge:
			m.gauges[def.Name] = monitoring.NewInt(reg, def.Name)
		case Histogram:
			h := newHistogram(bucketBounds[def.Name])
			m.histograms[def.Name] = h
			_ = adapter.NewGoMetrics(reg, def.Name, log, adapter.Accept).
				Register("histogram", gometrics.NewHistogram(h.sample))
		}
	}
	return m
}

func (m *Metrics) add(name string, n int) {
	if n > 0 {
		m.counters[name].Add(uint64(n))
	}
}

func (m *Metrics) request(class eventsapi.Class, took time.Duration) {
	m.add(mRequests, 1)
	m.histograms[mPageTime].Update(took.Milliseconds())
	if class != eventsapi.None {
		m.add(mRequestErrors, 1)
		m.add(classMetric(class), 1)
	}
}

func (m *Metrics) page(events int, bytes int64) {
	m.add(mPages, 1)
	m.add(mReceived, events)
	m.add(mBytes, int(bytes))
	if events == 0 {
		m.add(mPagesEmpty, 1)
	}
}

func (m *Metrics) waited(d time.Duration) {
	if d >= shortestWait {
		m.add(mWaits, 1)
		m.histograms[mWaitTime].Update(d.Milliseconds())
	}
}

func (m *Metrics) committed(s registry.State) {
	m.add(mCommits, 1)
	m.gauges[mCommitted].Set(s.Updated.Unix())
	if !s.LastEvent.IsZero() {
		m.gauges[mLastEvent].Set(s.LastEvent.Unix())
	}
}

func (m *Metrics) stuck() { m.add(mStuck, 1) }

// Published counts events that went to the queue.
func (m *Metrics) Published(n int) { m.add(mPublished, n) }

// Acked counts events that libbeat reported as done.
func (m *Metrics) Acked(n int) { m.add(mAcked, n) }

func (m *Metrics) rejected(n int)      { m.add(mRejected, n) }
func (m *Metrics) unmapped()           { m.add(mUnmapped, 1) }
func (m *Metrics) commitFailed()       { m.add(mCommitErrors, 1) }
func (m *Metrics) lag(d time.Duration) { m.histograms[mLag].Update(max(0, d).Milliseconds()) }
