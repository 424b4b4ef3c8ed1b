// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Command demo shows the beat at work without an account: it serves a simulated account, starts the beat, and prints the
// ECS documents that the beat writes to files, first a backlog, then live ones. Ctrl-C ends it and prints the totals; the
// next run continues from there. Nothing is written outside of -data.
//
//	main.go      flags and signals
//	demo.go      a run: start, backlog, live events, stop, totals
//	account.go   the simulated account, which lives on between runs, and the beat's configuration
//	document.go  the documents that the beat writes
//	tally.go     how many events there are, and how many arrived
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	o, err := parse(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil {
		// A broken pipe is a stop like any other: the reader has gone.
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
		context.AfterFunc(ctx, stop) // a second Ctrl-C ends the demo at once
		err = run(ctx, o, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

type options struct {
	beat, data string
	account    account
	duration   time.Duration // 0: until Ctrl-C
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("demo", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.beat, "beat", "build/bin/onepasswordbeat", "the beat's binary")
	f.StringVar(&o.data, "data", "build/demo", "folder for everything that the demo writes; remove it to start over")
	f.Int64Var(&o.account.Seed, "seed", 1, "first run: seed of the simulated account")
	f.IntVar(&o.account.Backlog, "backlog", 5000, "first run: past events of each type")
	f.Float64Var(&o.account.Live, "live", 0.35, "first run: new events of each type per second")
	f.DurationVar(&o.duration, "for", 0, "stop after this time, such as 15s")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q, see -h", f.Arg(0))
	}
	return o, nil
}
