// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Pages without a result yet, and the queue that hands them between goroutines.

package delivery

import (
	"context"
	"sync"
	"time"
)

// pendingPage is a page without a result yet. It rides in the Private field of the page's
// last event. libbeat reports ACKs in order, those of events that the user's
// own processors dropped included: the ACK of the last event stands for the whole page.
type pendingPage struct {
	Page
	permit    *permit
	began     time.Time     // when its publishing began; zero: it waits for its permit
	published int           // events that went to the queue
	skipped   bool          // not published: a page before it is unconfirmed
	acked     chan struct{} // closed by the ACK of the page's last event
}

// fifo hands pages from one goroutine to another. Put never blocks; one goroutine takes.
type fifo struct {
	mu     sync.Mutex
	pages  []*pendingPage
	closed bool
	news   chan struct{} // of capacity 1: something was put or the fifo was closed
}

func newFIFO() *fifo { return &fifo{news: make(chan struct{}, 1)} }

func (f *fifo) put(p *pendingPage) {
	f.mu.Lock()
	f.pages = append(f.pages, p)
	f.mu.Unlock()
	f.signal()
}

// close makes take return nil once the fifo is empty.
func (f *fifo) close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.signal()
}

func (f *fifo) signal() {
	select {
	case f.news <- struct{}{}:
	default:
	}
}

// take waits for the next page. It returns nil when ctx ends, or when the fifo is closed and empty.
func (f *fifo) take(ctx context.Context) *pendingPage {
	for ctx.Err() == nil {
		f.mu.Lock()
		if len(f.pages) > 0 {
			p := f.pages[0]
			f.pages[0] = nil // the array outlives the page, and the page its response
			f.pages = f.pages[1:]
			f.mu.Unlock()
			return p
		}
		closed := f.closed
		f.mu.Unlock()
		if closed {
			return nil
		}
		select {
		case <-f.news:
		case <-ctx.Done():
		}
	}
	return nil
}
