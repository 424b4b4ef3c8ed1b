// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Pages without a result yet, and the goroutines that handle them.

package delivery

import (
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

// worker handles pages in order. Its goroutine exists only while there are pages: with 1,000 quiet accounts 6,000
// of them would wait, each with a stack.
type worker struct {
	handle func(*pendingPage) bool // false: no further page is handled
	ended  func()                  // called once, after the last page

	mu      sync.Mutex
	pages   []*pendingPage
	running bool
	closed  bool // no further page comes
	done    bool // ended was called, or will be by who set this
}

// put queues a page and never blocks. After the end the page is dropped.
func (w *worker) put(p *pendingPage) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done {
		return
	}
	w.pages = append(w.pages, p)
	if !w.running {
		w.running = true
		go w.run()
	}
}

// close ends the worker once its pages are handled. Further calls do nothing.
func (w *worker) close() {
	w.mu.Lock()
	w.closed = true
	last := !w.running && !w.done
	w.done = w.done || last
	w.mu.Unlock()
	if last {
		w.ended()
	}
}

// run handles pages until there are none.
func (w *worker) run() {
	for p := w.next(true); p != nil; {
		p = w.next(w.handle(p))
	}
}

// next returns the page to handle, or nil when there is none or no further page may be handled.
func (w *worker) next(goOn bool) *pendingPage {
	w.mu.Lock()
	if goOn && len(w.pages) > 0 {
		p := w.pages[0]
		w.pages[0] = nil // the array outlives the page, and the page its response
		w.pages = w.pages[1:]
		w.mu.Unlock()
		return p
	}
	w.pages = nil
	w.running = false
	w.done = w.closed || !goOn
	last := w.done
	w.mu.Unlock()
	if last {
		w.ended()
	}
	return nil
}
