// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What a harvester needs from outside.

package harvester

import (
	"context"
	"time"

	"github.com/elastic/beats/v7/libbeat/management/status"
	"github.com/elastic/elastic-agent-libs/logp"
	"github.com/elastic/elastic-agent-libs/mapstr"

	"onepasswordbeat/internal/delivery"
	"onepasswordbeat/internal/eventsapi"
	"onepasswordbeat/internal/registry"
	"onepasswordbeat/module"
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
	// ServerTime is the server's clock, now, as an earlier response or an introspection shows it;
	// zero if it is not known. It may ask the server.
	ServerTime(ctx context.Context) time.Time
}

// Store keeps states across restarts.
type Store interface {
	// Load returns a state, registry.ErrNotFound, or an *registry.UnavailableError if it may be tried again.
	Load(context.Context, registry.Key) (registry.State, error)
	// Commit returns once the state is safe. An *registry.AdoptedError has the state that counts instead.
	Commit(context.Context, registry.Key, registry.State) error
}

// Limiter is the rate limit that all harvesters of a token share.
type Limiter interface {
	// Wait returns when a request may be made, and how long that took.
	Wait(ctx context.Context) (time.Duration, error)
	// Pause makes every request wait: the server asked for it.
	Pause(d time.Duration)
	// PausedUntil is the end of the pause; a time in the past if there is none.
	PausedUntil() time.Time
	// Spacing is how long to wait between two pages of a backlog; 0 unless the server asked for a long pause lately.
	Spacing() time.Duration
}

// Settings are the settings of the input that concern a harvester.
type Settings struct {
	Interval              time.Duration // pause after the last page
	FirstPause            time.Duration // instead of the first Interval, to spread the polls of many harvesters; 0 is Interval
	InitialInterval       time.Duration // how far back the first run collects events
	ShutdownTimeout       time.Duration // wait for ACKs at a stop
	Limit                 int           // events per page
	Namespace             string        // data_stream.namespace
	PreserveOriginalEvent bool
	AcceptFailureStore    bool          // events in a failure store do not degrade the health
	Destination           string        // names where the events go, for the stored state
	Unstored              time.Duration // how long collection goes on while states can't be stored; 0: without an end
}

// Options are the parts of a harvester. All but Turned are needed.
type Options struct {
	Key      registry.Key
	Module   module.Module
	Settings Settings
	Fetcher  Fetcher
	Limiter  Limiter
	Store    Store
	Guard    *delivery.Guard
	Budget   *delivery.Budget
	Metrics  *Metrics
	Enrich   func(mapstr.M)              // adds fields to each mapped event, or nil
	Report   func(status.Status, string) // health of this event type
	Log      *logp.Logger                // carries input_id and event_type
	Now      func() time.Time            // the wall clock
	Turned   func()                      // called in each round of the loop, which has one every outputCheck at least
}
