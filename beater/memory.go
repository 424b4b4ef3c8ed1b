// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The garbage collector with many accounts.

package beater

import (
	"runtime/debug"
	"runtime/metrics"
	"sync"

	"github.com/elastic/elastic-agent-libs/logp"
)

const (
	// manyTypes is the number of event types, of all inputs, from which the heap may grow less between collections:
	// 100 accounts. Each keeps some 30 KiB alive, and Go would let as much again pile up.
	manyTypes = 300
	// usualGC and tightGC are Go's default for GOGC, and the value for many event types. With 1,000 quiet accounts it
	// saves 30 MiB and costs no CPU time that could be measured. A single account would pay more than it saves.
	usualGC, tightGC = 100, 50
)

// gcTuner counts the event types that are collected. The zero value is ready.
type gcTuner struct {
	mu    sync.Mutex
	types int
	many  bool
	tight bool // this tuner set tightGC
}

// begin notes an event type, until end is called.
func (g *gcTuner) begin(log *logp.Logger) (end func()) {
	g.add(1, log)
	return func() { g.add(-1, log) }
}

// add adjusts the collector where the user left it as it is (GOGC, gc_percent).
func (g *gcTuner) add(n int, log *logp.Logger) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.types += n
	switch many := g.types >= manyTypes; {
	case many == g.many:
		return
	case many && gcPercent() == usualGC:
		debug.SetGCPercent(tightGC)
		g.tight = true
	case !many && g.tight:
		debug.SetGCPercent(usualGC)
		g.tight = false
	}
	g.many = !g.many
	log.Debugw("the garbage collector follows the number of event types", "gc_percent", gcPercent(), "count", g.types)
}

// gcPercent is the collector's present setting.
func gcPercent() int {
	sample := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return int(sample[0].Value.Uint64()) //nolint:gosec // a percentage
}
