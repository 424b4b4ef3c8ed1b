// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Reading the metrics of one event type, for the formats that they are served in besides libbeat's.

package harvester

// Counter is the value of a declared counter.
func (m *Metrics) Counter(name string) uint64 { return m.counters[name].Get() }

// Gauge is the value of a declared gauge.
func (m *Metrics) Gauge(name string) int64 { return m.gauges[name].Get() }

// Distribution is the value of a declared histogram.
func (m *Metrics) Distribution(name string) Distribution { return m.histograms[name].distribution() }
