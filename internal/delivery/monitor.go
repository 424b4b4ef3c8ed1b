// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// libbeat's output: its counters, and Elasticsearch's reasons.

package delivery

import (
	"cmp"

	"github.com/elastic/elastic-agent-libs/monitoring"
)

// Monitor is the output of a running beat.
type Monitor struct {
	stats, state *monitoring.Registry
	*Responses
	maxMessage int // of Kafka's output, in bytes
}

// defaultMaxMessage is that of libbeat's Kafka output.
const defaultMaxMessage = 1_000_000

// NewMonitor reads the output's counters from libbeat's registries of statistics and of state.
// maxMessage is Kafka's max_message_bytes; 0 is the default.
func NewMonitor(stats, state *monitoring.Registry, responses *Responses, maxMessage int) Monitor {
	return Monitor{stats, state, responses, cmp.Or(maxMessage, defaultMaxMessage)}
}

// Counts reads the counters. They are looked up anew each time, because another
// output brings its own.
func (m Monitor) Counts() Counts {
	return Counts{
		Accepted: m.read("acked") + m.read("duplicates") + m.read("dead_letter"),
		Rejected: m.read("dropped"),
		// After Rejected: an explanation comes before its rejection is counted.
		DocumentErrors: m.documentErrors.Load(),
		OutputErrors:   m.outputErrors.Load(),
		Denials:        m.denials.Load(),

		Failed:       m.read("failed"),
		FailureStore: m.read("failure_store"),
		Templates:    m.templates.Load(),
		Proven:       m.proven.Load(),
		Of:           m.stats.Get("libbeat.output.events.acked"), // each output's own
	}
}

// AcksUnsent is whether the output is Kafka's: it counts a batch whose events all met
// an open circuit breaker as accepted.
func (m Monitor) AcksUnsent() bool { return m.name() == "kafka" }

// DropsForContent is whether the output drops events of that size for their content. As an event of Kafka's a mapped item is
// up to four times as long as the API's JSON. Redis, Logstash, file and console drop only what they can't encode.
func (m Monitor) DropsForContent(bytes int) bool {
	switch m.name() {
	case "", "elasticsearch":
		return false
	case "kafka":
		return bytes >= m.maxMessage/4
	}
	return true
}

// name is the output's name; "" if there is none yet.
func (m Monitor) name() string {
	if name, ok := m.state.Get("output.name").(*monitoring.String); ok {
		return name.Get()
	}
	return ""
}

func (m Monitor) read(name string) uint64 {
	if v, ok := m.stats.Get("libbeat.output.events." + name).(*monitoring.Uint); ok {
		return v.Get()
	}
	return 0
}
