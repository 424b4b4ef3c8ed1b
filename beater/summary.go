// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The health of all event types in one log line, for a beat with many accounts.

package beater

import (
	"maps"
	"slices"
	"time"

	"github.com/elastic/beats/v7/libbeat/management/status"
	"github.com/elastic/elastic-agent-libs/logp"
)

const (
	summaryPeriod = time.Minute
	summaryNames  = 10 // event types that the line names
)

// summarize logs how many event types are in which state, and names the first that are Degraded or Failed. It does so
// every minute in which that has changed, until stop is called, which waits for it.
func summarize(d *diagnostics, log *logp.Logger) (stop func()) {
	stopping, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(summaryPeriod)
		defer tick.Stop()
		var last map[string]int
		for {
			select {
			case <-stopping:
				return
			case <-tick.C:
			}
			counts, unhealthy := d.summary()
			if maps.Equal(counts, last) {
				continue
			}
			last = counts
			log.Infow("health of all event types", "event_types", counts, "unhealthy", unhealthy)
		}
	}()
	return func() {
		close(stopping)
		<-stopped
	}
}

// summary counts the event types by state, and names those that are Degraded or Failed as input::event_type, the first
// of them in order.
func (d *diagnostics) summary() (counts map[string]int, unhealthy []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	counts = map[string]int{}
	for key, r := range d.running {
		r.mu.Lock()
		state := r.health.State
		r.mu.Unlock()
		counts[state]++
		if state == status.Degraded.String() || state == status.Failed.String() {
			unhealthy = append(unhealthy, key.Input+"::"+key.EventType)
		}
	}
	slices.Sort(unhealthy)
	return counts, unhealthy[:min(len(unhealthy), summaryNames)]
}
