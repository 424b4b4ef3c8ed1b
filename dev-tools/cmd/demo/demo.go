// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A run of the demo: start, backlog, live events, stop, totals.

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
)

const (
	lookEvery    = 200 * time.Millisecond // at the beat's files
	statusEvery  = 10 * time.Second
	wholeEvery   = 40 // one of so many live events is shown as a whole document
	samples      = 6  // events of a backlog that are shown
	beatPatience = 20 * time.Second
)

var errTimeUp = errors.New("the time given by -for is up")

// demo is a run.
type demo struct {
	options
	dir    string // of -data, absolute
	out    io.Writer
	feed   feed
	tally  *tally
	server *eventsapitest.Server

	start      time.Time
	live       bool // the backlog has arrived
	shown      int  // live events
	lastStatus time.Time
}

// run starts everything, shows what arrives, and stops everything. A stop by the user or by -for is not an error.
func run(ctx context.Context, o options, out io.Writer) (err error) {
	if o.duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, o.duration, errTimeUp)
		defer cancel()
	}
	d := &demo{options: o, out: out, start: time.Now(), tally: newTally()}
	d.say("onepasswordbeat demo: a simulated 1Password account, and the real beat")
	if err := d.open(); err != nil {
		return err
	}
	if d.server, err = d.account.serve(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.server.Close()) }()
	beat, ended, err := d.startBeat(ctx)
	if err != nil {
		return err
	}
	d.say("  simulator  %s\n  beat       pid %d, log in %s\n  documents  %s (one JSON document per line)\n",
		d.server.URL, beat.Process.Pid, filepath.Join(o.data, "beat.log"), filepath.Join(o.data, "events"))
	return d.watch(ctx, ended)
}

// say prints a line. If its reader is gone, a signal ends the demo.
func (d *demo) say(format string, args ...any) { _, _ = fmt.Fprintf(d.out, format+"\n", args...) }

// open reads what earlier runs left.
func (d *demo) open() (err error) {
	if d.dir, err = filepath.Abs(d.data); err != nil {
		return err
	}
	d.feed = feed{dir: filepath.Join(d.dir, "events"), offset: map[string]int64{}}
	if err := os.MkdirAll(d.feed.dir, 0o700); err != nil {
		return err
	}
	stored, known, err := openAccount(d.dir, d.account)
	if err != nil {
		return err
	}
	asked := d.account
	d.account = stored
	if err := d.feed.read(func(doc document) { d.tally.add(doc) }); err != nil {
		return err
	}
	d.tally.beginRun()
	if !known || d.tally.total() == 0 {
		d.say("First run: %s past events of each type, then live ones. Ctrl-C ends it.", number(d.account.Backlog))
		return nil
	}
	d.say("Continuing where the last run stopped: %s events are here already.", number(d.tally.total()))
	if asked.Seed != stored.Seed || asked.Backlog != stored.Backlog || asked.Live != stored.Live {
		d.say("(-seed, -backlog and -live are those of the first run; remove %s to change them)", d.data)
	}
	return nil
}

// startBeat starts the beat. When ctx ends, it is asked to stop. ended gets its error, with the end of its log.
func (d *demo) startBeat(ctx context.Context) (*exec.Cmd, <-chan error, error) {
	config, err := configure(d.dir, d.server.URL)
	if err != nil {
		return nil, nil, err
	}
	log, err := os.Create(filepath.Join(d.dir, "beat.log"))
	if err != nil {
		return nil, nil, err
	}
	path, err := filepath.Abs(d.beat)
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.CommandContext(ctx, path, "--path.home", filepath.Join(d.dir, "beat"), "-c", config, "-e")
	cmd.Env = append(os.Environ(), "ONEPASSWORD_EVENTS_TOKEN="+d.server.Token())
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Cancel = func() error {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil { // Windows has no such signal
			return cmd.Process.Kill()
		}
		return nil
	}
	cmd.WaitDelay = beatPatience
	if err := cmd.Start(); err != nil {
		return nil, nil, fmt.Errorf("cannot start the beat: %w", err)
	}
	ended := make(chan error, 1)
	go func() {
		err := cmd.Wait()
		_ = log.Close()
		if ctx.Err() == nil {
			err = fmt.Errorf("the beat stopped: %w. The end of its log, %s:\n%s", cmp.Or(err, errEnded), log.Name(), tail(log.Name()))
		} else if errors.Is(err, ctx.Err()) || cmd.ProcessState.Success() {
			err = nil // it was asked to
		}
		ended <- err
	}()
	return cmd, ended, nil
}

var errEnded = errors.New("exit status 0")

// tail returns the end of a file.
func tail(name string) string {
	content, err := os.ReadFile(name)
	if err != nil {
		return err.Error()
	}
	return string(content[max(0, len(content)-3000):])
}

// watch shows events until the beat has ended.
func (d *demo) watch(ctx context.Context, ended <-chan error) error {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	d.lastStatus = time.Now()
	stopping := ctx.Done()
	for {
		select {
		case <-look.C:
			if err := d.look(); err != nil {
				return err
			}
		case <-stopping:
			stopping = nil
			reason := "interrupted"
			if errors.Is(context.Cause(ctx), errTimeUp) {
				reason = errTimeUp.Error()
			}
			d.say("\nStopping (%s): no new request; events in flight are delivered first.", reason)
		case err := <-ended:
			if lookErr := d.look(); lookErr != nil {
				return errors.Join(err, lookErr)
			}
			d.say("\n%s\nThe documents stay in %s. The next run continues from here.", d.tally.table(time.Since(d.start)), filepath.Join(d.data, "events"))
			return err
		}
	}
}

// look reads what the beat wrote, and says how far it is.
func (d *demo) look() error {
	for _, k := range kinds {
		d.tally.api[k.dataset] = d.server.Total(k.api)
	}
	if err := d.feed.read(d.take); err != nil {
		return err
	}
	if !d.live && d.tally.caughtUp(d.account.Live) {
		d.live, d.tally.delays = true, nil
		d.say("Backlog done: %s events in %s. Live events follow as they happen.\n",
			number(d.tally.ofRun()), time.Since(d.start).Round(100*time.Millisecond))
	}
	if now := time.Now(); now.Sub(d.lastStatus) >= statusEvery {
		d.lastStatus = now
		d.say("── %s", d.tally.status())
	}
	return nil
}

// take counts a document and shows it: each live one, and some of a backlog.
func (d *demo) take(doc document) {
	switch {
	case !d.tally.add(doc):
		return // a repeat, which the totals show
	case !d.live:
		if n := max(1, d.account.Backlog*len(kinds)/samples); d.tally.ofRun()%n == 1 {
			d.say("%s", doc)
		}
		return
	}
	d.say("%s", doc)
	if d.shown++; d.shown%wholeEvery == 3 {
		d.say("  the whole document:\n%s", doc.indented())
	}
}
