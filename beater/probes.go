// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Whether the beat is live and ready, for /healthz, /readyz and systemd's watchdog. Neither asks the API, the network
// or the output: an outage must not restart a beat.

package beater

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"onepasswordbeat/internal/harvester"
	"onepasswordbeat/internal/prometheus"
	"onepasswordbeat/internal/registry"
)

// turnBound is how long a loop may take for one turn. A loop that only waits turns every few seconds; what it does
// itself between two turns is local: it maps a page and writes the registry.
const turnBound = time.Minute

// probes knows the loops that collect. It is safe for concurrent use.
type probes struct {
	now func() time.Time

	mu       sync.Mutex
	started  bool // the configured inputs were started
	expected int  // inputs that have to run
	running  int  // inputs that do
	loops    map[*loop]struct{}
}

func newProbes() *probes { return &probes{now: time.Now, loops: map[*loop]struct{}{}} }

// loop is the loop of one event type of an input.
type loop struct {
	probes  *probes
	key     registry.Key
	metrics *harvester.Metrics // nil before there are any

	// Guarded by probes.mu.
	turned time.Time // when it turned last; zero while there is nothing that has to turn
	loaded bool      // its state was read
	ending bool      // it was told to stop
}

// expect sets how many inputs have to run for the beat to be ready.
func (p *probes) expect(inputs int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.started, p.expected = true, inputs
}

// input notes that an input runs, until end is called.
func (p *probes) input() (end func()) {
	p.count(1)
	return func() { p.count(-1) }
}

func (p *probes) count(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running += n
}

// begin notes an event type that is to be collected, until end is called.
func (p *probes) begin(key registry.Key) (l *loop, end func()) {
	l = &loop{probes: p, key: key}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.loops[l] = struct{}{}
	return l, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.loops, l)
	}
}

// turn is called by the loop at each turn.
func (l *loop) turn() {
	l.probes.mu.Lock()
	defer l.probes.mu.Unlock()
	if !l.ending {
		l.turned = l.probes.now()
	}
}

// rest is called when the loop is told to stop: from then on it waits for the output, for as long as shutdown_timeout.
func (l *loop) rest() {
	l.probes.mu.Lock()
	defer l.probes.mu.Unlock()
	l.ending, l.turned = true, time.Time{}
}

// measure makes the metrics of the event type visible at /metrics.
func (l *loop) measure(m *harvester.Metrics) {
	l.probes.mu.Lock()
	defer l.probes.mu.Unlock()
	l.metrics = m
}

// watch is a store that tells the loop when its state was read.
func (l *loop) watch(s harvester.Store) harvester.Store { return watchedStore{s, l} }

type watchedStore struct {
	harvester.Store
	loop *loop
}

// Load reads a state. A loop without one waits for its stop, and has nothing that turns.
func (s watchedStore) Load(ctx context.Context, key registry.Key) (registry.State, error) {
	state, err := s.Store.Load(ctx, key)
	p := s.loop.probes
	p.mu.Lock()
	defer p.mu.Unlock()
	s.loop.loaded = err == nil || errors.Is(err, registry.ErrNotFound)
	s.loop.turned = time.Time{}
	return state, err
}

// live returns why the beat is not live; nothing if it is.
func (p *probes) live() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var stuck []string
	for l := range p.loops {
		if since := p.now().Sub(l.turned); !l.turned.IsZero() && since > turnBound {
			stuck = append(stuck, fmt.Sprintf("input %s, %s: the loop has not turned for %s", l.key.Input, l.key.EventType, since.Round(time.Second)))
		}
	}
	slices.Sort(stuck)
	return stuck
}

// ready returns why the beat is not ready; nothing if it is.
func (p *probes) ready() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.started {
		return []string{"the inputs are not started yet"}
	}
	var missing []string
	if p.running < p.expected {
		missing = append(missing, fmt.Sprintf("%d of %d inputs are running", p.running, p.expected))
	}
	for l := range p.loops {
		if !l.loaded {
			missing = append(missing, fmt.Sprintf("input %s, %s: the stored state is not read; see the log", l.key.Input, l.key.EventType))
		}
	}
	slices.Sort(missing)
	return missing
}

// sources are the metrics of all event types, in the order of their names.
func (p *probes) sources() []prometheus.Source {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := make([]prometheus.Source, 0, len(p.loops))
	for l := range p.loops {
		if l.metrics != nil {
			list = append(list, prometheus.Source{InputID: l.key.Input, EventType: l.key.EventType, Metrics: l.metrics})
		}
	}
	slices.SortFunc(list, func(a, b prometheus.Source) int {
		return cmp.Or(strings.Compare(a.InputID, b.InputID), strings.Compare(a.EventType, b.EventType))
	})
	return list
}

// probe serves a probe: 200 and "ok", or 503 and a line per reason.
func probe(reasons func() []string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		text, code := "ok", http.StatusOK
		if list := reasons(); len(list) > 0 {
			text, code = strings.Join(list, "\n"), http.StatusServiceUnavailable
		}
		w.WriteHeader(code)
		_, _ = fmt.Fprintln(w, text) // the client may be gone
	}
}
