// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Command bench measures the beat end to end, as a process of its own between the
// simulator and a bulk endpoint, both in this process: what is counted is the CPU
// time and the memory of the beat alone.
//
//	bench -beat onepasswordbeat                       a backlog of 100,000 events a type
//	bench -beat onepasswordbeat -filebeat filebeat    next to Filebeat's cel and httpjson inputs
//	bench -beat onepasswordbeat -mode scale           10,000, 100,000 and 1,000,000 events
//	bench -beat onepasswordbeat -mode idle            start, then no event
//	bench -beat onepasswordbeat -mode fresh           from the API to the endpoint
//	bench -beat onepasswordbeat -mode fairness        freshness during a backlog of the same token
//	bench -beat onepasswordbeat -mode hostile         memory and stop while a server sends hostile answers
//
// The parts:
//
//	main.go      flags and modes
//	backlog.go   a backlog, once by each subject
//	idle.go      start-up and idleness
//	fresh.go     a live trickle
//	fairness.go  a live trickle next to a backlog
//	hostile.go   hostile answers
//	subject.go   what is measured: the beat, and Filebeat's inputs, with their settings
//	process.go   a subject's process: start, stop, what it used
//	usage_*.go   what the operating system knows of a process
//	endpoint.go  the bulk endpoint
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type options struct {
	beat, filebeat string
	mode           string
	events         int // of each type
	runs           int
	limit          time.Duration // for one backlog
	idle           time.Duration
	rate           float64 // live events a second, of each type
	fresh          time.Duration
	set            []string // further settings of the beat, key=value
	perMinute      int      // fairness: requests per minute that the API allows
	input          string   // hostile: a part of the names of the inputs
	profiles       string   // folder for the beat's profiles
}

// modes by name.
var modes = map[string]func(context.Context, options, io.Writer) error{
	"backlog":  backlogs,
	"scale":    scale,
	"idle":     idle,
	"fresh":    freshness,
	"hostile":  hostile,
	"fairness": fairness,
}

func modeNames() string { return strings.Join(slices.Sorted(maps.Keys(modes)), ", ") }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	say(stdout, "%s, %s/%s, %d CPUs, GOMAXPROCS=%d\n\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.GOMAXPROCS(0))
	return modes[o.mode](ctx, o, stdout)
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.beat, "beat", "build/bin/onepasswordbeat", "the beat's binary")
	f.StringVar(&o.filebeat, "filebeat", "", "Filebeat's binary: its cel and httpjson inputs run too")
	f.StringVar(&o.mode, "mode", "backlog", modeNames())
	f.IntVar(&o.events, "events", 0, "backlog: events of each type, by default 100,000; fairness: item usages, by default 1,000,000")
	f.IntVar(&o.runs, "runs", 3, "backlog and idle: runs of each subject; the median counts")
	f.DurationVar(&o.limit, "limit", 5*time.Minute, "backlog and fairness: how long one run may take")
	f.DurationVar(&o.idle, "idle", 30*time.Second, "idle: how long to watch")
	f.Float64Var(&o.rate, "rate", 0.5, "fresh and fairness: new events of each type a second")
	f.IntVar(&o.perMinute, "per-minute", apiPerMinute, "fairness: requests per minute that the API allows the token with the backlog")
	f.DurationVar(&o.fresh, "for", 90*time.Second, "fresh: how long to watch")
	f.StringVar(&o.input, "input", "", "hostile: only the inputs with this in their name")
	f.StringVar(&o.profiles, "profiles", "", "backlog: folder for a CPU and a heap profile of the beat; adds to its cost")
	f.Func("set", "a further setting of the beat, `key=value`; may be repeated", func(v string) error {
		o.set = append(o.set, v)
		return nil
	})
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if o.events == 0 {
		o.events = 100_000
		if o.mode == "fairness" {
			o.events = fairBacklog
		}
	}
	switch {
	case f.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q, see -h", f.Arg(0))
	case modes[o.mode] == nil:
		return o, fmt.Errorf("-mode %q: want one of %s", o.mode, modeNames())
	case o.runs < 1 || o.events < 1:
		return o, errors.New("-runs and -events must be positive")
	case o.rate <= 0:
		return o, errors.New("-rate must be positive")
	}
	return o, nil
}

// say prints. An error is dropped: a measurement goes on when its reader has left.
func say(out io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(out, format, args...) }

// median of values that are not empty.
func median[T int | int64 | float64 | time.Duration](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
