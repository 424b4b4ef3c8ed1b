// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A harvester with an API, a registry and an output of the test's making. It runs
// in a synctest bubble: its clock is fake, and waiting costs nothing.

package harvester

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/elastic/beats/v7/libbeat/beat"
	"github.com/elastic/beats/v7/libbeat/management/status"
	"github.com/elastic/elastic-agent-libs/logp"
	"github.com/elastic/elastic-agent-libs/logp/logptest"
	"github.com/elastic/elastic-agent-libs/mapstr"
	"github.com/elastic/elastic-agent-libs/monitoring"
	"github.com/elastic/go-concert/timed"

	"onepasswordbeat/internal/delivery"
	"onepasswordbeat/internal/eventsapi"
	"onepasswordbeat/internal/registry"
	"onepasswordbeat/module"
)

// rig is one harvester and everything around it.
type rig struct {
	t        *testing.T
	api      *fakeAPI
	store    *fakeStore
	out      *fakeOutput
	settings Settings
	limiter  *fakeLimiter
	guard    *delivery.Guard
	budget   *delivery.Budget
	metrics  *Metrics
	overlap  time.Duration // of the event type
	clock    func() time.Time
	log      *logp.Logger
	turned   func()

	mu     sync.Mutex
	health []string

	cancel context.CancelFunc
	done   chan error
}

func newRig(t *testing.T, events int) *rig {
	settings := Settings{
		Interval: 5 * time.Second, InitialInterval: 24 * time.Hour, ShutdownTimeout: 5 * time.Second, Limit: 10, Namespace: "default",
	}
	r := &rig{t: t, settings: settings, limiter: &fakeLimiter{}, clock: time.Now, overlap: 24 * time.Hour, log: logptest.NewTestingLogger(t, "")}
	r.api = &fakeAPI{size: events, limit: settings.Limit, account: "ACCOUNT", token: 1}
	r.out = newFakeOutput()
	r.store = &fakeStore{rig: r, states: map[registry.Key]registry.State{}}
	r.guard = delivery.NewGuard(r.out)
	r.budget = delivery.NewBudget(delivery.UsualBudget, delivery.LargeBudget)
	return r
}

var testKey = registry.Key{Input: "acme", EventType: "audit_events"}

// start runs the harvester; stop it with r.stop.
func (r *rig) start() {
	r.out.open()
	r.begin()
}

// begin runs the harvester with an output that is open.
func (r *rig) begin() {
	ctx, cancel := context.WithCancel(r.t.Context())
	r.cancel = cancel
	r.done = make(chan error, 1)
	r.metrics = NewMetrics(monitoring.NewRegistry(), logptest.NewTestingLogger(r.t, ""))
	h := New(Options{
		Key: testKey,
		Module: module.Module{
			Name: "audit_events", Path: "auditevents", Feature: "auditevents", Dataset: "1password.audit_events",
			Overlap: r.overlap, Map: mapTestItem,
		},
		Settings: r.settings,
		Fetcher:  r.api,
		Limiter:  r.limiter,
		Store:    r.store,
		Guard:    r.guard,
		Budget:   r.budget,
		Metrics:  r.metrics,
		Report:   r.report,
		Log:      r.log,
		Now:      func() time.Time { return r.clock() },
		Turned:   r.turned,
	})
	go func() { r.done <- h.Run(ctx, r.out) }()
}

// stop cancels the harvester and waits for it, and then for the output.
func (r *rig) stop() {
	r.cancel()
	require.NoError(r.t, <-r.done)
	r.out.shut()
}

// kill makes an end as a crash does: nothing is stored and nothing is accepted from
// this moment on.
func (r *rig) kill() {
	r.store.freeze(true)
	r.out.freeze()
	r.cancel()
	<-r.done //nolint:errcheck // the end of a crash has no result
	r.out.shut()
	r.store.freeze(false)
}

func (r *rig) report(s status.Status, msg string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	line := s.String()
	if msg != "" {
		line += ": " + msg
	}
	r.health = append(r.health, line)
}

