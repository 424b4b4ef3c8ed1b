// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The loop: fetch a page, publish it, store its cursor once it is delivered.

package harvester

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/elastic/beats/v7/libbeat/beat"
	"github.com/elastic/beats/v7/libbeat/management/status"
	"github.com/elastic/elastic-agent-libs/logp"
	"github.com/elastic/go-concert/timed"

	"onepasswordbeat/config"
	"onepasswordbeat/internal/eventsapi"
	"onepasswordbeat/internal/registry"
	"onepasswordbeat/module"
)

const (
	// restartOverlap is how far before the newest delivered event a harvester
	// begins again when the API refuses its cursor.
	restartOverlap = 24 * time.Hour
	// retention is how long the API keeps events (Events API introduction).
	retention = 120 * 24 * time.Hour
	// touchInterval is how often a state without news is stored again, so that
	// its age tells how long the beat was away.
	touchInterval = time.Hour
	// startRetry is how long a harvester waits before it tries to store its start
	// time again.
	startRetry = 5 * time.Second
	// refusedCursors is how many times in a row a cursor is refused before it is
	// given up: a single 400 may be a passing fault.
	refusedCursors = 2
)

// Fetcher is the account's Events API.
type Fetcher interface {
	// Fetch returns one page, or an *eventsapi.Error.
	Fetch(ctx context.Context, path string, q eventsapi.Query) (*eventsapi.Page, error)
	// UUID is that of the 1Password account of the current token; "" if it is not
	// known. It may ask the server.
	UUID(ctx context.Context) string
	// TokenGeneration counts the tokens that were in use so far; 0 while there is no
	// usable one. It may read a file.
	TokenGeneration() uint64
}

// Store keeps states across restarts.
type Store interface {
	Load(registry.Key) (registry.State, error)
	Commit(registry.Key, registry.State) error
}

// Limiter is the rate limit that all harvesters of a token share.
type Limiter interface {
	// Wait returns when a request may be made, and how long that took.
	Wait(ctx context.Context) (time.Duration, error)
	// Pause makes every request wait: the server asked for it.
	Pause(d time.Duration)
}

// Options are the parts of a harvester. All are needed.
type Options struct {
	Key     registry.Key
	Module  module.Module
	Config  config.Config
	Fetcher Fetcher
	Limiter Limiter
	Store   Store
	Guard   *Guard
	Metrics *Metrics
	Report  func(status.Status, string) // health of this event type
	Log     *logp.Logger
	Now     func() time.Time // the wall clock
}

// Harvester collects one event type of one account. Its state belongs to the
// goroutine that runs Run.
type Harvester struct {
	Options
	health    *health
	stream    stream
	delivery  *delivery
	pending   []*flight    // published, without a verdict yet; oldest first
	launching *flight      // on its way into the queue
	checks    *time.Ticker // when to look at the output

	stored    registry.State // the registry's state, or what it should be while the disk refuses it
	unsaved   bool           // the disk refused stored
	next      registry.State // after the newest published page: where the next request goes on
	verifying bool           // a page is suspect: everything after stored is published again, alone
	lost      int            // events refused when the page was last published alone, or -1

	errors   backoff
	tried    uint64 // serial of the token of the last request
	holds    backoff
	restarts backoff            // cursors given up, without one that was taken behind them in between
	gaveUp   time.Time          // the newest delivered event when a cursor was given up last
	repeated [sha256.Size]byte  // of the last page with an unmoved cursor
	isStuck  bool               // the last page claimed more to come, and its cursor did not move
	refused  int                // times in a row that the cursor was refused
	lastOK   time.Time          // the last answer of the API
	hurry    context.CancelFunc // cuts the wait for the next poll short
	hardCtx  context.Context    // of the running Run: cancelled when a stop has no more patience
}

// New makes a harvester.
func New(o Options) *Harvester {
	return &Harvester{Options: o, health: newHealth(o.Report, o.Log), hurry: func() {}, lost: -1, stream: streamOf(o.Module.Dataset, o.Config.Namespace)}
}

