// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What the output did, for the delivery guard.

package beater

import (
	"github.com/elastic/elastic-agent-libs/monitoring"

	"onepasswordbeat/internal/harvester"
)

// outputCounts reads libbeat's counters of the output's events. They are looked
// up anew each time, because another output brings its own.
func outputCounts(stats *monitoring.Registry) func() harvester.Counts {
	read := func(name string) uint64 {
		if v, ok := stats.Get("libbeat.output.events." + name).(*monitoring.Uint); ok {
			return v.Get()
		}
		return 0
	}
	return func() harvester.Counts {
		return harvester.Counts{
			Taken:   read("acked") + read("duplicates") + read("dead_letter"),
			Refused: read("dropped"),
			Own:     refusals.own.Load(),
			Fault:   refusals.fault.Load(),
		}
	}
}
