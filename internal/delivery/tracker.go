// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The tracker: one harvester's connection to libbeat's publisher.

package delivery

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/elastic/beats/v7/libbeat/beat"
	"github.com/elastic/beats/v7/libbeat/common/acker"
)

// patience is how long a page may wait for its ACK before the output is reported as stuck.
const patience = time.Minute

// Observer is told what becomes of events. Its methods are called from several goroutines.
type Observer interface {
	Published(n int) // went to the queue; what the user's processors dropped did not
	Acked(n int)     // libbeat reported as done: delivered, or rejected for good
}

// Tracker publishes pages in order and finds out what became of them. It is used by one
// goroutine, which calls Submit, reads Results and Ready, and calls Close at the end.
type Tracker struct {
	client   beat.Client
	guard    *Guard
	observer Observer
	filtered atomic.Int64 // events that processors dropped, so far

	publisher worker // libbeat's Publish takes no context and blocks while its queue is full
	resolver  worker // finds the results
	ready     chan struct{}
	results   chan Result

	soft, hard       context.Context // ended by Close. soft: no further page is published; hard: nothing is waited for
	endSoft, endHard context.CancelFunc
	resolved         chan struct{} // closed at the end of the resolver

	mu         sync.Mutex
	unresolved []*pendingPage // oldest first
	mode       Mode           // how the next page is to be published
	closed     bool
	alone      attempt // of the resolver: the last page that was published alone and not delivered
}

// attempt is a page that was published alone.
type attempt struct {
	from string
	lost int // events rejected, or -1
}

// NewTracker connects to libbeat's publisher.
func NewTracker(pipeline beat.PipelineConnector, guard *Guard, observer Observer) (*Tracker, error) {
	t := &Tracker{
		guard: guard, observer: observer, alone: attempt{lost: -1},
		ready: make(chan struct{}, 1), results: make(chan Result), resolved: make(chan struct{}),
	}
	t.publisher = worker{handle: t.publishPage, ended: t.resolver.close}
	t.resolver = worker{handle: t.resolvePage, ended: func() { close(t.resolved) }}
	client, err := pipeline.ConnectWith(beat.ClientConfig{
		PublishMode: beat.GuaranteedSend, // otherwise an output's max_retries drops events
		// Once the client is closed, ConnectionOnly reports no ACK any more: libbeat
		// reports what its closing output drops as ACKed.
		EventListener:  acker.ConnectionOnly(acker.EventPrivateReporter(t.acked)),
		ClientListener: &filterCounter{t},
		// Our events are normal as they are made; copying each once more took a
		// seventh of the CPU time and a third of all allocations.
		Processing: beat.ProcessingConfig{EventNormalization: new(bool)},
	})
	if err != nil {
		return nil, fmt.Errorf("can't connect to the publisher: %w", err)
	}
	t.client = client
	t.soft, t.endSoft = context.WithCancel(context.Background())
	t.hard, t.endHard = context.WithCancel(context.Background())
	return t, nil
}

// Submit queues a page and never blocks. A page whose mode is not the one that the last
// Result asked for is not published; its Result is Unconfirmed. An empty page has a
// Result like any other.
func (t *Tracker) Submit(page Page) {
	p := &pendingPage{Page: page, acked: make(chan struct{})}
	t.mu.Lock()
	t.unresolved = append(t.unresolved, p)
	t.mu.Unlock()
	t.publisher.put(p)
}

// Ready receives a value when a submitted page was handed to libbeat's queue: the next one
// would not have to wait for it.
func (t *Tracker) Ready() <-chan struct{} { return t.ready }

// Results delivers one Result per page, in the order of Submit. Close closes it.
func (t *Tracker) Results() <-chan Result { return t.results }

// Trouble is why the oldest page has no result yet, in words, or "".
func (t *Tracker) Trouble() string {
	t.mu.Lock()
	var began time.Time
	if len(t.unresolved) > 0 {
		began = t.unresolved[0].began
	}
	t.mu.Unlock()
	if began.IsZero() {
		return ""
	}
	if blocked := t.guard.blocked(); blocked != "" {
		return blocked
	}
	if time.Since(began) >= patience {
		return fmt.Sprintf("the output has not confirmed any events for %s; see its log messages for the cause", patience)
	}
	return ""
}

// Close publishes no further page and waits until ctx ends for the results of those that
// are in flight. Results must be read meanwhile. It then abandons a blocked publish, and
// later ACKs are ignored: libbeat's full queue releases a blocked publish only when the
// publisher closes, which is after every harvester's end.
func (t *Tracker) Close(ctx context.Context) error {
	t.endSoft()
	t.publisher.close()
	select {
	case <-t.resolved:
	case <-ctx.Done():
		t.endHard()
		t.resolver.close() // the publisher may be blocked
		<-t.resolved
	}
	t.endHard()
	t.mu.Lock()
	t.closed = true
	for _, p := range t.unresolved {
		p.permit.release()
	}
	t.mu.Unlock()
	close(t.results)
	return t.client.Close()
}