// states are the health changes so far, without their messages.
func (r *rig) states() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []string
	for _, h := range r.health {
		s, _, _ := strings.Cut(h, ":")
		list = append(list, s)
	}
	return list
}

func (r *rig) healthText() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.health, "\n")
}

// requireAll checks that every event was delivered, however often, and that the
// stored cursor is after the last of them.
func (r *rig) requireAll() {
	r.t.Helper()
	for i := range r.api.size {
		require.NotZero(r.t, r.out.times(eventID(i)), "event %d was not delivered", i)
	}
	require.Equal(r.t, cursorAt(r.api.size), r.store.get().Cursor)
}

// run is a bubble with a rig in it.
func run(t *testing.T, events int, test func(t *testing.T, r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newRig(t, events)) })
}

func eventID(i int) string  { return fmt.Sprintf("EVENT%05d", i) }
func cursorAt(i int) string { return "c" + strconv.Itoa(i) }

// indexOf is the number of events before a cursor.
func indexOf(cursor string) int {
	digits := strings.TrimPrefix(cursor, "c")
	digits, _, _ = strings.Cut(digits, "x") // one more cursor of the same place
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0
	}
	return n
}

func mapTestItem(raw []byte) (beat.Event, bool, error) {
	var item struct {
		UUID string    `json:"uuid"`
		Time time.Time `json:"timestamp"`
	}
	if err := json.Unmarshal(raw, &item); err != nil {
		return beat.Event{}, false, err
	}
	return beat.Event{
		Timestamp: item.Time,
		Meta:      mapstr.M{"_id": item.UUID},
		Fields:    mapstr.M{"event": mapstr.M{"id": item.UUID}},
	}, true, nil
}

// fakeAPI serves events 0 to size-1 in pages. A cursor is the number of events
// before it.
type fakeAPI struct {
	mu       sync.Mutex
	size     int
	limit    int
	account  string
	script   []func(q eventsapi.Query) (*eventsapi.Page, error) // answers to come first; nil: the ordinary one
	always   func(q eventsapi.Query) (*eventsapi.Page, error)
	requests []string
	times    []time.Time
	token    uint64 // serial of the token
	item     func(i int) string
	latency  time.Duration

	serverTime func() time.Time // nil: not known
	bytes      int64            // of a page; 0: some for each event
}

func (a *fakeAPI) UUID(context.Context) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.account
}

func (a *fakeAPI) ServerTime(context.Context) time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.serverTime == nil {
		return time.Time{}
	}
	return a.serverTime()
}

func (a *fakeAPI) TokenGeneration() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.token
}

func (a *fakeAPI) grow(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.size += n
}

// asked are the requests so far: a cursor, or "since" and how long ago.
func (a *fakeAPI) asked() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]string(nil), a.requests...)
}

// answerAlways changes what answers while the harvester runs; nil: the ordinary pages.
func (a *fakeAPI) answerAlways(answer func(q eventsapi.Query) (*eventsapi.Page, error)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.always = answer
}

// hotLoop is more requests than a test needs at one moment.
const hotLoop = 5_000

func (a *fakeAPI) Fetch(ctx context.Context, _ string, q eventsapi.Query) (*eventsapi.Page, error) {
	pass(a.latency)
	if err := q.Reserve(ctx, usualBytes); err != nil {
		return nil, &eventsapi.Error{Class: eventsapi.Canceled, Err: err}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, &eventsapi.Error{Class: eventsapi.Canceled, Err: err}
	}
	what := q.Cursor
	if what == "" {
		what = "since " + time.Since(q.StartTime).Round(time.Second).String()
	}
	a.requests = append(a.requests, what)
	a.times = append(a.times, time.Now())
	if n := len(a.times) - hotLoop; n >= 0 && a.times[n].Equal(time.Now()) {
		panic("hot loop: time does not pass between requests") // the test would never end
	}
	if len(a.script) > 0 {
		next := a.script[0]
		a.script = a.script[1:]
		if next != nil {
			return next(q)
		}
	}
	if a.always != nil {
		return a.always(q)
	}
	return a.page(q), nil
}

