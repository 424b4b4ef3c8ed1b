// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The loop: fetch a page, publish it, store its cursor once it is delivered.

package harvester

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/elastic/beats/v7/libbeat/beat"

	"onepasswordbeat/internal/delivery"
	"onepasswordbeat/internal/eventsapi"
	"onepasswordbeat/internal/registry"
)

const (
	// restartOverlap is how far before the newest delivered event a harvester
	// starts again when the API rejects its cursor.
	restartOverlap = 24 * time.Hour
	// retention is how long the API keeps events (Events API introduction).
	retention = eventsapi.Retention
	// rejectedCursors is how many times in a row a cursor is rejected before it is
	// given up: a single 400 may be a passing fault.
	rejectedCursors = 2
	// tokenPoll is how often token_file is read while requests fail.
	tokenPoll = time.Second
	// outputCheck is how often a page that waits for its result is looked at.
	outputCheck = 5 * time.Second
)

// Harvester collects one event type of one account. Its state belongs to the
// goroutine that runs Run.
type Harvester struct {
	position
	mapper  *mapper
	tracker *delivery.Tracker

	mode     delivery.Mode
	inFlight []*page        // submitted, without a result yet; oldest first
	next     registry.State // where the next request goes on: after the newest page in flight
	ready    bool           // the tracker can take a page

	fetching bool
	stale    bool // what is being fetched comes after a page that is unconfirmed by now
	fetched  chan response
	timer    *time.Timer
	due      time.Time // when the next request may be made

	errors   backoff
	tried    uint64 // generation of the token of the last request
	holds    backoff
	restarts backoff           // cursors given up, without one that was accepted in between
	giveUp   error             // why the cursor is to be given up, once nothing is in flight
	gaveUp   time.Time         // the newest delivered event when a cursor was given up last
	repeated [sha256.Size]byte // of the last page with an unmoved cursor
	isStuck  bool              // the last page had has_more set, and its cursor did not move
	rejected int               // times in a row that the cursor was rejected
	spread   bool              // the first pause is over
	lastOK   time.Time         // the last response of the API
}

// page is a page between its submission and its result.
type page struct {
	next   registry.State // to be stored once the page is delivered
	newest time.Time      // of its events; set when they were published
	mode   delivery.Mode
	pause  time.Duration // before the request after it
}

// New makes a harvester.
func New(o Options) *Harvester {
	if o.Turned == nil {
		o.Turned = func() {}
	}
	return &Harvester{
		position: position{Options: o, health: newHealth(o.Report, o.Log)},
		mapper:   newMapper(o), ready: true, fetched: make(chan response, 1),
	}
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
	h.next, h.lastOK = h.stored, h.stored.Updated
	tracker, err := delivery.NewTracker(pipeline, h.Guard, h.Metrics)
	if err != nil {
		return err
	}
	h.tracker = tracker
	h.loop(ctx)
	return h.stop(ctx)
}

// loop is the harvester's life: each round handles one thing that happened, and makes
// the next request if nothing prevents it.
func (h *Harvester) loop(ctx context.Context) {
	h.timer = time.NewTimer(0)
	defer h.timer.Stop()
	checks := time.NewTicker(outputCheck)
	defer checks.Stop()
	for {
		h.Turned()
		h.proceed(ctx)
		select {
		case r := <-h.fetched:
			h.fetching = false
			if ctx.Err() == nil {
				h.handle(r)
			}
		case r := <-h.tracker.Results():
			h.resolve(r)
		case <-h.tracker.Ready():
			h.ready = true
		case <-h.timer.C:
			h.wake()
		case <-checks.C:
			h.checkOutput()
		case <-ctx.Done():
			return
		}
	}
}

// stop waits for what is in flight.
func (h *Harvester) stop(ctx context.Context) error {
	hard, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.Settings.ShutdownTimeout)
	defer cancel()
	closed := make(chan error, 1)
	go func() { closed <- h.tracker.Close(hard) }()
	for r := range h.tracker.Results() {
		h.resolve(r)
	}
	if h.fetching {
		select {
		case <-h.fetched:
		case <-hard.Done():
			h.Log.Warnw("the last request did not end at the stop", "shutdown_timeout", h.Settings.ShutdownTimeout.String())
		}
	}
	return <-closed
}