// publishPage publishes a page. It returns false at the end.
func (t *Tracker) publishPage(p *pendingPage) bool {
	if t.soft.Err() != nil || !t.publish(p) {
		return false
	}
	t.resolver.put(p)
	select {
	case t.ready <- struct{}{}:
	default:
	}
	return true
}

// publish hands a page's events to the queue as they are made. It returns false at the end.
func (t *Tracker) publish(p *pendingPage) bool {
	if t.skip(p) || p.Len == 0 {
		p.Events = nil
		close(p.acked)
		return true
	}
	permit, err := t.guard.acquire(t.soft, p.Mode != ModePipelined)
	if err != nil {
		return false
	}
	t.mu.Lock()
	p.permit, p.began = permit, time.Now()
	if t.closed {
		permit.release()
	}
	t.mu.Unlock()
	before := t.filtered.Load()
	left := p.Len
	for ev := range p.Events {
		if t.hard.Err() != nil {
			return false
		}
		if left--; left == 0 {
			ev.Private = p
		}
		t.client.Publish(ev)
	}
	p.published = p.Len - int(t.filtered.Load()-before)
	p.Events = nil
	t.observer.Published(p.published)
	return true
}

// skip is whether a page must not be published: one before it turned out as unconfirmed
// after it was made.
func (t *Tracker) skip(p *pendingPage) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	p.skipped = t.mode != ModePipelined && p.Mode == ModePipelined
	return p.skipped
}

// resolvePage finds and delivers the result of a page. It returns false at the end.
func (t *Tracker) resolvePage(p *pendingPage) bool {
	select {
	case <-p.acked:
	case <-t.hard.Done():
		return false
	}
	r := t.resolve(p)
	if t.hard.Err() != nil {
		return false // what is ACKed during a stop's end may have been dropped
	}
	select {
	case t.results <- r:
		return true
	case <-t.hard.Done():
		return false
	}
}

// resolve judges the oldest page, which was ACKed.
func (t *Tracker) resolve(p *pendingPage) Result {
	t.mu.Lock()
	r := Result{Outcome: Unconfirmed, Mode: t.mode}
	t.mu.Unlock()
	if p.Mode != ModePipelined || r.Mode == ModePipelined {
		e := t.evaluate(p)
		r.Outcome, r.Mode = next(p, e)
		r.Rejected, r.Stored = e.rejected, e.stored
	} // else a page before it is unconfirmed, and this one comes again
	p.permit.release()
	t.mu.Lock()
	t.unresolved[0] = nil
	t.unresolved = t.unresolved[1:]
	t.mode = r.Mode
	t.mu.Unlock()
	if r.Rejected > 0 || r.Outcome == Held {
		r.Reason = t.guard.reason()
	}
	return r
}

// next is what the evidence on a page means for it, and how to publish the page after it.
func next(p *pendingPage, e evidence) (Outcome, Mode) {
	one := p.Mode == ModeHeld && p.Len > 0
	switch {
	case one && (e.outcome == Delivered || e.passable):
		return Unconfirmed, ModeVerifying // now the whole page
	case one && e.outcome == Unconfirmed:
		return Unconfirmed, ModeHeld
	case e.outcome == Delivered:
		return Delivered, ModePipelined
	case e.outcome == Held:
		return Held, ModeHeld
	case p.Mode == ModePipelined && e.lost >= p.published:
		return Unconfirmed, ModeHeld // perhaps all of it was rejected
	}
	return Unconfirmed, ModeVerifying
}

// evaluate asks the guard. It remembers what was rejected of a whole page that was alone.
func (t *Tracker) evaluate(p *pendingPage) evidence {
	before := -1
	if t.alone.from == p.From {
		before = t.alone.lost
	}
	e := t.guard.evaluate(t.hard, p.permit, p.published, p.Least, before)
	switch {
	case p.Mode == ModeVerifying && e.outcome != Delivered:
		t.alone = attempt{from: p.From, lost: e.lost}
	case p.Mode != ModeHeld || p.Len == 0:
		t.alone = attempt{lost: -1}
	}
	return e
}

// acked is called by libbeat when events were ACKed.
func (t *Tracker) acked(n int, private []any) {
	t.guard.ack(n)
	t.observer.Acked(n)
	for _, v := range private {
		if p, ok := v.(*pendingPage); ok {
			close(p.acked)
		}
	}
}

// filterCounter counts what the user's processors drop.
type filterCounter struct{ t *Tracker }

func (c *filterCounter) Filtered()                   { c.t.filtered.Add(1) }
func (c *filterCounter) Closing()                    {}
func (c *filterCounter) Closed()                     {}
func (c *filterCounter) NewEvent()                   {}
func (c *filterCounter) Published()                  {}
func (c *filterCounter) DroppedOnPublish(beat.Event) {}
