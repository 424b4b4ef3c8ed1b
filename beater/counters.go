// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What the output did, for the delivery guard.

package beater

import (
	"github.com/elastic/elastic-agent-libs/monitoring"

	"onepasswordbeat/internal/harvester"
)

// outputWatch is the output as the delivery guard sees it: libbeat's counters of
// its events, and Elasticsearch's reasons.
type outputWatch struct {
	stats, state *monitoring.Registry
	*refusalWatch
}

// Counts reads the counters. They are looked up anew each time, because another
// output brings its own.
func (w outputWatch) Counts() harvester.Counts {
	return harvester.Counts{
		Taken:   w.read("acked") + w.read("duplicates") + w.read("dead_letter"),
		Refused: w.read("dropped"),
		// After Refused: an explanation comes before its refusal is counted.
		Own:   w.own.Load(),
		Fault: w.fault.Load(),

		Failed: w.read("failed"),
		Of:     w.stats.Get("libbeat.output.events.acked"), // each output's own
	}
}

// Hasty tells whether the output is Kafka's: it counts a batch whose events all met
// an open circuit breaker as taken.
func (w outputWatch) Hasty() bool {
	name, ok := w.state.Get("output.name").(*monitoring.String)
	return ok && name.Get() == "kafka"
}

func (w outputWatch) read(name string) uint64 {
	if v, ok := w.stats.Get("libbeat.output.events." + name).(*monitoring.Uint); ok {
		return v.Get()
	}
	return 0
}