// Run collects until ctx is cancelled. It then waits at most shutdown_timeout
// for the ACKs of what is in flight, stores the cursors of what arrived, and
// returns. It returns an error only when the publisher can't be connected to; trouble
// with the API, the network, the registry or the output is reported as health.
func (h *Harvester) Run(ctx context.Context, pipeline beat.PipelineConnector) error {
	h.health.starting()
	if err := h.load(ctx); err != nil {
		h.health.failed(err.Error())
		<-ctx.Done()
		return nil
	}
	d, err := connect(pipeline, h.Guard, h.Metrics)
	if err != nil {
		return err
	}
	h.delivery = d
	hard, cancel := graceful(ctx, h.Config.ShutdownTimeout)
	defer cancel()
	h.hardCtx = hard
	h.checks = time.NewTicker(outputCheck)
	defer h.checks.Stop()

	for ctx.Err() == nil {
		h.wait(ctx, h.step(ctx))
	}
	h.drain(hard)
	for _, f := range h.pending {
		f.slot.leave()
	}
	return d.close()
}

// load reads the stored state. Before any request is made the start time is stored,
// so that a restart can't open a gap.
func (h *Harvester) load(ctx context.Context) error {
	state, err := h.Store.Load(h.Key)
	switch {
	case err == nil:
		h.warnIneffective(state)
	case errors.Is(err, registry.ErrNotFound):
		state = registry.State{
			StartTime:       h.Now().Add(-h.Config.InitialInterval),
			InitialInterval: h.Config.InitialInterval,
			Limit:           h.Config.Limit,
		}
		h.Log.Infof("First run: collecting %s since %s", h.Module.Name, state.StartTime.UTC().Format(time.RFC3339))
	default:
		return err
	}
	h.lastOK = state.Updated
	if state.Cursor == "" {
		if err := h.storeStart(ctx, &state); err != nil {
			return err
		}
	}
	h.stored, h.next = state, state
	return nil
}

// storeStart stores a state without a cursor, as soon as the disk takes it. One that
// was loaded may be in memory only: the registry keeps what the disk refused.
func (h *Harvester) storeStart(ctx context.Context, state *registry.State) error {
	for {
		state.Updated = h.Now()
		err := h.Store.Commit(h.Key, *state)
		if err == nil {
			return nil
		}
		h.Metrics.commitFailed()
		err = fmt.Errorf("nothing is collected before the start time is stored: %w", err)
		h.health.failed(err.Error())
		if timed.Wait(ctx, startRetry) != nil {
			return err
		}
	}
}

// warnIneffective says which settings have no effect because a cursor is stored.
func (h *Harvester) warnIneffective(s registry.State) {
	remedy := fmt.Sprintf("To apply it, stop the beat and run `onepasswordbeat state reset --input %s --event-type %s --since TIME`",
		h.Key.Input, h.Key.EventType)
	if s.Cursor != "" && s.Limit != 0 && s.Limit != h.Config.Limit {
		h.Log.Warnf("limit: %d has no effect for %s: the stored cursor keeps its page size of %d. %s", h.Config.Limit, h.Module.Name, s.Limit, remedy)
	}
	if s.InitialInterval != 0 && s.InitialInterval != h.Config.InitialInterval {
		h.Log.Warnf("initial_interval: %s has no effect for %s: a position is stored, the first run began with %s. %s",
			h.Config.InitialInterval, h.Module.Name, s.InitialInterval, remedy)
	}
}

// step fetches and publishes one page, and returns how long to wait before the
// next.
func (h *Harvester) step(ctx context.Context) time.Duration {
	if h.verifying {
		h.drain(ctx)
		h.next = h.stored
		h.repeated = [sha256.Size]byte{} // what came after it was not delivered
	}
	if h.unsaved {
		h.commit(h.stored)
	}
	verifying := h.verifying
	page, err := h.fetch(ctx)
	if h.verifying && !verifying {
		return 0 // a page turned suspect meanwhile, and this one comes after it
	}
	if errors.As(err, new(*wrongAccount)) {
		h.health.failed(err.Error())
		return h.errors.next(policies[eventsapi.Auth])
	}
	if err != nil {
		return h.failed(ctx, err)
	}
	return h.take(ctx, page)
}
