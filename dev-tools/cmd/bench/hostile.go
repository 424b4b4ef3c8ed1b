// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Hostile input: the peak of the memory and the time that a stop takes, while every request meets the same hostile answer.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
)

const (
	// hostileMemory and hostileStop are the bounds of the documentation: memory, and shutdown_timeout and 5 s.
	hostileMemory = 400 << 20
	hostileStop   = 10 * time.Second
	// hostileFor is how long each input goes on.
	hostileFor = 5 * time.Second
)

func hostile(ctx context.Context, o options, out io.Writer) error {
	kinds := append(eventsapitest.HostileKinds(), eventsapitest.Hang, eventsapitest.Stall, eventsapitest.HTML, eventsapitest.Garbage)
	say(out, "%-24s %10s %10s %10s\n", "input", "peak", "stop", "requests")
	var errs []error
	for _, kind := range kinds {
		if !strings.Contains(string(kind), o.input) {
			continue
		}
		if err := hostileOnce(ctx, o, out, eventsapitest.Fault{Kind: kind}); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", kind, err))
		}
	}
	return errors.Join(errs...)
}

// hostileOnce measures one input, which every request for events meets.
func hostileOnce(ctx context.Context, o options, out io.Writer, fault eventsapitest.Fault) (err error) {
	b, err := newBench(ctx, eventsapitest.Config{Faults: []eventsapitest.Chance{{P: 1, Fault: fault}}}, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	p, err := ours(o).start(b.at)
	if err != nil {
		return err
	}
	requests := func() int {
		stats := b.sim.Stats()
		n := 0
		for _, t := range eventsapitest.Types() {
			n += stats.Count(t)
		}
		return n
	}
	if err := p.until(ctx, time.Minute, func() bool { return requests() > 0 }); err != nil {
		return err
	}
	if err := p.last(ctx, hostileFor); err != nil {
		return err
	}
	peak, n, began := p.peakSize.Load(), requests(), time.Now()
	if err := p.stop(); err != nil {
		return err
	}
	took := time.Since(began)
	say(out, "%-24s %6.1f MiB %8.2f s %10d\n", fault.Kind, mib(peak), took.Seconds(), n)
	if peak > hostileMemory || took > hostileStop {
		return fmt.Errorf("above %d MiB or %s", hostileMemory>>20, hostileStop)
	}
	return nil
}
