// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Where collection stands: the stored state, its load and its commits.

package harvester

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/elastic/go-concert/timed"

	"onepasswordbeat/internal/registry"
)

const (
	// startRetry is how long a harvester waits before it tries to store its start
	// time again.
	startRetry = 5 * time.Second
	// touchInterval is how often a state without news is stored again, so that
	// its age shows how long the beat was away.
	touchInterval = time.Hour
	// timePatience is how long the first start waits for the server's time.
	timePatience = 10 * time.Second
	// storeTimeout is for one access to the store.
	storeTimeout = 15 * time.Second
	// commitSlack is how much longer than shutdown_timeout a stop waits for a commit. The output and the registry close after it.
	commitSlack = 1500 * time.Millisecond
	// commitShare keeps a store that hangs from slowing collection down: after a failed commit, the next one is tried when
	// this many times its duration have passed, but after commitPause at the latest.
	commitShare = 5
	commitPause = time.Minute
)

// storePolicy is for a store that can't be asked for the state.
var storePolicy = policy{time.Second, 30 * time.Second}

// position is the state of one harvester in the registry.
type position struct {
	Options
	clock   *clock
	log     *limitedLog
	health  *health
	stored  registry.State // the registry's state, or what it should be while it can't be written
	unsaved bool           // stored could not be written
	failing time.Time      // since when; set with unsaved
	retry   time.Time      // when the next commit is tried
	adopted bool           // stored is another beat's: what is in flight belongs to a position that was given up

	commits context.Context //nolint:containedctx // of commits: it ends some time after the harvester's own
}

// load reads the stored state. Before any request is made the start time is stored,
// so that a restart can't open a gap.
func (p *position) load(ctx context.Context) error {
	state, err := p.read(ctx)
	if errors.Is(err, registry.ErrNotFound) || err == nil && state.Cursor == "" {
		p.askTime(ctx)
	}
	switch {
	case err == nil:
		p.warnIneffective(state)
	case errors.Is(err, registry.ErrNotFound):
		state = registry.State{
			StartTime:       p.clock.earlier().Add(-p.Settings.InitialInterval), // each request clamps it to what the API keeps
			InitialInterval: p.Settings.InitialInterval,
			Limit:           p.Settings.Limit,
		}
		p.Log.Infow("first run: collecting events since the start time", "start_time", state.StartTime.UTC().Format(time.RFC3339))
	default:
		return err
	}
	if state.Cursor == "" {
		state.StartTime = p.clock.notAhead(state.StartTime, p.Settings.InitialInterval)
		if err := p.storeStart(ctx, &state); err != nil {
			return err
		}
	}
	p.stored = state
	return nil
}

// read reads the stored state. While the store can't be asked it waits, Degraded: what is not known to be absent must
// not be started over.
func (p *position) read(ctx context.Context) (registry.State, error) {
	var tries backoff
	for {
		state, err := p.loadOnce(ctx)
		if !errors.As(err, new(*registry.UnavailableError)) {
			return state, err
		}
		p.health.degraded(logRegistry, fmt.Sprintf("nothing is collected before the stored state was read: %v. It is tried again automatically", err))
		if timed.Wait(ctx, tries.next(storePolicy)) != nil {
			return state, err
		}
	}
}

func (p *position) loadOnce(ctx context.Context) (registry.State, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	return p.Store.Load(ctx, p.Key)
}

// askTime asks for the server's time, so that the start of the first request does not depend on this machine's clock.
func (p *position) askTime(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, timePatience)
	defer cancel()
	p.clock.note(p.Fetcher.ServerTime(ctx))
	if _, known := p.clock.ahead(); !known && ctx.Err() == nil {
		p.log.warnw(logClock, "the server's time is not known: the start of the first request depends on this machine's clock until the server answers")
	}
}

// storeStart stores a state without a cursor, as soon as the store accepts it. One that
// was loaded may be in memory only: the registry keeps what could not be written.
func (p *position) storeStart(ctx context.Context, state *registry.State) error {
	for {
		state.Updated, state.Output = p.Now(), p.Settings.Destination
		err := p.store(ctx, *state)
		if other := (*registry.AdoptedError)(nil); errors.As(err, &other) {
			*state = other.State
			return nil
		}
		if err == nil {
			return nil
		}
		p.Metrics.commitFailed()
		err = fmt.Errorf("nothing is collected before the start time is stored: %w", err)
		if errors.As(err, new(*registry.UnavailableError)) {
			p.health.degraded(logRegistry, err.Error())
		} else {
			p.health.failed(logRegistry, err.Error())
		}
		if timed.Wait(ctx, startRetry) != nil {
			return err
		}
	}
}

// store stores a state.
func (p *position) store(ctx context.Context, state registry.State) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	return p.Store.Commit(ctx, p.Key, state)
}

// warnIneffective logs which settings have no effect because a position is stored.
func (p *position) warnIneffective(s registry.State) {
	remedy := fmt.Sprintf("to apply it, stop the beat and run `onepasswordbeat state reset --input %s --event-type %s --since TIME`",
		p.Key.Input, p.Key.EventType)
	if s.Cursor != "" && s.Limit != 0 && s.Limit != p.Settings.Limit {
		p.Log.Warnw("limit has no effect: the stored cursor keeps its page size; "+remedy, "limit", p.Settings.Limit, "stored", s.Limit)
	}
	if s.InitialInterval != 0 && s.InitialInterval != p.Settings.InitialInterval {
		p.Log.Warnw("initial_interval has no effect: a position is stored; "+remedy,
			"initial_interval", p.Settings.InitialInterval.String(), "stored", s.InitialInterval.String())
	}
}

// commit stores a state. A store that can't be written costs repeats after a crash, and
// no event: the harvester goes on and tries again, for as long as unstored allows.
func (p *position) commit(state registry.State) {
	state.Updated, state.Output = p.Now(), p.Settings.Destination
	state.Account = cmp.Or(state.Account, p.stored.Account) // learnt while the page was in flight
	p.stored = state
	if !p.unsaved || !time.Now().Before(p.retry) {
		p.tryCommit()
	}
}

// tryCommit stores what should be stored.
func (p *position) tryCommit() {
	began := time.Now()
	err := p.store(p.commits, p.stored)
	other := (*registry.AdoptedError)(nil)
	switch {
	case err == nil:
		p.unsaved = false
		p.Metrics.committed(p.stored)
	case errors.As(err, &other):
		p.log.warnw(logRegistry, other.Error())
		p.stored, p.unsaved, p.adopted = other.State, false, true
	default:
		if !p.unsaved {
			p.failing = began
		}
		p.unsaved = true
		p.retry = time.Now().Add(min(commitShare*time.Since(began), commitPause))
		p.Metrics.commitFailed()
		p.health.degraded(logRegistry, err.Error())
	}
}

// exhausted is whether nothing may be collected before a state is stored: a crash would repeat too much.
func (p *position) exhausted() bool {
	return p.unsaved && p.Settings.Unstored > 0 && time.Since(p.failing) >= p.Settings.Unstored
}

// touch stores the state again if it was not for some time.
func (p *position) touch() {
	if p.Now().Sub(p.stored.Updated) >= touchInterval {
		p.commit(p.stored)
	}
}