func (a *fakeAPI) page(q eventsapi.Query) *eventsapi.Page {
	from := indexOf(q.Cursor)
	to := min(from+a.limit, a.size)
	p := &eventsapi.Page{Cursor: cursorAt(to), HasMore: to < a.size, Bytes: cmp.Or(a.bytes, int64(to-from)<<18)}
	if a.serverTime != nil {
		p.ServerTime = a.serverTime()
	}
	for i := from; i < to; i++ {
		raw := fmt.Sprintf(`{"uuid":%q,"timestamp":%q}`, eventID(i), time.Now().Add(-time.Minute).Format(time.RFC3339Nano))
		if a.item != nil {
			raw = a.item(i)
		}
		p.Items = append(p.Items, json.RawMessage(raw))
	}
	return p
}

// answerError is a scripted failure.
func answerError(class eventsapi.Class) func(eventsapi.Query) (*eventsapi.Page, error) {
	return func(eventsapi.Query) (*eventsapi.Page, error) {
		return nil, &eventsapi.Error{Class: class, Status: 0, Message: class.String(), Host: "events.example.com", FromAPI: class == eventsapi.BadRequest}
	}
}

func answerRetryAfter(d time.Duration) func(eventsapi.Query) (*eventsapi.Page, error) {
	return func(eventsapi.Query) (*eventsapi.Page, error) {
		return nil, &eventsapi.Error{Class: eventsapi.RateLimited, Status: 429, RetryAfter: d, HasRetryAfter: true}
	}
}

func answerPage(p eventsapi.Page) func(eventsapi.Query) (*eventsapi.Page, error) {
	return func(eventsapi.Query) (*eventsapi.Page, error) { return &p, nil }
}

// fakeStore keeps states, and checks at every commit that the cursor is not ahead
// of delivery: invariant 1 holds in every test of this package.
type fakeStore struct {
	rig *rig
	id  func(i int) string // nil: eventID

	mu      sync.Mutex
	states  map[registry.Key]registry.State
	commits []string
	fail    error
	loadErr error
	on      func(ctx context.Context, state registry.State) error // what comes before a commit, or fails it
	frozen  bool
}

func (s *fakeStore) Load(_ context.Context, key registry.Key) (registry.State, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.loadErr != nil {
		return registry.State{}, s.loadErr
	}
	state, ok := s.states[key]
	if !ok {
		return state, registry.ErrNotFound
	}
	return state, nil
}

func (s *fakeStore) Commit(ctx context.Context, key registry.Key, state registry.State) error {
	s.mu.Lock()
	on := s.on
	s.mu.Unlock()
	if on != nil {
		if err := on(ctx, state); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.frozen {
		return errors.New("the process is dead")
	}
	if s.fail != nil {
		return s.fail
	}
	id := eventID
	if s.id != nil {
		id = s.id
	}
	for i := range indexOf(state.Cursor) {
		if !s.rig.out.done(id(i)) {
			s.rig.t.Errorf("cursor %s was stored before event %d was delivered", state.Cursor, i)
			break
		}
	}
	s.states[key] = state
	what := state.Cursor
	if what == "" {
		what = "start"
	}
	s.commits = append(s.commits, what)
	return nil
}

func (s *fakeStore) get() registry.State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.states[testKey]
}

func (s *fakeStore) committed() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.commits...)
}

func (s *fakeStore) setFail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

func (s *fakeStore) setLoadErr(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loadErr = err
}

func (s *fakeStore) before(on func(ctx context.Context, state registry.State) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.on = on
}

func (s *fakeStore) freeze(frozen bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.frozen = frozen
}

type fakeLimiter struct {
	mu     sync.Mutex
	paused time.Duration
	until  time.Time

	spacing time.Duration // set before the start
}

// Spacing is what a test sets.
func (l *fakeLimiter) Spacing() time.Duration { return l.spacing }

// PausedUntil is what a test sets.
func (l *fakeLimiter) PausedUntil() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.until
}

func (l *fakeLimiter) pauseUntil(t time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.until = t
}

