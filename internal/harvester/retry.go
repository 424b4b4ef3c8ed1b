// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What each class of error means for the next request: one table.

package harvester

import (
	"math/rand/v2"
	"time"

	"onepasswordbeat/internal/eventsapi"
)

// policy is how a harvester goes on after an error.
type policy struct {
	first, max time.Duration // of the exponential backoff
}

// policies by class. What is not listed backs off like a server error. No class
// ends a harvester: a rotated token, a fixed scope or a server that is back heals it.
var policies = map[eventsapi.Class]policy{
	// Nothing changes by asking often; a changed token_file is tried at once.
	eventsapi.Token:     {5 * time.Second, time.Minute},
	eventsapi.Auth:      {5 * time.Second, time.Minute},
	eventsapi.Forbidden: {5 * time.Second, time.Minute},
	eventsapi.NotFound:  {5 * time.Second, time.Minute},
	eventsapi.Redirect:  {5 * time.Second, time.Minute},
	// What mostly does not reach the server costs it little, and a link that is back
	// should be used soon.
	eventsapi.Network: {500 * time.Millisecond, 15 * time.Second},
	// Without a Retry-After. The windows are a minute and an hour long.
	eventsapi.RateLimited: {time.Second, time.Minute},
}

// otherPolicy is for what a moment may heal: 5xx, cut or malformed bodies. A
// single failure costs half a second.
var otherPolicy = policy{500 * time.Millisecond, time.Minute}

// heldPolicy is for a page that is published alone and not delivered.
var heldPolicy = policy{time.Second, 30 * time.Second}

// backoff counts the failures in a row of one harvester.
type backoff struct{ failures int }

// next returns how long to wait after another failure: doubling from p.first to
// p.max, less up to a quarter, so that harvesters do not retry in step.
func (b *backoff) next(p policy) time.Duration {
	d := p.max
	if b.failures < 16 {
		d = min(p.max, p.first<<b.failures)
	}
	b.failures++
	return d - time.Duration(rand.Int64N(int64(d)/4+1)) //nolint:gosec // jitter need not be secret
}

func (b *backoff) reset() { b.failures = 0 }

// delayFor returns how long to wait after err.
func (b *backoff) delayFor(err *eventsapi.Error) time.Duration {
	p, ok := policies[err.Class]
	if !ok {
		p = otherPolicy
	}
	d := b.next(p)
	if err.HasRetryAfter {
		return max(err.RetryAfter, time.Second)
	}
	return d
}
