// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// One request: whose cursor it is, what it brought, what an error means.

package harvester

import (
	"context"
	"errors"
	"fmt"
	"time"

	"onepasswordbeat/internal/eventsapi"
	"onepasswordbeat/internal/registry"
)

// wrongAccount says that the stored cursor and the token are of two accounts.
type wrongAccount struct {
	key           registry.Key
	stored, token string
}

func (e *wrongAccount) Error() string {
	return fmt.Sprintf("the stored cursor belongs to account %s and the token to account %s, nothing is collected. "+
		"Put the right token back; or give the new account an `id` of its own; or, to follow the new account from now on, run "+
		"`onepasswordbeat state reset --input %s --event-type %s --since TIME --forget-account`",
		e.stored, e.token, e.key.Input, e.key.EventType)
}

// checkAccount refuses to go on from a cursor of another account. A state that
// names none belongs to the first account that is known.
func (h *Harvester) checkAccount(account string) error {
	switch {
	case account == "" || account == h.stored.Account:
		return nil
	case h.stored.Account == "":
		h.stored.Account, h.next.Account = account, account
		return nil
	}
	return &wrongAccount{key: h.Key, stored: h.stored.Account, token: account}
}

// fetch makes the request that h.next stands for. ACKs are handled meanwhile.
func (h *Harvester) fetch(ctx context.Context) (page *eventsapi.Page, err error) {
	q := eventsapi.Query{Cursor: h.next.Cursor}
	if q.Cursor == "" {
		q.Limit, q.StartTime = h.Config.Limit, h.next.StartTime
	}
	h.tried = h.Fetcher.TokenGeneration()
	var account string
	_ = h.during(never, func() {
		var waited time.Duration
		if waited, err = h.Limiter.Wait(ctx); err == nil {
			h.Metrics.waited(waited)
			account = h.Fetcher.UUID(ctx)
		}
	})
	if err == nil {
		err = h.checkAccount(account)
	}
	if err != nil {
		return nil, err
	}
	_ = h.during(never, func() {
		start := time.Now()
		page, err = h.Fetcher.Fetch(ctx, h.Module.Path, q)
		h.Metrics.request(eventsapi.ClassOf(err), time.Since(start))
	})
	return page, err
}

// failed decides what an error of the API means, and how long to wait.
func (h *Harvester) failed(ctx context.Context, err error) time.Duration {
	if ctx.Err() != nil {
		return 0
	}
	var e *eventsapi.Error
	if !errors.As(err, &e) {
		e = &eventsapi.Error{Class: eventsapi.Unexpected, Err: err}
	}
	if e.Class == eventsapi.BadRequest && h.next.Cursor != "" {
		if h.refused++; h.refused >= refusedCursors {
			return h.restart(ctx, err)
		}
	}
	if e.Class != eventsapi.BadRequest {
		h.refused = 0
	}
	wait := h.errors.delayFor(e)
	if e.Class == eventsapi.RateLimited {
		h.Limiter.Pause(wait)
	}
	h.health.degraded(err.Error())
	return wait
}

// restart gives up a cursor that the API refuses. What is in flight lands first:
// its cursors are of the same chain.
func (h *Harvester) restart(ctx context.Context, cause error) time.Duration {
	verifying := h.verifying // its page can't be asked for again: the new start's are published alone
	h.drain(ctx)
	if h.verifying && !verifying || ctx.Err() != nil {
		return 0
	}
	h.lost = -1
	state := h.stored
	if !state.LastEvent.IsZero() {
		state.StartTime = state.LastEvent.Add(-restartOverlap)
	}
	state.Cursor, state.Limit = "", h.Config.Limit
	msg := fmt.Sprintf("the API refuses the stored cursor (%v): starting again at %s, %s before the newest delivered event. "+
		"Repeated events keep their _id; an event that comes later than that with an older time is missed",
		cause, state.StartTime.UTC().Format(time.RFC3339), restartOverlap)
	h.Log.Errorf("%s: %s", h.Module.Name, msg)
	h.health.degraded(msg)
	h.commit(state)
	h.next, h.refused, h.gaveUp = state, 0, state.LastEvent
	wait := h.restarts.next(restartPolicy)
	if h.restarts.failures == 1 {
		return 0
	}
	return wait
}

// answered notes that the API answered, and says loudly when it kept silent, or
// the beat was away, for longer than the API keeps events.
func (h *Harvester) answered() {
	h.errors.reset()
	if h.refused = 0; h.next.Cursor != "" && h.next.LastEvent.After(h.gaveUp) {
		h.restarts.reset()
	}
	now := h.Now()
	if away := now.Sub(h.lastOK); !h.lastOK.IsZero() && away > retention {
		h.Log.Errorf("%s: nothing was collected for %d days, and the API keeps events for %d: the events in between are gone",
			h.Module.Name, int(away.Hours()/24), int(retention.Hours()/24))
	}
	h.lastOK = now
}

// idle handles a page without news.
func (h *Harvester) idle() {
	h.report()
	if len(h.pending) == 0 && h.Now().Sub(h.stored.Updated) >= touchInterval {
		h.commit(h.next)
	}
}

// report tells how the event type does after an answer of the API.
func (h *Harvester) report() {
	if !h.unsaved && !h.verifying && h.outputTrouble() == "" {
		h.health.running()
	}
}