func (l *fakeLimiter) Wait(ctx context.Context) (time.Duration, error) {
	if d := time.Until(l.PausedUntil()); d > 0 {
		return d, timed.Wait(ctx, d)
	}
	return 0, ctx.Err()
}

func (l *fakeLimiter) Pause(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.paused += d
}

// outcome is what the output does with an event.
type outcome int

const (
	accept outcome = iota
	reject         // for good, for the event's own content
	deny           // for good, for a fault of the output
	fail           // tried again; an output that ACKs unsent events then counts what it drops as accepted
	ignore         // neither accepted nor rejected, but ACKed: an output that is closed
)

const (
	queueSize = 25
	batchSize = 7
)

// fakeOutput is libbeat's publisher: a queue and an output that accepts, rejects or
// is stuck. It counts as libbeat does, before it ACKs unless late is set.
type fakeOutput struct {
	mu         sync.Mutex
	counters   delivery.Counts
	queueSize  int
	decide     func(id string) outcome
	filter     func(id string) bool // the user's processors drop it
	delivered  map[string]int
	rejected   map[string]bool
	late       bool      // counts after it ACKs
	silent     bool      // explains no rejection
	stored     bool      // puts what it accepts into a failure store
	content    bool      // rejects events for their content only
	acksUnsent bool      // a failed try opens a circuit breaker, of 10 s
	breaker    time.Time // until when it is open
	blocked    string    // why it rejects whole requests
	frozen     bool
	outlive    bool          // what a closed client left in the queue is sent all the same
	epoch      int           // rises when it is replaced: what is in flight then is ACKed and counted nowhere
	stuck      chan struct{} // closed: not stuck
	closing    chan struct{} // closed: the publisher closes, which frees a blocked Publish
	clients    []*fakeClient
	wg         sync.WaitGroup
}

func newFakeOutput() *fakeOutput {
	o := &fakeOutput{delivered: map[string]int{}, rejected: map[string]bool{}, stuck: make(chan struct{}), queueSize: queueSize}
	close(o.stuck)
	return o
}

func (o *fakeOutput) set(decide func(id string) outcome) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.decide = decide
}

// block makes the output stuck and returns what frees it.
func (o *fakeOutput) block() (release func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	c := make(chan struct{})
	o.stuck = c
	return sync.OnceFunc(func() { close(c) })
}

// replace makes it another output, which counts from zero.
func (o *fakeOutput) replace() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.epoch++
	o.counters.Accepted, o.counters.Rejected, o.counters.Failed = 0, 0, 0
	o.breaker = time.Time{}
}

func (o *fakeOutput) Rejection() string { return "403 security_exception: not allowed" }

func (o *fakeOutput) AcksUnsent() bool { return o.acksUnsent }

func (o *fakeOutput) DropsForContent(int) bool { return o.content }

func (o *fakeOutput) Blocked() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.blocked
}

func (o *fakeOutput) Counts() delivery.Counts {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.counters
	now.Of = o.epoch
	return now
}

func (o *fakeOutput) times(id string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.delivered[id]
}

// done tells whether an event needs no more sending.
func (o *fakeOutput) done(id string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.delivered[id] > 0 || o.rejected[id] || o.filter != nil && o.filter(id)
}

// mark has an event count as delivered before the test.
func (o *fakeOutput) mark(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.delivered[id]++
}

func (o *fakeOutput) open() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.frozen = false
	o.closing = make(chan struct{})
}

func (o *fakeOutput) freeze() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.frozen = true
}

// shut ends the output's goroutines.
func (o *fakeOutput) shut() {
	o.mu.Lock()
	clients := o.clients
	o.clients = nil
	close(o.closing)
	o.mu.Unlock()
	for _, c := range clients {
		_ = c.Close()
	}
	o.wg.Wait()
}

func (o *fakeOutput) Connect() (beat.Client, error) { return o.ConnectWith(beat.ClientConfig{}) }

