// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The memory for response bodies and for pages in flight, over all inputs.

package delivery

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

const (
	// costFactor is what a byte of a response costs while its page is in flight: the body itself, the encoded
	// events in the queue, and the request of the output.
	costFactor = 3
	// UsualBudget is for the first reservation of each response. A usual page needs no other.
	UsualBudget = 96 << 20
	// LargeBudget is for the rest of large responses. It has to hold the rest of the largest: 28 MiB.
	LargeBudget = 84 << 20
)

// Budget bounds the memory for bodies being read and pages in flight, over all inputs of a process. A response reserves
// before its body is read, and its page releases with its result.
//
// There are two parts, against deadlock: a response that turns out to be large waits for the second part while it holds
// some of the first, and the holder of some of the second waits for the output only. The budget is reserved before the
// barrier of a verification: a page that waits for the budget holds no permit.
type Budget struct {
	usual, large         *semaphore.Weighted
	usualSize, largeSize int64
}

// NewBudget makes the budget of a process, of two parts in bytes of cost.
func NewBudget(usual, large int64) *Budget {
	return &Budget{semaphore.NewWeighted(usual), semaphore.NewWeighted(large), usual, large}
}

// Wait waits until a usual response could be reserved. Without it the wait would count as time of the request.
func (b *Budget) Wait(ctx context.Context, bytes int64) error {
	n := min(bytes*costFactor, b.usualSize)
	if err := b.usual.Acquire(ctx, n); err != nil {
		return err
	}
	b.usual.Release(n)
	return nil
}

// Reservation is the part of the budget that one response and its page hold.
type Reservation struct {
	budget *Budget

	mu           sync.Mutex
	usual, large int64
}

// Reservation returns an empty one.
func (b *Budget) Reservation() *Reservation { return &Reservation{budget: b} }

// Reserve waits for the cost of a number of bytes. Its signature is that of eventsapi.Query.Reserve.
func (r *Reservation) Reserve(ctx context.Context, bytes int64) error {
	r.mu.Lock()
	first := r.usual == 0
	r.mu.Unlock()
	if first {
		n := min(bytes*costFactor, r.budget.usualSize)
		if err := r.budget.usual.Acquire(ctx, n); err != nil {
			return err
		}
		r.mu.Lock()
		r.usual += n
		r.mu.Unlock()
		return nil
	}
	n := min(bytes*costFactor, r.budget.largeSize)
	if err := r.budget.large.Acquire(ctx, n); err != nil {
		return err
	}
	r.mu.Lock()
	r.large += n
	r.mu.Unlock()
	return nil
}

// Shrink releases what a decoded page of a number of bytes does not need.
func (r *Reservation) Shrink(bytes int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	cost := bytes * costFactor
	usual := min(r.usual, cost)
	large := min(r.large, cost-usual)
	r.budget.usual.Release(r.usual - usual)
	r.budget.large.Release(r.large - large)
	r.usual, r.large = usual, large
}

// Release releases all of it.
func (r *Reservation) Release() { r.Shrink(0) }
