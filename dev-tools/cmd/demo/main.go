// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Command demo shows the beat at work without an account: it starts the simulator
// and the beat on this machine and prints the ECS documents that the beat delivers,
// first a backlog, then live ones. Ctrl-C ends both and prints the totals; the next
// run goes on from there.
//
// The beat writes to files (output.file) and the demo follows them. The files are all
// that the demo knows of earlier runs, so it may be killed at any moment: what a run
// has not shown yet, the next one counts. Nothing is written outside of -data.
//
//	main.go       flags and signals
//	demo.go       a run: start, backlog, live, stop, totals
//	folder.go     what lies in -data: the simulated account's settings, the configuration
//	process.go    a child process that never outlives the demo, and its last words
//	simulator.go  the simulator's first line and its health
//	feed.go       following the files that the beat writes
//	tally.go      who has seen how many events
//	event.go      an ECS document as a line, and whole
//	screen.go     the terminal
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

var (
	errTimeUp     = errors.New("the time given by -for is up")
	errParentGone = errors.New("the terminal is gone")
)

func main() {
	o, err := parse(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil {
		// A broken pipe is a stop like any other: the one who read has gone.
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
		context.AfterFunc(ctx, stop) // a second Ctrl-C ends the demo at once
		err = run(ctx, o, newScreen(os.Stdout))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

type options struct {
	beat, simulator, data string
	account               account
	duration              time.Duration // 0: until Ctrl-C
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("demo", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.beat, "beat", "build/bin/onepasswordbeat", "the beat's binary")
	f.StringVar(&o.simulator, "simulator", "build/bin/onepassword-simulator", "the simulator's binary")
	f.StringVar(&o.data, "data", "build/demo", "folder for everything that the demo writes; empty it to begin anew")
	f.Int64Var(&o.account.Seed, "seed", 1, "first run: seed of the simulated account")
	f.IntVar(&o.account.Backlog, "backlog", 5000, "first run: past events of each type")
	f.Float64Var(&o.account.Live, "live", 0.35, "first run: new events of each type a second")
	f.DurationVar(&o.duration, "for", 0, "end by itself after this time, such as 15s")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q, see -h", f.Arg(0))
	}
	return o, nil
}

// watchParent cancels when the process that started the demo ends: a terminal that was
// closed does not always send a signal.
func watchParent(ctx context.Context, cancel context.CancelCauseFunc) {
	parent := os.Getppid()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if os.Getppid() != parent {
				cancel(errParentGone)
				return
			}
		case <-ctx.Done():
			return
		}
	}
}
