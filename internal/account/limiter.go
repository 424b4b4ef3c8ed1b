// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The rate limiter that all inputs with one token share.

package account

import (
	"context"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/elastic/go-concert/timed"
)

// Limiter keeps requests below the API's limits: 600 a minute and 30,000 an hour
// (Events API reference, rate limits). Whether its windows are fixed or sliding
// is not documented, so that no window of either kind may hold more: a bucket of
// a burst plus a refill that together stay at the limit.
type Limiter struct {
	windows []*rate.Limiter

	mu      sync.Mutex
	until   time.Time     // the server asked for silence until then
	spacing time.Duration // between the pages of a backlog, at the end of the last long pause
	slowed  time.Time     // when that pause ends or ended
}

// The spacing between the pages of a backlog after a 429 with a long pause: at first and at most, and after how long
// without another one it halves. A shorter pause delays the other event types less than a backlog that is slowed down.
const (
	longPause                = 10 * time.Second
	firstSpacing, maxSpacing = time.Second, 16 * time.Second
	spacingHalves            = 10 * time.Minute
)

// burstShare is the part of a window's budget that may be spent at once.
const burstShare = 10

// NewLimiter makes a limiter; 0 switches a window off.
func NewLimiter(perMinute, perHour int) *Limiter {
	l := &Limiter{}
	for _, w := range []struct {
		n      int
		length time.Duration
	}{{perMinute, time.Minute}, {perHour, time.Hour}} {
		if w.n <= 0 {
			continue
		}
		burst := max(1, w.n/burstShare)
		refill := rate.Limit(float64(max(1, w.n-burst)) / w.length.Seconds())
		l.windows = append(l.windows, rate.NewLimiter(refill, burst))
	}
	return l
}

// Wait returns when a request may be made, and how long that took.
func (l *Limiter) Wait(ctx context.Context) (time.Duration, error) {
	start := time.Now()
	for {
		if err := l.quiet(ctx); err != nil {
			return time.Since(start), err
		}
		for _, w := range l.windows {
			if err := w.Wait(ctx); err != nil {
				return time.Since(start), err
			}
		}
		if l.left() <= 0 {
			return time.Since(start), ctx.Err()
		}
		// Paused meanwhile: what was granted was for that time, not for the end
		// of the pause, when everyone who waits would come at once.
	}
}

// Pause makes every request with this token wait for d: the server said so. After a long pause the budget seems to be
// smaller than it was set to, because another program uses the token: from then on backlogs leave room in it.
func (l *Limiter) Pause(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if d >= longPause {
		if now.After(l.slowed) { // the first of the requests that were under way
			l.spacing = min(max(firstSpacing, 2*l.spacingAt(now)), maxSpacing)
		}
		l.slowed = later(l.slowed, now.Add(d))
	}
	l.until = later(l.until, now.Add(d))
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// Spacing is how long to wait between two pages of a backlog, so that the other event types of the token find room in
// its budget; usually 0.
func (l *Limiter) Spacing() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.spacingAt(time.Now())
}

// spacingAt is the spacing at a time; l.mu is held.
func (l *Limiter) spacingAt(now time.Time) time.Duration {
	quiet := max(0, now.Sub(l.slowed))
	if s := l.spacing >> min(uint(quiet/spacingHalves), 62); s >= firstSpacing {
		return s
	}
	return 0
}

// Budget is what is left, for diagnostics.
type Budget struct {
	Windows   []Window
	PausedFor time.Duration // the server asked for silence for that long; 0 if it did not
}

// Window is the bucket of one limit.
type Window struct {
	Burst           int // requests that may be made at once
	RefillPerMinute int
	Available       int // requests that may be made now; negative while some wait
}

// Budget returns what is left now.
func (l *Limiter) Budget() Budget {
	b := Budget{PausedFor: max(0, l.left())}
	for _, w := range l.windows {
		b.Windows = append(b.Windows, Window{
			Burst:           w.Burst(),
			RefillPerMinute: int(math.Round(float64(w.Limit()) * time.Minute.Seconds())),
			Available:       int(math.Floor(w.Tokens())),
		})
	}
	return b
}

// PausedUntil is the end of the pause that the server asked for; a time in the past if there is none.
func (l *Limiter) PausedUntil() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.until
}

// quiet waits until the silence that the server asked for is over.
func (l *Limiter) quiet(ctx context.Context) error {
	for {
		left := l.left()
		if left <= 0 {
			return ctx.Err()
		}
		if err := timed.Wait(ctx, left); err != nil {
			return err
		}
	}
}

// left is how much longer the server wants silence.
func (l *Limiter) left() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Until(l.until)
}
