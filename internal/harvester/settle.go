// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A page on its way: published, ACKed, judged, its cursor stored.

package harvester

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"onepasswordbeat/internal/eventsapi"
	"onepasswordbeat/internal/registry"
)

// take publishes a page and returns how long to wait before the next.
func (h *Harvester) take(ctx context.Context, page *eventsapi.Page) time.Duration {
	h.answered()
	f := &flight{next: h.next, acked: make(chan struct{}), slot: &slot{guard: h.Guard}}
	f.next.Cursor = page.Cursor
	if h.next.Cursor == "" {
		f.next.Limit = h.Config.Limit // what this chain of cursors remembers
	}
	moved := page.Cursor != h.next.Cursor
	h.Metrics.page(len(page.Items), page.Bytes)
	if len(page.Items) == 0 || !moved && !h.verifying && h.same(page) {
		h.verifying = false // what was suspect is there no more
		if !moved {
			h.idle()
			h.stuck(page.HasMore)
			return h.Config.Interval
		}
	}
	if err := h.launch(ctx, f, page); err != nil {
		return 0
	}
	h.next = f.next
	if f.slot.exclusive {
		if h.drain(h.hardCtx); h.verifying {
			return h.holds.next(heldPolicy)
		}
	}
	h.report()
	h.stuck(page.HasMore && !moved)
	if page.HasMore && moved {
		return 0
	}
	return h.Config.Interval
}

// stuck notes whether a page claims that there is more, with a cursor that does not
// move; the first in a row is said.
func (h *Harvester) stuck(is bool) {
	was := h.isStuck
	if h.isStuck = is; !is {
		return
	}
	h.Metrics.stuck()
	if was {
		return
	}
	h.Log.Warnf("%s: the API says that there is more, but its cursor does not move; trying again in %s", h.Module.Name, h.Config.Interval)
}

// same tells whether a page with an unmoved cursor is the one that came before: an
// API whose last cursor stays before the last events would repeat them for ever.
func (h *Harvester) same(page *eventsapi.Page) bool {
	sum := sha256.New()
	for _, item := range page.Items {
		sum.Write(item)
	}
	before := h.repeated
	h.repeated = [sha256.Size]byte(sum.Sum(nil))
	return before == h.repeated
}

// launch publishes the events of a flight and leaves it to wait for its ACK.
func (h *Harvester) launch(ctx context.Context, f *flight, page *eventsapi.Page) error {
	n := len(page.Items)
	if n > 0 {
		var err error
		exclusive := h.verifying
		_ = h.during(never, func() { f.slot, err = h.Guard.enter(ctx, exclusive) })
		if err != nil {
			return err
		}
	}
	f.at = time.Now()
	h.launching = f
	defer func() { h.launching = nil }()
	// A full queue does not let go of a Publish before the publisher closes, which
	// is after this harvester's end.
	if err := h.during(h.hardCtx.Done(), func() { h.delivery.publish(f, n, h.events(page, &f.next)) }); err != nil {
		f.slot.leave()
		return err
	}
	h.Metrics.published(f.published)
	h.pending = append(h.pending, f)
	return nil
}

// settle gives the verdict on the oldest flight, which was ACKed.
func (h *Harvester) settle() {
	f := h.pending[0]
	h.pending = h.pending[1:]
	if h.verifying && !f.slot.exclusive {
		f.slot.leave()
		return // an earlier page is suspect, this one will be fetched again
	}
	v, lost, charged := h.Guard.settle(h.hardCtx, f.slot, f.published, h.lost)
	f.slot.leave()
	h.Metrics.refused(charged)
	h.lost = -1
	if f.slot.exclusive {
		h.lost = lost
	}
	switch v {
	case delivered:
		h.delivered(f, charged)
	case suspect:
		h.verifying = true
		h.hurry()
	case refused:
		h.verifying = true
		h.health.degraded(fmt.Sprintf("the output refuses all events of a page: %s. They stay at 1Password and the cursor stays, "+
			"the next try is made by itself", h.Guard.reason()))
	}
}

// delivered stores the cursor of a delivered page.
func (h *Harvester) delivered(f *flight, charged int) {
	if charged > 0 {
		h.Log.Warnf("%s: the output refused %d events for themselves and took the rest: %s. libbeat's event log or the dead letter index has them",
			h.Module.Name, charged, h.Guard.reason())
	}
	h.verifying, h.lost = false, -1
	h.holds.reset()
	h.commit(f.next)
}

// commit stores a state. A disk that refuses it costs repeats after a crash, and
// no event: the harvester goes on and tries again.
func (h *Harvester) commit(state registry.State) {
	state.Updated = h.Now()
	state.Account = cmp.Or(state.Account, h.stored.Account) // learnt while the page was in flight
	h.stored = state
	err := h.Store.Commit(h.Key, state)
	h.unsaved = err != nil
	if err != nil {
		h.Metrics.commitFailed()
		h.health.degraded(err.Error())
		return
	}
	h.Metrics.committed(state)
}
