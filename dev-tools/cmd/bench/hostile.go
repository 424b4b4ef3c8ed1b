// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Hostile input: the peak of the memory and the time that a stop takes, while every request to the API or to the
// output meets the same hostile answer.

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

// attack is a hostile API or a hostile output.
type attack struct {
	name   string
	fault  eventsapitest.Fault         // which every request meets
	events int                         // of each type
	token  []eventsapitest.TokenOption // nil: the default token
	bulk   bulkAnswer
}

// attacks lists the hostile answers of the API and the hostile outputs.
func attacks() []attack {
	kinds := append(eventsapitest.HostileKinds(), eventsapitest.Hang, eventsapitest.Stall, eventsapitest.HTML, eventsapitest.Garbage)
	all := make([]attack, 0, len(kinds))
	for _, kind := range kinds {
		all = append(all, attack{name: string(kind), fault: eventsapitest.Fault{Kind: kind}})
	}
	const many = 5000 // some pages of each type
	nameless := []eventsapitest.TokenOption{eventsapitest.WithoutAccount()}
	for _, kind := range []eventsapitest.Kind{eventsapitest.Hang, eventsapitest.HostileAccount, eventsapitest.HostileLongAccount} {
		all = append(all, attack{name: "introspect " + string(kind), fault: eventsapitest.Fault{Kind: kind, On: eventsapitest.Introspect}, events: many, token: nameless})
	}
	all = append(all,
		attack{name: "output hangs", events: many, bulk: bulkAnswer{hangs: true}},
		attack{name: "output hangs, large", fault: eventsapitest.Fault{Kind: eventsapitest.HostileLargeItems}, bulk: bulkAnswer{hangs: true}},
		attack{name: "output rejects each", events: many, bulk: bulkAnswer{
			item: `{"status":400,"error":{"type":"document_parsing_exception","reason":"[1:53] failed to parse field [source.ip] of type [ip]"}}`,
		}},
	)
	for name, body := range map[string]string{
		"HTML": "<html><body>Sign in</body></html>", "empty": "", "{}": "{}", "one short": `{"errors":false,"items":[{"create":{"status":201}}]}`,
	} {
		all = append(all, attack{name: "no bulk: " + name, events: many, bulk: bulkAnswer{body: &body}})
	}
	return all
}

func hostile(ctx context.Context, o options, out io.Writer) error {
	say(out, "%-32s %10s %10s %10s\n", "input", "peak", "stop", "requests")
	var errs []error
	for _, a := range attacks() {
		if !strings.Contains(a.name, o.input) {
			continue
		}
		if err := hostileOnce(ctx, o, out, a); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", a.name, err))
		}
	}
	return errors.Join(errs...)
}

// hostileOnce measures one attack.
func hostileOnce(ctx context.Context, o options, out io.Writer, a attack) (err error) {
	cfg := eventsapitest.Config{Backlog: eventsapitest.Each(a.events)}
	if a.fault.Kind != "" {
		cfg.Faults = []eventsapitest.Chance{{P: 1, Fault: a.fault}}
	}
	b, err := newBench(ctx, cfg, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	b.es.hostile = a.bulk
	if a.token != nil {
		b.at.token = b.sim.Token(a.token...)
	}
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
	say(out, "%-32s %6.1f MiB %8.2f s %10d\n", a.name, mib(peak), took.Seconds(), n)
	if peak > hostileMemory || took > hostileStop {
		return fmt.Errorf("above %d MiB or %s", hostileMemory>>20, hostileStop)
	}
	return nil
}
