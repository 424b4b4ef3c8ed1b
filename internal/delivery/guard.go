// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The guard: permits for pages in flight, and what the ACK of a page is worth.

package delivery

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/elastic/go-concert/timed"
)

const (
	// CountTimeout is how long the guard waits for the output's counters to cover
	// the events that were ACKed. Most outputs count before they ACK, some just after.
	CountTimeout = time.Second
	// countPoll is how often the counters are read during that time.
	countPoll = 2 * time.Millisecond
	// maxPermits is how many pages may be in flight at once, over all trackers of
	// a process. libbeat's queue is the real limit; this is the size of the barrier.
	maxPermits = 1 << 20
	// unsentFor is how long after a failed attempt the ACKs of an output that ACKs
	// unsent events prove nothing. Kafka's circuit breaker stays open for 10 s.
	unsentFor = 11 * time.Second
	// proofFor is how long an accepted page proves that the output accepts documents: the index template may
	// be changed without the beat's notice.
	proofFor = time.Hour
)

// Guard tells delivered pages from those that were merely ACKed. libbeat ACKs
// an event that its output rejected for good (a missing privilege, a blocked
// index, a mapping conflict) like one that was delivered. Only the counters at
// libbeat.output.events show the difference, and they are one set for the whole beat.
//
// So each page remembers the counters at its start, and when it is ACKed:
//
//   - no rejection since: it is delivered;
//   - fewer rejections than it has events, and the output explained each of them
//     by the event's content: it is delivered, except for what was rejected;
//   - anything else, ACKs that no counter accounts for (an output that was closed
//     with a request in flight), and ACKs of an output that ACKs unsent events, after
//     a failed attempt: it is unconfirmed. The harvester publishes it
//     again, alone, after every other page of the beat has its result, so that the
//     counters are its own.
//
// Alone, a page that is rejected as a whole is held: a template that fits nothing rejects documents for
// their content, too. It is passed once there is proof that the output accepts documents: another page, published
// after the last change of the template and within the last hour, was accepted. If the
// output explains nothing, but drops events of this size for their content, the page has to be rejected twice.
// A page that is rejected in part, without an explanation,
// is delivered once the same number is rejected again: the first rejections of an
// output that begins to reject everything look just like that. It is held if a privilege, a block, or an index or a
// pipeline that is missing is the reason for any of them.
//
// One Guard serves all trackers of a process.
type Guard struct {
	output  Output              // nil: disabled
	permits *semaphore.Weighted // shared by pages in flight, exclusive for a page that is alone

	mu      sync.Mutex
	last    Counts    // the highest counters seen: they fall when an output is replaced
	covered uint64    // the counters' total that stands for acked == 0
	acked   uint64    // events ACKed since then, over all trackers
	charged uint64    // rejections that some page has been charged with
	failure time.Time // when a failed attempt was last seen
	proof   proof     // the last page of which the output accepted an event
}

// proof shows that the output accepts documents.
type proof struct {
	at        time.Time // zero: there is none
	of        any       // the output
	templates uint64    // how many templates had been written when a document was accepted
}

// NewGuard makes the guard of a beat. A nil output switches it off: with
// queue.disk an ACK says that an event is on disk, not that it was delivered.
func NewGuard(output Output) *Guard {
	g := &Guard{output: output, permits: semaphore.NewWeighted(maxPermits)}
	if output != nil {
		g.last = output.Counts()
		g.covered = g.last.total()
		g.charged = g.last.Rejected
	}
	return g
}

// permit allows a page to be in flight. It remembers the counters at the page's start.
type permit struct {
	guard  *Guard
	weight int64
	start  Counts
	unsent bool // a failed attempt was seen shortly before, and the output ACKs unsent events
	alone  bool
}

// acquire waits for a permit. An alone page waits until no other page is in flight
// and keeps others out until its permit is released.
func (g *Guard) acquire(ctx context.Context, alone bool) (*permit, error) {
	p := &permit{guard: g, weight: 1, alone: alone}
	if g.output == nil {
		p.weight = 0
		return p, nil
	}
	if alone {
		p.weight = maxPermits
	}
	if err := g.permits.Acquire(ctx, p.weight); err != nil {
		return nil, err
	}
	if alone {
		if err := timed.Wait(ctx, g.open(p)); err != nil {
			p.release()
			return nil, err
		}
	}
	p.unsent = g.open(p) > 0
	return p, nil
}

func (p *permit) release() {
	if p != nil && p.weight > 0 {
		p.guard.permits.Release(p.weight)
		p.weight = 0
	}
}

// ack counts events that libbeat reported as ACKed.
func (g *Guard) ack(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.acked += uint64(n) //nolint:gosec // a count
}

// evidence is what the counters say about a page of n published events.
type evidence struct {
	outcome  Outcome
	lost     int  // events rejected while it was in flight; -1: not known
	rejected int  // of a delivered page: events that will never arrive, as far as it is charged with them
	stored   int  // of the events in flight with it: how many went to the failure store
	passable bool // of a held page: its own content may be the cause, and the output accepts other documents
}

