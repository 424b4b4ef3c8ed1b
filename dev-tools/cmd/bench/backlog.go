// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A backlog, collected by each subject in turn.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"text/tabwriter"
	"time"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
)

// result is one run of one subject.
type result struct {
	events    int64
	wall, cpu time.Duration // wall: from the start of the process to the last event's arrival
	allocated int64
	peak      int64
	bulks     int64
	bytes     int64 // of the bulk bodies, decompressed
}

func (r result) perEvent(n float64) float64 { return n / float64(r.events) }

// backlogs runs every subject several times, in turn, so that a change in the
// machine's speed meets all of them.
func backlogs(ctx context.Context, o options, out io.Writer) error {
	subjects := append([]subject{ours(o)}, theirs(o.filebeat)...)
	results := make([][]result, len(subjects))
	say(out, "%d events of each of %d types, page size %d, no rate limit; each run a new process, its start-up included\n",
		o.events, len(eventsapitest.Types()), pageSize)
	for range o.runs {
		for i, s := range subjects {
			r, err := backlog(ctx, o, s)
			if err != nil {
				return err
			}
			results[i] = append(results[i], r)
		}
	}
	t := newTable(out)
	for i, s := range subjects {
		for _, r := range results[i] {
			t.row(s.name, r)
		}
		t.row(s.name+", median", medianOf(results[i]))
	}
	return t.flush()
}

// scale shows whether an event's cost and the memory depend on how many there are.
func scale(ctx context.Context, o options, out io.Writer) error {
	t := newTable(out)
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		o.events = n
		r, err := backlog(ctx, o, ours(o))
		if err != nil {
			return err
		}
		t.row(fmt.Sprintf("%d of each type", n), r)
	}
	return t.flush()
}

// backlog is one run.
func backlog(ctx context.Context, o options, s subject) (r result, err error) {
	b, err := newBench(ctx, eventsapitest.Config{Backlog: eventsapitest.Each(o.events), KeepRequests: 1}, false)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	p, err := s.start(b.at)
	if err != nil {
		return r, err
	}
	if o.profiles != "" {
		begun := func() bool { return b.es.events.Load() > 0 }
		if err := p.until(ctx, o.limit, begun); err != nil {
			return r, err
		}
		if err := p.profile(ctx, filepath.Join(o.profiles, s.name)); err != nil {
			return r, errors.Join(err, p.stop())
		}
	}
	want := int64(o.events * len(eventsapitest.Types()))
	if err := p.until(ctx, o.limit, func() bool { return b.es.events.Load() >= want }); err != nil {
		return r, err
	}
	r.wall = time.Since(p.began)
	var statsErr error
	r.allocated, statsErr = p.allocated(ctx)
	if err := errors.Join(statsErr, p.stop()); err != nil {
		return r, err
	}
	r.events, r.cpu, r.peak = b.es.events.Load(), p.cpu(), p.peakSize.Load()
	r.bulks, r.bytes = b.es.bulks.Load(), b.es.bytes.Load()
	return r, nil
}

func medianOf(all []result) result {
	pick := func(field func(result) int64) int64 {
		var values []int64
		for _, r := range all {
			values = append(values, field(r))
		}
		return median(values)
	}
	return result{
		events:    pick(func(r result) int64 { return r.events }),
		wall:      time.Duration(pick(func(r result) int64 { return int64(r.wall) })),
		cpu:       time.Duration(pick(func(r result) int64 { return int64(r.cpu) })),
		allocated: pick(func(r result) int64 { return r.allocated }),
		peak:      pick(func(r result) int64 { return r.peak }),
		bulks:     pick(func(r result) int64 { return r.bulks }),
		bytes:     pick(func(r result) int64 { return r.bytes }),
	}
}

// table prints results.
type table struct{ *tabwriter.Writer }

func newTable(out io.Writer) table {
	t := table{tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)}
	say(t, "\tevents\twall s\tevents/s\tCPU µs/event\talloc B/event\tpeak MiB\tevents/bulk\tsent B/event\t\n")
	return t
}

func (t table) row(name string, r result) {
	say(t, "%s\t%d\t%.1f\t%.0f\t%.1f\t%.0f\t%.0f\t%.0f\t%.0f\t\n", name, r.events, r.wall.Seconds(),
		float64(r.events)/r.wall.Seconds(), r.perEvent(float64(r.cpu.Microseconds())), r.perEvent(float64(r.allocated)),
		float64(r.peak)/(1<<20), float64(r.events)/float64(r.bulks), r.perEvent(float64(r.bytes)))
}

func (t table) flush() error { return t.Flush() }
