// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The delivery guard: what an ACK of libbeat is worth.

package harvester

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/elastic/go-concert/timed"
)

// settleTimeout is how long the guard waits for the output's counters to cover
// the events that were ACKed. Most outputs count before they ACK, some just after.
const settleTimeout = time.Second

// settlePoll is how often the counters are looked at in that time.
const settlePoll = 2 * time.Millisecond

// maxFlights is how many pages may be in flight at once, over all harvesters of
// a process. The queue is what limits them; this is only the gate's size.
const maxFlights = 1 << 20

// Counts are counters of the output's events, since the beat started.
type Counts struct {
	Taken   uint64 // accepted, known already (a duplicate), or put into the dead letter index
	Refused uint64 // dropped by the output for good

	// Of the refusals, those that the output explained. They are counted before
	// Refused is. An output that explains nothing leaves both at 0.
	Own   uint64 // the event itself was at fault: a value that does not fit the mapping
	Fault uint64 // anything else: a privilege, a block, a missing index or pipeline

	Failed uint64 // tries that failed and are made again

	Of any // the output that counts: another value once it was replaced

	life uint64 // how often the counters began anew; the guard sets it
}

func (c Counts) total() uint64 { return c.Taken + c.Refused }

// Guard tells delivered pages from those that were merely ACKed. libbeat ACKs
// an event that its output refused for good (a missing privilege, a blocked
// index, a mapping conflict) like one that was delivered; only the counters at
// libbeat.output.events show it, and they are one set for the whole beat.
//
// So each page remembers the counters at its start, and when it is ACKed:
//
//   - no refusal since: it is delivered;
//   - fewer refusals than it has events, and the output explained each by the
//     event itself: what was refused was refused for itself, it is delivered;
//   - anything else, ACKs that no counter accounts for (an output that was closed
//     with a request in flight), and ACKs of an output that is known to ACK in
//     haste after a failure (Kafka's): it is suspect. The harvester publishes it
//     once more, alone, with every other page of the beat landed, so that the
//     counters are its own.
//
// Alone, a page that is refused as a whole is held, whatever the explanation: a
// template may fit nothing. One that is refused in part, without an explanation,
// is delivered once the same number is refused again: the first refusals of an
// output that begins to refuse everything look just like that.
//
// One Guard serves all harvesters of a process.
type Guard struct {
	output Output              // nil: switched off
	gate   *semaphore.Weighted // shared by pages in flight, exclusive for a verification

	mu      sync.Mutex
	last    Counts    // the highest counters seen: they fall when an output is replaced
	covered uint64    // counters' total that stands for acked == 0
	acked   uint64    // events ACKed since then, over all harvesters
	claimed uint64    // refusals that some page has been charged with
	failure time.Time // when a failed try was last seen
}

// Output is what the guard sees of the output.
type Output interface {
	// Counts are the counters of its events.
	Counts() Counts
	// Refusal is why it last refused an event for good, in words; "" if it gave
	// no reason.
	Refusal() string
	// Blocked is why it refuses whole requests at the moment, in words; "" if it
	// does not, or does not say.
	Blocked() string
	// Hasty outputs count and ACK events as taken that they never sent, for a while
	// after a failed try: libbeat's Kafka output, while its circuit breaker is open.
	Hasty() bool
}

// hastyFor is how long after a failed try a hasty output's ACKs are worth nothing.
// Kafka's circuit breaker stays open for 10 s.
const hastyFor = 11 * time.Second

// NewGuard makes the guard of a beat. A nil output switches it off: with
// queue.disk an ACK says that an event is on disk, not that it was delivered.
func NewGuard(output Output) *Guard {
	g := &Guard{output: output, gate: semaphore.NewWeighted(maxFlights)}
	if output != nil {
		g.last = output.Counts()
		g.covered = g.last.total()
		g.claimed = g.last.Refused
	}
	return g
}

// slot is a page's place in the gate.
type slot struct {
	guard     *Guard
	weight    int64
	start     Counts
	hasty     bool // a failed try was seen shortly before
	exclusive bool
}

