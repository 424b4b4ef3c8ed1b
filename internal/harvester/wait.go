// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Waiting, while the ACKs of the pages in flight are handled.

package harvester

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/elastic/go-concert/timed"
)

// graceful returns a context that is cancelled some time after ctx is.
func graceful(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	hard, cancel := context.WithCancel(context.WithoutCancel(ctx))
	unhook := context.AfterFunc(ctx, func() {
		_ = timed.Wait(hard, grace)
		cancel()
	})
	return hard, func() {
		unhook()
		cancel()
	}
}

// never is closed never.
var never <-chan struct{}

// errGaveUp says that during did not wait for its function.
var errGaveUp = errors.New("gave up at the stop")

// during runs fn and handles ACKs until it is done, or until giveUp is closed:
// fn goes on by itself then.
func (h *Harvester) during(giveUp <-chan struct{}, fn func()) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn()
	}()
	if !h.serve(done, giveUp) {
		return errGaveUp
	}
	return nil
}

// drain handles ACKs until nothing is in flight or ctx is cancelled.
func (h *Harvester) drain(ctx context.Context) {
	for len(h.pending) > 0 && h.handle(never, ctx.Done()) != gaveUp {
	}
}

// tokenPoll is how often a token_file is looked at while requests fail.
const tokenPoll = time.Second

// wait handles ACKs for a time, until ctx is cancelled, or until a token that
// failed was replaced.
func (h *Harvester) wait(ctx context.Context, d time.Duration) {
	failing := h.errors.failures > 0
	for d > 0 && ctx.Err() == nil {
		part := d
		if failing {
			part = min(d, tokenPoll)
		}
		d -= part
		timed, cancel := context.WithTimeout(ctx, part)
		h.hurry = cancel
		h.serve(timed.Done(), never)
		hurried := timed.Err() != nil && !errors.Is(timed.Err(), context.DeadlineExceeded)
		cancel()
		if hurried || failing && h.rotated() {
			return
		}
	}
}

// rotated tells whether there is another token than the one of the last request.
// Each harvester looks for itself: they share the account, and the first to use a
// new token must not keep it from the others.
func (h *Harvester) rotated() bool {
	serial := h.Fetcher.TokenGeneration()
	return serial != 0 && serial != h.tried
}

// serve handles ACKs until done is closed, which it reports as true, or giveUp.
func (h *Harvester) serve(done, giveUp <-chan struct{}) bool {
	for {
		switch h.handle(done, giveUp) {
		case isDone:
			return true
		case gaveUp:
			return false
		case handled:
		}
	}
}

// what handle did.
type what int

const (
	handled what = iota
	isDone
	gaveUp
)

// handle waits for one thing to happen: the ACK of the oldest page, the time to
// look at the output, done or giveUp.
func (h *Harvester) handle(done, giveUp <-chan struct{}) what {
	var acked <-chan struct{}
	if len(h.pending) > 0 {
		acked = h.pending[0].acked
	}
	select {
	case <-acked:
		h.settle()
	case <-h.checks.C:
		h.checkOutput()
	case <-done:
		return isDone
	case <-giveUp:
		return gaveUp
	}
	return handled
}

const (
	// outputPatience is how long a page may wait for its ACK before the output is
	// said to be stuck.
	outputPatience = time.Minute
	// outputCheck is how often that is looked at.
	outputCheck = 5 * time.Second
)

// checkOutput says that the output takes nothing: libbeat only logs it.
func (h *Harvester) checkOutput() {
	if why := h.outputTrouble(); why != "" {
		h.health.degraded(why + ". Nothing is lost: the cursor waits, the output tries again by itself")
	}
}

// outputTrouble is why a page waits for its ACK, or "".
func (h *Harvester) outputTrouble() string {
	oldest := h.launching
	if len(h.pending) > 0 {
		oldest = h.pending[0]
	}
	if oldest == nil {
		return ""
	}
	if blocked := h.Guard.blocked(); blocked != "" {
		return "the output refuses every request: " + blocked
	}
	if time.Since(oldest.at) >= outputPatience {
		return fmt.Sprintf("the output has not taken a page for over %s, its log lines say why", outputPatience)
	}
	return ""
}