func (o *fakeOutput) ConnectWith(cfg beat.ClientConfig) (beat.Client, error) {
	if cfg.PublishMode != beat.GuaranteedSend {
		return nil, errors.New("an output's max_retries would drop events")
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	c := &fakeClient{out: o, cfg: cfg, queue: make(chan beat.Event, o.queueSize), closed: make(chan struct{}), freed: o.closing}
	o.clients = append(o.clients, c)
	o.wg.Add(1)
	go c.work()
	return c, nil
}

type fakeClient struct {
	out    *fakeOutput
	cfg    beat.ClientConfig
	queue  chan beat.Event
	once   sync.Once
	closed chan struct{}
	freed  chan struct{}
}

func (c *fakeClient) Publish(e beat.Event) { c.PublishAll([]beat.Event{e}) }

func (c *fakeClient) PublishAll(events []beat.Event) {
	for _, e := range events {
		id, _ := e.Meta["_id"].(string)
		dropped := c.out.filter != nil && c.out.filter(id)
		c.cfg.EventListener.AddEvent(e, !dropped)
		if dropped {
			c.cfg.ClientListener.Filtered()
			continue
		}
		select {
		case c.queue <- e:
		case <-c.freed: // not by Close of the client: a full memory queue does not let go
		}
	}
}

func (c *fakeClient) Close() error {
	c.once.Do(func() {
		close(c.closed)
		c.cfg.EventListener.ClientClosed()
	})
	return nil
}

// work sends batches until the client is closed.
func (c *fakeClient) work() {
	defer c.out.wg.Done()
	end := c.closed
	if c.out.outlive {
		end = c.freed
	}
	for {
		select {
		case e := <-c.queue:
			batch := []beat.Event{e}
			for len(batch) < batchSize && len(c.queue) > 0 {
				batch = append(batch, <-c.queue)
			}
			if !c.send(batch, end) {
				return
			}
		case <-end:
			return
		}
	}
}

// send delivers a batch as the output decides, and ACKs it.
func (c *fakeClient) send(batch []beat.Event, end <-chan struct{}) bool {
	o := c.out
	o.mu.Lock()
	epoch := o.epoch
	o.mu.Unlock()
	pass(5 * time.Millisecond) // a round trip, on the fake clock
	o.mu.Lock()
	stuck := o.stuck
	o.mu.Unlock()
	select {
	case <-stuck:
	case <-end:
		return false
	}
	o.mu.Lock()
	if o.frozen {
		o.mu.Unlock()
		return false
	}
	var now delivery.Counts
	if o.acksUnsent && time.Now().Before(o.breaker) {
		o.counters.Accepted += uint64(len(batch))
		o.mu.Unlock()
		c.cfg.EventListener.ACKEvents(len(batch))
		return true
	}
	for _, e := range batch {
		id, _ := e.Meta["_id"].(string)
		what := accept
		if o.decide != nil {
			what = o.decide(id)
		}
		if epoch != o.epoch {
			what = ignore
		}
		switch what {
		case accept:
			o.delivered[id]++
			now.Accepted++
			if o.stored {
				o.counters.FailureStore++
			}
		case reject:
			now.Rejected++
			now.DocumentErrors++
		case deny:
			now.Rejected++
			now.OutputErrors++
		case fail:
			o.counters.Failed++
			o.breaker = time.Now().Add(10 * time.Second)
			o.mu.Unlock()
			return c.send(batch, end)
		case ignore:
		}
	}
	late := o.late
	if !o.silent {
		o.counters.DocumentErrors += now.DocumentErrors
		o.counters.OutputErrors += now.OutputErrors
	}
	if !late {
		o.counters.Accepted += now.Accepted
		o.counters.Rejected += now.Rejected
	}
	o.mu.Unlock()
	c.cfg.EventListener.ACKEvents(len(batch))
	if late {
		pass(20 * time.Millisecond)
		o.mu.Lock()
		o.counters.Accepted += now.Accepted
		o.counters.Rejected += now.Rejected
		o.mu.Unlock()
	}
	return true
}

// allow marks an event as one that may stay rejected: the test rejects it alone.
func (o *fakeOutput) allow(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rejected[id] = true
}

// pass lets time pass on the bubble's clock.
func pass(d time.Duration) { <-time.After(d) }