// proceed makes the next request if nothing prevents it.
func (h *Harvester) proceed(ctx context.Context) {
	if h.fetching || !h.ready || ctx.Err() != nil {
		return
	}
	if h.giveUp != nil && len(h.inFlight) == 0 {
		h.restart()
	}
	if h.giveUp != nil || time.Now().Before(h.due) {
		return
	}
	if h.mode != delivery.ModePipelined {
		if len(h.inFlight) > 0 {
			return
		}
		h.next = h.stored
		h.repeated = [sha256.Size]byte{} // what came after it was not delivered
	}
	if h.unsaved {
		h.commit(h.stored)
	}
	r := request{query: eventsapi.Query{Cursor: h.next.Cursor}, account: h.stored.Account}
	if r.query.Cursor == "" {
		r.query.Limit, r.query.StartTime = h.Settings.Limit, h.next.StartTime
	}
	h.tried = h.Fetcher.TokenGeneration()
	h.fetching, h.stale = true, false
	go func() { h.fetched <- h.do(ctx, r) }()
}

// pause waits before the next request. While requests fail it ends early when the token was replaced.
func (h *Harvester) pause(d time.Duration) {
	h.due = time.Now().Add(d)
	h.arm()
}

// arm sets the timer.
func (h *Harvester) arm() {
	d := time.Until(h.due)
	if h.errors.failures > 0 {
		d = min(d, tokenPoll)
	}
	h.timer.Reset(max(0, d))
}

// wake handles the timer.
func (h *Harvester) wake() {
	if h.errors.failures > 0 && h.rotated() {
		h.due = time.Now()
	}
	if time.Now().Before(h.due) {
		h.arm()
	}
}

// rotated is whether there is another token than the one of the last request.
// Each harvester looks for itself: they share the account, and the first to use a
// new token must not keep it from the others.
func (h *Harvester) rotated() bool {
	generation := h.Fetcher.TokenGeneration()
	return generation != 0 && generation != h.tried
}

// handle handles the response to a request.
func (h *Harvester) handle(r response) {
	if r.account != "" && h.stored.Account == "" { // a state without an account belongs to the first that is known
		h.stored.Account, h.next.Account = r.account, r.account
	}
	switch {
	case h.stale:
	case errors.As(r.err, new(*wrongAccount)):
		h.health.failed(r.err.Error())
		h.pause(h.errors.next(policies[eventsapi.Auth]))
	case r.err != nil:
		h.failed(r.err)
	default:
		h.answered()
		h.submit(r.page)
	}
}

// failed decides what an error of the API means, and how long to wait.
func (h *Harvester) failed(err error) {
	var e *eventsapi.Error
	if !errors.As(err, &e) {
		e = &eventsapi.Error{Class: eventsapi.Unexpected, Err: err}
	}
	if e.Class != eventsapi.BadRequest {
		h.rejected = 0
	} else if h.next.Cursor != "" {
		if h.rejected++; h.rejected >= rejectedCursors {
			h.giveUp = err
			return
		}
	}
	wait := h.errors.delayFor(e)
	if e.Class == eventsapi.RateLimited {
		h.Limiter.Pause(wait)
	}
	h.health.degraded(err.Error())
	h.pause(wait)
}

// restart gives up a cursor that the API rejects. Nothing is in flight any more: those
// cursors were of the same chain.
func (h *Harvester) restart() {
	state := h.stored
	if !state.LastEvent.IsZero() {
		state.StartTime = state.LastEvent.Add(-restartOverlap)
	}
	state.Cursor, state.Limit = "", h.Settings.Limit
	msg := fmt.Sprintf("the API rejects the stored cursor (%v): starting again at %s, %s before the newest delivered event. "+
		"Repeated events keep their _id; an event that arrives later than that with an older time is missed",
		h.giveUp, state.StartTime.UTC().Format(time.RFC3339), restartOverlap)
	h.Log.Errorw(msg)
	h.health.degraded(msg)
	h.commit(state)
	h.next, h.rejected, h.giveUp, h.gaveUp = state, 0, nil, state.LastEvent
	wait := h.restarts.next(restartPolicy)
	if h.restarts.failures == 1 {
		wait = 0
	}
	h.pause(wait)
}

// answered notes that the API answered, and logs an error when it did not, or
// the beat was away, for longer than the API keeps events.
func (h *Harvester) answered() {
	h.errors.reset()
	if h.rejected = 0; h.next.Cursor != "" && h.stored.LastEvent.After(h.gaveUp) {
		h.restarts.reset()
	}
	now := h.Now()
	if away := now.Sub(h.lastOK); !h.lastOK.IsZero() && away > retention {
		h.Log.Errorw("nothing was collected for longer than the API keeps events: the events in between are gone",
			"days", int(away.Hours()/24), "kept_days", int(retention.Hours()/24))
	}
	h.lastOK = now
}