// evaluate judges a page of n published events that were all ACKed. least is the size of the smallest. before is how
// many were rejected when the page was last published alone, or -1.
func (g *Guard) evaluate(ctx context.Context, p *permit, n, least, before int) evidence {
	if g.output == nil || n == 0 {
		return evidence{outcome: Delivered}
	}
	now, accounted := g.await(ctx)
	if !accounted || now.epoch != p.start.epoch || now.Rejected < p.start.Rejected {
		return evidence{outcome: Unconfirmed, lost: -1} // an output was closed or replaced meanwhile
	}
	if g.output.AcksUnsent() && (p.unsent || now.Failed != p.start.Failed) {
		return evidence{outcome: Unconfirmed, lost: -1}
	}
	e := evidence{lost: int(now.Rejected - p.start.Rejected), stored: int(now.FailureStore - p.start.FailureStore)} //nolint:gosec // counts
	blamed := now.OutputErrors != p.start.OutputErrors
	explained := !blamed && now.DocumentErrors-p.start.DocumentErrors >= uint64(e.lost) //nolint:gosec // a count
	defer func() { g.prove(now, e, n) }()
	switch {
	case e.lost == 0:
		e.outcome = Delivered
	case e.lost < n && explained:
		e.outcome = Delivered
		if !p.alone {
			e.rejected = min(e.lost, g.charge(now))
			return e
		}
	case !p.alone:
		e.outcome = Unconfirmed
		return e
	case e.lost >= n:
		e.outcome = Held
		e.passable = !blamed && (explained || g.output.DropsForContent(least)) && g.proven(now)
		if e.passable && (explained || e.lost == before) {
			e.outcome = Delivered
		}
	case now.Denials != p.start.Denials:
		e.outcome = Held // a part of the page is not for this output to accept, yet
	case e.lost == before:
		e.outcome = Delivered
	default:
		e.outcome = Unconfirmed
		return e
	}
	if p.alone {
		g.charge(now) // what was rejected before this page was published alone is charged with it
	}
	if e.outcome == Delivered {
		e.rejected = e.lost
	}
	return e
}

// prove remembers a page of which the output accepted an event.
func (g *Guard) prove(now Counts, e evidence, n int) {
	if e.outcome != Delivered || e.lost >= n {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.proof = proof{at: time.Now(), of: now.Of, templates: now.Proven}
}

// proven is whether another page shows that the output accepts documents with today's template.
func (g *Guard) proven(now Counts) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.proof.at.IsZero() && time.Since(g.proof.at) < proofFor && g.proof.of == now.Of && g.proof.templates == now.Templates
}

// await waits until the counters cover all ACKs, and returns whether they did.
func (g *Guard) await(ctx context.Context) (Counts, bool) {
	if now, ok := g.covers(); ok {
		return now, true
	}
	timeout := time.NewTimer(CountTimeout)
	defer timeout.Stop()
	poll := time.NewTicker(countPoll)
	defer poll.Stop()
	for {
		select {
		case <-poll.C:
			if now, ok := g.covers(); ok {
				return now, true
			}
		case <-timeout.C:
			g.rebase()
			return Counts{}, false
		case <-ctx.Done():
			return Counts{}, false // the others go on waiting
		}
	}
}

func (g *Guard) covers() (Counts, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.read()
	return now, now.total()-g.covered >= g.acked
}

// rebase takes the counters as they are for all that was ACKed so far. Whose ACKs they
// do not cover is unknown, so all pages in flight, of all trackers, get a new epoch.
func (g *Guard) rebase() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.covered, g.acked = g.read().total(), 0
	g.last.epoch++
}

// read reads the counters; g.mu is held. They start again at 0 when the output
// is replaced.
func (g *Guard) read() Counts {
	now := g.output.Counts()
	failed := g.last.Failed
	if now.epoch = g.last.epoch; now.Of != g.last.Of || now.total() < g.last.total() {
		now.epoch++
		g.covered, g.acked, g.charged = now.total(), 0, 0
		failed = 0 // the same number of another output is a failure, too
	}
	if now.Failed != failed {
		g.failure = time.Now()
	}
	g.last = now
	return now
}

// open begins the window of a permit and returns for how long the ACKs of an output that
// ACKs unsent events still prove nothing. Both come from one reading of the counters: a
// failure is before the window or in it.
func (g *Guard) open(p *permit) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	p.start = g.read()
	if !g.output.AcksUnsent() || g.failure.IsZero() {
		return 0
	}
	return max(0, unsentFor-time.Since(g.failure))
}

// charge charges the caller with the rejections that no page was charged with yet.
// Where several pages were in flight the sum over all event types is exact, the
// share of each is not.
func (g *Guard) charge(now Counts) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now.Rejected <= g.charged {
		return 0
	}
	n := now.Rejected - g.charged
	g.charged = now.Rejected
	return int(n) //nolint:gosec // a count
}

// reason is the output's reason in words, for a log line and a status.
func (g *Guard) reason() string {
	if g.output != nil {
		if r := g.output.Rejection(); r != "" {
			return r
		}
	}
	return "the output gave no reason; see its log messages"
}

// blocked is why the output rejects whole requests, or "".
func (g *Guard) blocked() string {
	if g.output == nil {
		return ""
	}
	return g.output.Blocked()
}