// enter opens a page's window. exclusive waits until no other page is in flight
// and keeps others out until the slot is left.
func (g *Guard) enter(ctx context.Context, exclusive bool) (*slot, error) {
	s := &slot{guard: g, weight: 1, exclusive: exclusive}
	if g.output == nil {
		s.weight = 0
		return s, nil
	}
	if exclusive {
		s.weight = maxFlights
	}
	if err := g.gate.Acquire(ctx, s.weight); err != nil {
		return nil, err
	}
	if exclusive {
		if err := timed.Wait(ctx, g.open(s)); err != nil {
			s.leave()
			return nil, err
		}
	}
	s.hasty = g.open(s) > 0
	return s, nil
}

func (s *slot) leave() {
	if s.weight > 0 {
		s.guard.gate.Release(s.weight)
		s.weight = 0
	}
}

// ack counts events that libbeat reported as ACKed.
func (g *Guard) ack(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.acked += uint64(n) //nolint:gosec // a count
}

// verdict is what became of a page.
type verdict int

const (
	delivered verdict = iota // its cursor may be stored
	suspect                  // publish it again, alone
	refused                  // the output refuses all of it: hold the cursor
)

// settle gives the verdict on a page of n published events that were all ACKed.
// before is how many were refused when it was last published alone, or -1. lost
// is how many were refused now, charged how many of its events will never arrive.
func (g *Guard) settle(ctx context.Context, s *slot, n, before int) (v verdict, lost, charged int) {
	if g.output == nil || n == 0 {
		return delivered, 0, 0
	}
	now, accounted := g.await(ctx)
	if !accounted || now.life != s.start.life || now.Refused < s.start.Refused {
		return suspect, -1, 0 // an output was closed or replaced meanwhile
	}
	if g.output.Hasty() && (s.hasty || now.Failed != s.start.Failed) {
		return suspect, -1, 0
	}
	lost = int(now.Refused - s.start.Refused)                                      //nolint:gosec // a count
	explained := now.Fault == s.start.Fault && now.Own-s.start.Own >= uint64(lost) //nolint:gosec // a count
	switch {
	case lost == 0:
		v = delivered
	case lost < n && explained:
		v = delivered
		if !s.exclusive {
			return v, lost, min(lost, g.claim(now))
		}
	case !s.exclusive:
		return suspect, lost, 0
	case lost >= n:
		v = refused
	case lost == before:
		v = delivered
	default:
		return suspect, lost, 0
	}
	if s.exclusive {
		g.claim(now) // what was refused before this page was published alone is settled with it
	}
	if v == delivered {
		charged = lost
	}
	return v, lost, charged
}

// await waits until the counters cover all ACKs, and tells whether they did.
func (g *Guard) await(ctx context.Context) (Counts, bool) {
	if now, ok := g.covers(); ok {
		return now, true
	}
	timeout := time.NewTimer(settleTimeout)
	defer timeout.Stop()
	poll := time.NewTicker(settlePoll)
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
// do not cover nobody knows: what is in flight, of all harvesters, is of another life.
func (g *Guard) rebase() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.covered, g.acked = g.read().total(), 0
	g.last.life++
}

// read reads the counters; g.mu is held. They start again at 0 when the output
// is replaced.
func (g *Guard) read() Counts {
	now := g.output.Counts()
	if now.life = g.last.life; now.Of != g.last.Of || now.total() < g.last.total() {
		now.life++
		g.covered, g.acked, g.claimed = now.total(), 0, 0
	}
	if now.Failed != g.last.Failed {
		g.failure = time.Now()
	}
	g.last = now
	return now
}

// open begins the slot's window and returns how long the ACKs of a hasty output
// are worth nothing yet. Both are of one look at the counters: a failure is before the
// window or in it.
func (g *Guard) open(s *slot) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	s.start = g.read()
	if !g.output.Hasty() || g.failure.IsZero() {
		return 0
	}
	return max(0, hastyFor-time.Since(g.failure))
}

// claim charges the caller with the refusals that nobody was charged with yet.
// Where several pages were in flight the sum over all event types is exact, the
// share of each is not.
func (g *Guard) claim(now Counts) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now.Refused <= g.claimed {
		return 0
	}
	n := now.Refused - g.claimed
	g.claimed = now.Refused
	return int(n) //nolint:gosec // a count
}

// reason is the output's reason in words, for a log line and a status.
func (g *Guard) reason() string {
	if r := g.output.Refusal(); r != "" {
		return r
	}
	return "the output gave no reason, its log lines may"
}

// blocked is why the output refuses whole requests, or "".
func (g *Guard) blocked() string {
	if g.output == nil {
		return ""
	}
	return g.output.Blocked()
}
