// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A run of the demo: start, backlog, live events, stop, totals.

package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	lookEvery                       = 150 * time.Millisecond // at the beat's files
	askEvery                        = time.Second            // the simulator what there is
	statusEvery                     = 10 * time.Second
	silence                         = 4 * time.Second // the longest
	documentAt                      = 12              // every so many live events, one is shown whole
	samplesOf                       = 6               // how many events of a backlog are shown
	beatPatience, simulatorPatience = 20 * time.Second, 5 * time.Second
)

// demo is a run.
type demo struct {
	screen *screen
	folder folder
	feed   *feed
	tally  *tally
	sim    *simulator
	beat   *process

	start      time.Time
	live       bool // the backlog is through
	shown      int  // live events
	nextSample int
	lastStatus time.Time
}

// run starts everything, shows what comes, and stops everything. A stop by the user or
// by -for is no error.
func run(parent context.Context, o options, s *screen) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	go watchParent(ctx, cancel)
	if o.duration > 0 {
		defer time.AfterFunc(o.duration, func() { cancel(errTimeUp) }).Stop()
	}
	d := &demo{screen: s, start: time.Now(), tally: newTally()}
	if err := d.open(o); err != nil {
		return err
	}
	err := d.launch(ctx, o)
	if err == nil {
		err = d.watch(ctx)
	}
	return errors.Join(err, d.stop(context.WithoutCancel(ctx), context.Cause(ctx)))
}

// open reads what earlier runs left.
func (d *demo) open(o options) error {
	s := d.screen
	s.title("onepasswordbeat demo: a simulated 1Password account, and the real beat")
	f, known, err := openFolder(o.data, o.account)
	if err != nil {
		return err
	}
	d.folder, d.feed = f, newFeed(f.events())
	if err := d.feed.read(func(doc document) { d.tally.add(doc) }); err != nil {
		return err
	}
	d.tally.beginRun()
	switch {
	case known && d.tally.total() > 0:
		s.say("Continuing where the last run stopped: %s events are here already, and the beat's stored cursors know it.", number(d.tally.total()))
		if o.account != f.account.settings() {
			s.say("(-seed, -backlog and -live are those of the first run; empty %s to change them)", o.data)
		}
	default:
		s.say("First run: %s past events of each type to catch up with, then live ones. Ctrl-C ends it.", number(f.account.Backlog))
	}
	return nil
}

// launch starts the simulator and the beat.
func (d *demo) launch(ctx context.Context, o options) (err error) {
	if d.sim, err = startSimulator(ctx, o.simulator, d.folder); err != nil {
		return err
	}
	d.screen.say("  simulator  %s", d.sim.URL)
	if err := d.folder.writeConfig(d.sim.URL); err != nil {
		return err
	}
	d.beat, err = startProcess(command{
		path: o.beat,
		args: []string{"--path.home", d.folder.home(), "-c", d.folder.config(), "-e"},
		env:  []string{tokenVariable + "=" + d.sim.Token},
		log:  d.folder.file("beat.log"),
	})
	if err != nil {
		return err
	}
	d.screen.say("  beat       pid %d, log in %s", d.beat.pid(), d.folder.shown("beat.log"))
	d.screen.say("  documents  %s (one JSON document a line)\n", d.folder.shown("events"))
	return nil
}

// watch shows events until ctx ends, which is no error, or until a child does.
func (d *demo) watch(ctx context.Context) error {
	look, ask := time.NewTicker(lookEvery), time.NewTicker(askEvery)
	defer look.Stop()
	defer ask.Stop()
	d.lastStatus = time.Now()
	d.askAPI(ctx)
	for {
		select {
		case <-look.C:
			if err := d.feed.read(d.take); err != nil {
				return err
			}
			d.progress()
		case <-ask.C:
			d.askAPI(ctx)
		case <-d.beat.done:
			return d.beat.failure()
		case <-d.sim.done:
			return d.sim.failure()
		case <-ctx.Done():
			return nil
		}
	}
}

// askAPI learns how many events the account has. A request that fails is tried again;
// a simulator that ended is noticed elsewhere.
func (d *demo) askAPI(ctx context.Context) {
	if counts, err := d.sim.counts(ctx); err == nil {
		d.tally.api = counts
	}
}

// take counts a document and shows it: each live one, and some of a backlog.
func (d *demo) take(doc document) {
	if !d.tally.add(doc) {
		return // a repeat: the totals tell
	}
	if !d.live {
		if d.tally.ofRun() > d.nextSample {
			d.nextSample += max(1, d.tally.goal()/samplesOf)
			d.screen.say("%s", doc.line(d.screen))
		}
		return
	}
	d.shown++
	d.screen.say("%s", doc.line(d.screen))
	if d.shown%documentAt == 3 {
		d.screen.say("%s\n%s", d.screen.dim("  the whole document:"), doc.indented())
	}
}

// progress says how far the backlog is, and how the live events do.
func (d *demo) progress() {
	if !d.live {
		if d.tally.caughtUp(d.folder.account.Live) {
			d.live, d.tally.ways = true, nil
			d.screen.say("%s Live events follow as they happen.\n", d.backlogDone())
			return
		}
		d.screen.progress("%s", d.tally.progress())
		return
	}
	now := time.Now()
	if now.Sub(d.lastStatus) >= statusEvery || d.screen.silentFor() >= silence {
		d.lastStatus = now
		d.screen.say("%s", d.screen.dim("── "+d.tally.status()))
	}
}

func (d *demo) backlogDone() string {
	if d.tally.ofRun() == 0 {
		return "No backlog."
	}
	return fmt.Sprintf("Backlog done: %s events in %s.", number(d.tally.ofRun()), time.Since(d.start).Round(100*time.Millisecond))
}

// stop ends the beat, reads what it still delivered, ends the simulator and prints the
// totals.
func (d *demo) stop(ctx context.Context, cause error) error {
	var errs []error
	if d.beat != nil && cause != nil {
		d.screen.say("\nStopping (%s): no new request, and what is in flight is delivered first.", reason(cause))
	}
	if d.beat != nil {
		errs = append(errs, d.beat.stop(beatPatience))
		errs = append(errs, d.feed.read(func(doc document) { d.tally.add(doc) }))
	}
	if d.sim != nil {
		d.askAPI(ctx)
		errs = append(errs, d.sim.stop(simulatorPatience))
	}
	if d.beat != nil {
		d.screen.say("\n%s", d.tally.table(time.Since(d.start)))
		d.screen.say("The documents stay in %s. The next run goes on from here.", d.folder.shown("events"))
	}
	return errors.Join(errs...)
}

func reason(cause error) string {
	if errors.Is(cause, context.Canceled) {
		return "interrupted"
	}
	return fmt.Sprint(cause)
}