// submit hands a page to the tracker, or waits for the next poll when there is nothing new.
func (h *Harvester) submit(got *eventsapi.Page) {
	moved := got.Cursor != h.next.Cursor
	h.Metrics.page(len(got.Items), got.Bytes)
	p := &page{next: h.next, mode: h.mode}
	if p.next.Cursor = got.Cursor; h.next.Cursor == "" {
		p.next.Limit = h.Settings.Limit // what this chain of cursors remembers
	}
	h.stuck(got.HasMore && !moved)
	if !moved && h.mode == delivery.ModePipelined && (len(got.Items) == 0 || h.same(got.Items)) {
		h.idle()
		return
	}
	if !got.HasMore || !moved {
		p.pause = h.interval()
	}
	h.inFlight, h.ready = append(h.inFlight, p), false
	h.tracker.Submit(delivery.Page{
		Mode: p.mode, From: h.next.Cursor, Len: len(got.Items), Events: h.mapper.events(got, &p.newest),
	})
	if h.next = p.next; h.mode == delivery.ModePipelined {
		h.report()
		h.pause(p.pause)
	}
}

// idle handles a page without news.
func (h *Harvester) idle() {
	h.report()
	if len(h.inFlight) == 0 {
		h.touch()
	}
	h.pause(h.interval())
}

// interval is the pause before the next poll. The first one is different for each
// harvester: they start together, and would poll in the same moment from then on.
func (h *Harvester) interval() time.Duration {
	if first := h.Settings.FirstPause; first > 0 && !h.spread {
		h.spread = true
		return first
	}
	return h.Settings.Interval
}

// stuck notes whether a page has has_more set and a cursor that does not
// move; the first in a row is logged.
func (h *Harvester) stuck(is bool) {
	was := h.isStuck
	if h.isStuck = is; !is {
		return
	}
	h.Metrics.stuck()
	if !was {
		h.Log.Warnw("the API says that there is more, but its cursor does not move; trying again at the next poll", "interval", h.Settings.Interval.String())
	}
}

// same is whether a page with an unmoved cursor is the one that came before: an
// API whose last cursor stays before the last events would repeat them forever.
func (h *Harvester) same(items []json.RawMessage) bool {
	sum := sha256.New()
	for _, item := range items {
		sum.Write(item)
	}
	before := h.repeated
	h.repeated = [sha256.Size]byte(sum.Sum(nil))
	return before == h.repeated
}

// resolve handles the result of the oldest page.
func (h *Harvester) resolve(r delivery.Result) {
	p := h.inFlight[0]
	h.inFlight = h.inFlight[1:]
	h.mode = r.Mode
	switch r.Outcome {
	case delivery.Delivered:
		h.delivered(p, r)
		return
	case delivery.Held:
		h.health.degraded(fmt.Sprintf("the output rejects all events of a page: %s. "+
			"No event is lost: collection stays at the stored cursor and retries automatically", r.Reason))
	case delivery.Unconfirmed:
	}
	h.stale, h.giveUp = true, nil // what came after this page is fetched again
	if p.mode == delivery.ModePipelined {
		h.pause(0)
	} else {
		h.pause(h.holds.next(heldPolicy))
	}
}

// delivered stores the cursor of a delivered page.
func (h *Harvester) delivered(p *page, r delivery.Result) {
	if r.Rejected > 0 {
		h.Metrics.rejected(r.Rejected)
		h.Log.Warnw("the output rejected invalid events and accepted the rest; libbeat's event data log or the dead letter index has them",
			"count", r.Rejected, "reason", r.Reason)
	}
	h.holds.reset()
	if p.next.LastEvent = h.stored.LastEvent; p.newest.After(p.next.LastEvent) {
		p.next.LastEvent = p.newest
	}
	h.commit(p.next)
	if p.mode != delivery.ModePipelined {
		h.report()
		h.pause(p.pause)
	}
}

// report reports health after a response of the API.
func (h *Harvester) report() {
	if !h.unsaved && h.mode == delivery.ModePipelined && h.tracker.Trouble() == "" {
		h.health.running()
	}
}

// checkOutput reports that the output confirms nothing: libbeat only logs it.
func (h *Harvester) checkOutput() {
	if trouble := h.tracker.Trouble(); trouble != "" {
		h.health.degraded(trouble + ". No event is lost: collection stays at the stored cursor and retries automatically")
	}
}
