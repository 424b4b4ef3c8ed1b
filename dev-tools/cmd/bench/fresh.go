// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Freshness: from an event's appearance in the API to its indexing.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
)

// tail is how long the last events are waited for.
const tail = 15 * time.Second

// freshness lets a trickle of events flow to a beat that has nothing but its
// defaults, the API's rate limits included.
func freshness(ctx context.Context, o options, out io.Writer) (err error) {
	b, err := newBench(ctx, eventsapitest.Config{
		Live: eventsapitest.Each(o.rate), PerMinute: 600, PerHour: 30_000,
	}, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	s := ours(o)
	s.config = func(w where) settings {
		return settings{"onepasswordbeat.inputs": []settings{{"type": "onepassword", "url": w.api, "token": w.token}}}
	}
	p, err := s.start(b.at)
	if err != nil {
		return err
	}
	begin := time.Now().Add(startUp) // what came during the start is its cost, not freshness
	if err := p.last(ctx, startUp+o.fresh+tail); err != nil {
		return err
	}
	took, missing := b.delays(begin, begin.Add(o.fresh))
	if err := p.stop(); err != nil {
		return err
	}
	if len(took) == 0 || missing > 0 {
		return fmt.Errorf("%d events arrived, %d did not", len(took), missing)
	}
	at := func(share float64) float64 { return took[int(share*float64(len(took)-1))].Seconds() }
	say(out, "%d events, %g/s of each type, defaults: from the API to the endpoint median %.2f s, 95%% %.2f s, at most %.2f s\n",
		len(took), o.rate, at(0.5), at(0.95), at(1))
	return nil
}

// delays returns how long the events that appeared in a period were on their way,
// sorted, and how many have not arrived.
func (b *bench) delays(from, to time.Time) (took []time.Duration, missing int) {
	return b.delaysOf(b.sim, from, to, eventsapitest.Types()...)
}

// delaysOf is delays for some types of a simulator.
func (b *bench) delaysOf(sim *eventsapitest.Server, from, to time.Time, types ...eventsapitest.EventType) (took []time.Duration, missing int) {
	b.es.mu.Lock()
	defer b.es.mu.Unlock()
	for _, t := range types {
		for i := range sim.Total(t) {
			appeared := sim.IngestTime(t, i)
			if appeared.Before(from) || !appeared.Before(to) {
				continue
			}
			if arrived, ok := b.es.arrived[sim.UUID(t, i)]; ok {
				took = append(took, arrived.Sub(appeared))
			} else {
				missing++
			}
		}
	}
	slices.Sort(took)
	return took, missing
}
