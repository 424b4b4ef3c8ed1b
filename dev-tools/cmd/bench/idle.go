// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Start-up, and idleness with all event types.

package main

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
)

// startUp is how long after its first requests a process counts as started.
const startUp = 5 * time.Second

func idle(ctx context.Context, o options, out io.Writer) error {
	info, err := os.Stat(o.beat)
	if err != nil {
		return err
	}
	say(out, "binary: %.1f MiB\n", mib(info.Size()))
	for range o.runs {
		if err := idleOnce(ctx, o, out); err != nil {
			return err
		}
	}
	return nil
}

func idleOnce(ctx context.Context, o options, out io.Writer) (err error) {
	b, err := newBench(ctx, eventsapitest.Config{}, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	p, err := ours(o).start(b.at)
	if err != nil {
		return err
	}
	asked := func() bool {
		stats := b.sim.Stats()
		for _, t := range eventsapitest.Types() {
			if stats.Count(t) == 0 {
				return false
			}
		}
		return true
	}
	if err := p.until(ctx, time.Minute, asked); err != nil {
		return err
	}
	up := time.Since(p.began)
	startCPU, _ := cpuOf(p.cmd.Process.Pid)
	if err := p.last(ctx, startUp); err != nil {
		return err
	}
	before, _ := cpuOf(p.cmd.Process.Pid)
	if err := p.last(ctx, o.idle); err != nil {
		return err
	}
	after, known := cpuOf(p.cmd.Process.Pid)
	m, _ := memoryOf(p.cmd.Process.Pid)
	say(out, "first requests after %d ms (%d ms CPU); over %s idle: %.2f %% of a core; anonymous memory %.1f MiB (resident, with pages of the binary, %.1f MiB; peak %.1f MiB)\n",
		up.Milliseconds(), startCPU.Milliseconds(), o.idle, 100*(after-before).Seconds()/o.idle.Seconds(), mib(m.anon), mib(m.now), mib(m.peak))
	if !known {
		say(out, "(memory and idle CPU time are measured on Linux only)\n")
	}
	return p.stop()
}

// last sees that the process lasts for a time.
func (p *process) last(ctx context.Context, d time.Duration) error {
	end := time.Now().Add(d)
	return p.until(ctx, d+time.Second, func() bool { return !time.Now().Before(end) })
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }
