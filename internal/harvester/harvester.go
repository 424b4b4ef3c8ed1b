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
	"slices"
	"time"

	"github.com/elastic/beats/v7/libbeat/beat"

	"onepasswordbeat/internal/delivery"
	"onepasswordbeat/internal/eventsapi"
	"onepasswordbeat/internal/registry"
)

const (
	// busyShare is the part of interval, in percent, that a harvester waits after a page with events: more are likely.
	busyShare = 60
	// tokenPoll is how often token_file is read while requests fail.
	tokenPoll = time.Second
	// checkInterval is how often a page that waits for its result, and a request that waits for the
	// rate limit, are looked at.
	checkInterval = 5 * time.Second
	// failureStoreFor is how long the use of a failure store is reported after the last one.
	failureStoreFor = time.Hour
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
	ended    chan struct{} // closed at the end of Run
	timer    *time.Timer
	due      time.Time // when the next request may be made

	errors   backoff
	tried    uint64 // generation of the token of the last request
	holds    backoff
	attempts int               // events of a held page that were published alone
	rejected rejection         // of the cursor of the last request
	restart  *registry.State   // where collection starts instead of at the stored cursor, until its first page is delivered
	failures time.Time         // when the output last used a failure store
	repeated [sha256.Size]byte // of the last page with an unmoved cursor
	isStuck  bool              // the last page had has_more set, and its cursor did not move
	spread   bool              // the first pause is over
	lastOK   time.Time         // the last response of the API
}

// page is a page between its submission and its result.
type page struct {
	next   registry.State // to be stored once the page is delivered
	newest time.Time      // of its events; set when they were published
	mode   delivery.Mode
	size   int // number of events
	memory *delivery.Reservation
	pause  time.Duration // before the request after it
}

// New makes a harvester.
func New(o Options) *Harvester {
	if o.Turned == nil {
		o.Turned = func() {}
	}
	log := newLimitedLog(o.Log)
	c := &clock{now: o.Now}
	return &Harvester{
		position: position{Options: o, clock: c, log: log, health: newHealth(o.Report, log)},
		mapper:   newMapper(o, c, log), ready: true, fetched: make(chan response), ended: make(chan struct{}),
	}
}

// Run collects until ctx is cancelled. It then waits at most shutdown_timeout
// for the ACKs of what is in flight, stores the cursors of what arrived, and
// returns. It returns an error only when the publisher can't be connected to; trouble
// with the API, the network, the registry or the output is reported as health.
func (h *Harvester) Run(ctx context.Context, pipeline beat.PipelineConnector) error {
	h.health.starting()
	if err := h.load(ctx); err != nil {
		if ctx.Err() == nil {
			h.health.failed(logRegistry, err.Error())
		}
		<-ctx.Done()
		return nil
	}
	commits, cancel := after(ctx, h.Settings.ShutdownTimeout+commitSlack)
	defer cancel()
	h.commits = commits
	acks, cancel := after(ctx, h.Settings.ShutdownTimeout)
	defer cancel()
	h.next, h.lastOK = h.stored, h.stored.Updated
	tracker, err := delivery.NewTracker(pipeline, h.Guard, h.Metrics)
	if err != nil {
		return err
	}
	h.tracker = tracker
	defer close(h.ended)
	h.loop(ctx)
	return h.stop(acks)
}

// after returns a context that ends some time after another one.
func after(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(d, cancel)
		context.AfterFunc(late, func() { timer.Stop() })
	})
	return late, func() { stop(); cancel() }
}

// loop is the harvester's life: each round handles one thing that happened, and makes
// the next request if nothing prevents it.
func (h *Harvester) loop(ctx context.Context) {
	h.timer = time.NewTimer(0)
	defer h.timer.Stop()
	checks := time.NewTicker(checkInterval)
	defer checks.Stop()
	for {
		h.Turned()
		h.proceed(ctx)
		select {
		case r := <-h.fetched:
			h.fetching = false
			if ctx.Err() == nil {
				h.handle(r)
			} else {
				r.memory.Release()
			}
		case r := <-h.tracker.Results():
			h.resolve(r)
		case <-h.tracker.Ready():
			h.ready = true
		case <-h.timer.C:
			h.wake()
		case <-checks.C:
			h.check()
		case <-ctx.Done():
			return
		}
	}
}

// stop waits for what is in flight until hard ends, and stores what could not be stored before.
func (h *Harvester) stop(hard context.Context) error {
	closed := make(chan error, 1)
	go func() { closed <- h.tracker.Close(hard) }()
	for r := range h.tracker.Results() {
		h.resolve(r)
	}
	if h.fetching {
		select {
		case r := <-h.fetched:
			r.memory.Release()
		case <-hard.Done():
			h.Log.Warnw("the last request did not end at the stop", "shutdown_timeout", h.Settings.ShutdownTimeout.String())
		}
	}
	for _, p := range h.inFlight {
		p.memory.Release()
	}
	if h.unsaved {
		h.tryCommit()
	}
	return <-closed
}

// proceed makes the next request if nothing prevents it.
func (h *Harvester) proceed(ctx context.Context) {
	if h.fetching || !h.ready || ctx.Err() != nil || time.Now().Before(h.due) {
		return
	}
	if h.mode != delivery.ModePipelined {
		if len(h.inFlight) > 0 {
			return
		}
		h.next = h.base()
		h.repeated = [sha256.Size]byte{} // what came after it was not delivered
	}
	if !h.secure() {
		return
	}
	from := h.next
	if h.rejected.probing {
		from = h.restarted()
	}
	r := request{query: eventsapi.Query{Cursor: from.Cursor}, account: h.stored.Account}
	if r.query.Cursor == "" {
		r.query.Limit, r.query.StartTime = h.Settings.Limit, h.clock.clamp(from.StartTime, h.Settings.InitialInterval)
	}
	h.tried = h.Fetcher.TokenGeneration()
	h.fetching, h.stale = true, false
	go func() {
		resp := h.do(ctx, r)
		select {
		case h.fetched <- resp:
		case <-h.ended:
			resp.memory.Release()
		}
	}()
}

// secure stores what could not be stored before. It returns whether the next request may be made.
func (h *Harvester) secure() bool {
	if h.unsaved {
		h.commit(h.stored)
	}
	if h.exhausted() {
		h.health.degraded(logRegistry, fmt.Sprintf("no state could be stored for %s: nothing is collected until one is, because a crash would repeat all of that. "+
			"No event is lost; collection resumes automatically", h.Settings.Unstored))
		h.pause(max(startRetry, time.Until(h.retry)))
		return false
	}
	if !h.adopted {
		return true
	}
	if len(h.inFlight) > 0 {
		return false
	}
	h.adopted, h.restart, h.next = false, nil, h.stored
	h.repeated = [sha256.Size]byte{}
	h.rejected.clear()
	return true
}

// base is where collection goes on when nothing is in flight.
func (h *Harvester) base() registry.State {
	if h.restart != nil {
		return *h.restart
	}
	return h.stored
}

// restarted is where collection starts again when the cursor is given up.
func (h *Harvester) restarted() registry.State {
	return restarted(h.stored, h.Module.Overlap, h.Settings.Limit, h.clock.oldest())
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
	var e *eventsapi.Error
	if r.page != nil {
		h.clock.note(r.page.ServerTime)
	} else if errors.As(r.err, &e) {
		h.clock.note(e.ServerTime)
	}
	if h.handled(r) {
		return // with the page
	}
	r.memory.Release()
}

// handled handles a response. It returns whether its page is in flight, which holds the memory until its result.
func (h *Harvester) handled(r response) bool {
	probe := h.rejected.probing
	h.rejected.probing = false
	switch {
	case h.stale:
	case errors.As(r.err, new(*wrongAccount)):
		h.health.failed(logAPI, r.err.Error())
		h.pause(h.errors.next(policies[eventsapi.Auth]))
	case probe:
		h.probed(r.err)
	case r.err != nil:
		h.failed(r.err)
	default:
		h.answered()
		return h.submit(r)
	}
	return false
}

// failed decides what an error of the API means, and how long to wait.
func (h *Harvester) failed(err error) {
	var e *eventsapi.Error
	if !errors.As(err, &e) {
		e = &eventsapi.Error{Class: eventsapi.Unexpected, Err: err}
	}
	if e.Class == eventsapi.BadRequest && h.next.Cursor != "" {
		h.cursorRejected(err)
		return
	}
	wait := h.errors.delayFor(e)
	if e.Class == eventsapi.RateLimited {
		h.Limiter.Pause(wait)
	}
	h.health.degraded(logAPI+" "+e.Class.String(), err.Error())
	h.pause(wait)
}

// cursorRejected handles a 400 for a cursor. It keeps the cursor, until it was rejected for long enough: then the
// next request is made without it, to see that nothing else is wrong.
func (h *Harvester) cursorRejected(err error) {
	if left := h.rejected.note(h.next.Cursor, err); left > 0 {
		h.health.degraded(logCursor, fmt.Sprintf("the API rejects the cursor (%v). Collection keeps it and retries automatically; "+
			"it starts again before the newest delivered event if this goes on until %s", err, h.rejectedUntil(left)))
		h.pause(h.errors.next(otherPolicy))
		return
	}
	h.rejected.probing = true
	h.pause(0)
}

// rejectedUntil is when the cursor will be given up. It stays the same from one request to the next.
func (h *Harvester) rejectedUntil(left time.Duration) string {
	return h.Now().Add(left).Round(time.Minute).UTC().Format(time.RFC3339)
}

// probed handles the response to a request without the rejected cursor. If it brought a valid page, only the
// cursor is at fault. Its events are discarded: they come again in order.
func (h *Harvester) probed(err error) {
	if err != nil {
		h.health.degraded(logCursor, fmt.Sprintf("the API rejects the cursor, and a request without it failed, too (%v). "+
			"Collection keeps the cursor and retries automatically", err))
		h.pause(h.errors.next(otherPolicy))
		return
	}
	if len(h.inFlight) > 0 { // their cursors may be stored yet
		h.pause(h.errors.next(otherPolicy))
		return
	}
	state := h.restarted()
	msg := fmt.Sprintf("the API rejected the cursor for %s and accepts requests without it: collection starts again at %s. "+
		"Events are repeated with the same _id. An event is missed if it reaches 1Password more than %s after it happened, while the cursor was rejected. "+
		"To choose another start, stop the beat and run `onepasswordbeat state reset --input %s --event-type %s --since TIME`",
		time.Since(h.rejected.since).Round(time.Second), state.StartTime.UTC().Format(time.RFC3339), h.Module.Overlap, h.Key.Input, h.Key.EventType)
	h.log.errorw(logCursor, msg)
	h.health.degraded(logCursor, msg)
	h.restart, h.next = &state, state
	h.rejected.clear()
	h.errors.reset()
	h.pause(0)
}

// answered notes that the API answered, and logs an error when it did not, or
// the beat was away, for longer than the API keeps events.
func (h *Harvester) answered() {
	h.errors.reset()
	h.rejected.clear()
	now := h.Now()
	if away := now.Sub(h.lastOK); !h.lastOK.IsZero() && away > retention {
		h.Log.Errorw("nothing was collected for longer than the API keeps events: the events in between are gone",
			"days", int(away.Hours()/24), "kept_days", int(retention.Hours()/24))
	}
	h.lastOK = now
}

// submit hands a page to the tracker, or waits for the next poll and returns false when there is nothing new.
func (h *Harvester) submit(r response) bool {
	got := r.page
	moved := got.Cursor != h.next.Cursor
	h.Metrics.page(len(got.Items), got.Bytes)
	p := &page{memory: r.memory, next: h.next, mode: h.mode}
	if p.next.Cursor = got.Cursor; h.next.Cursor == "" {
		p.next.Limit = h.Settings.Limit // what this chain of cursors remembers
	}
	h.stuck(got.HasMore && !moved)
	if !moved && h.mode == delivery.ModePipelined && (len(got.Items) == 0 || h.same(got.Items)) {
		h.idle()
		return false
	}
	if !got.HasMore || !moved {
		if p.pause = h.interval(); len(got.Items) > 0 {
			p.pause = p.pause * busyShare / 100
		}
	} else {
		p.pause = h.Limiter.Spacing()
	}
	first := 0
	p.size = len(got.Items)
	if p.mode == delivery.ModeHeld && p.size > 0 { // one after the other: the output may reject some only
		first = h.attempts % p.size
		p.size = 1
		h.attempts++
	}
	h.inFlight, h.ready = append(h.inFlight, p), false
	h.tracker.Submit(delivery.Page{
		Mode: p.mode, From: h.next.Cursor, Len: p.size, Least: least(got.Items[first : first+p.size]), Events: h.mapper.events(got, first, p.size, &p.newest),
	})
	if h.next = p.next; h.mode == delivery.ModePipelined {
		h.report()
		h.pause(p.pause)
	}
	return true
}

// least is the size of the smallest item; 0 if there is none.
func least(items []json.RawMessage) int {
	if len(items) == 0 {
		return 0
	}
	return len(slices.MinFunc(items, func(a, b json.RawMessage) int { return len(a) - len(b) }))
}

// idle handles a page without news.
func (h *Harvester) idle() {
	h.report()
	if len(h.inFlight) == 0 && !h.adopted {
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
	h.inFlight[0] = nil
	h.inFlight = h.inFlight[1:]
	p.memory.Release()
	h.mode = r.Mode
	switch r.Outcome {
	case delivery.Delivered:
		h.delivered(p, r)
		return
	case delivery.Held:
		h.health.degraded(logOutput, fmt.Sprintf("the output rejects all events of a page: %s. "+
			"No event is lost: collection stays at the stored cursor and retries automatically", r.Reason))
	case delivery.Unconfirmed:
	}
	h.stale = true // what came after this page is fetched again
	if p.mode == delivery.ModePipelined || p.mode == delivery.ModeHeld && r.Mode == delivery.ModeVerifying {
		h.pause(0)
	} else {
		h.pause(h.holds.next(heldPolicy))
	}
}

// delivered stores the cursor of a delivered page.
func (h *Harvester) delivered(p *page, r delivery.Result) {
	h.countRejected(p, r)
	if r.Stored > 0 {
		h.failures = time.Now()
	} else if p.size > 0 {
		h.failures = time.Time{}
	}
	h.restart = nil
	h.holds.reset()
	h.attempts = 0
	if p.next.LastEvent = h.stored.LastEvent; p.newest.After(p.next.LastEvent) {
		p.next.LastEvent = p.newest
	}
	if !h.adopted { // otherwise the position of another beat counts
		h.commit(p.next)
		h.stale = h.stale || h.adopted
	}
	if p.mode != delivery.ModePipelined {
		h.report()
		h.pause(p.pause)
	}
}

// countRejected counts and logs what the output rejected of a delivered page.
func (h *Harvester) countRejected(p *page, r delivery.Result) {
	if r.Rejected == 0 {
		return
	}
	h.Metrics.rejected(r.Rejected)
	const have = "libbeat's event data log or the dead letter index has them"
	if r.Rejected >= p.size {
		h.log.errorw(logContent, "the output rejected all events of a page for their content, and accepts other events; collection goes on, "+have,
			"count", r.Rejected, "reason", r.Reason)
		return
	}
	h.log.warnw(logContent, "the output rejected invalid events and accepted the rest; "+have, "count", r.Rejected, "reason", r.Reason)
}

// report reports health after a response of the API.
func (h *Harvester) report() {
	if h.unsaved || h.mode != delivery.ModePipelined || h.restart != nil || h.tracker.Trouble() != "" {
		return
	}
	if !h.failures.IsZero() && time.Since(h.failures) < failureStoreFor && !h.Settings.AcceptFailureStore {
		h.health.degraded(logOutput, "Elasticsearch stores events in the failure store instead of the data stream: an ingest pipeline or the mapping rejects them. "+
			"Look at the failure store (GET logs-1password.*::failures/_search), or set accept_failure_store: true to accept it")
		return
	}
	if skew := h.clock.skew(); skew != "" {
		h.health.degraded(logClock, skew)
		return
	}
	h.health.running()
}

// check reports two conditions that have no other report: an output that confirms nothing, which libbeat only logs, and a
// request that waits because the API asked another event type of this token for a pause.
func (h *Harvester) check() {
	if trouble := h.tracker.Trouble(); trouble != "" {
		h.health.degraded(logOutput, trouble+". No event is lost: collection stays at the stored cursor and retries automatically")
		return
	}
	if until := h.Limiter.PausedUntil(); h.fetching && time.Until(until) > 0 {
		h.health.degraded(logAPI+" pause", "the API asked for a pause (429, Retry-After): no request is sent for any event type of this token until "+
			until.UTC().Format(time.RFC3339))
	}
}
