// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package delivery answers one question: what is an ACK worth? It publishes pages of events through libbeat
// and finds out which of them were delivered. When libbeat's ACK carries an error one day, this package shrinks and
// nothing else changes.
//
// # Invariants
//
// The numbers are those of the whole beat; package harvester has the others. The tests of both packages are named after them.
//
//  1. The stored cursor is never ahead of delivery: a Result is Delivered only when every event of the
//     page has its outcome, and Results come in the order of the pages.
//  2. Delivered means that each event of the page was accepted by the output, dropped by the user's
//     processors, or rejected by the output for its own content. When the output rejects everything, the
//     Result is Held with the output's reason.
//  3. A crash or a stop at any moment repeats at most what was in flight and never skips an event: no ACK
//     counts that arrives after a stop, because libbeat reports what a closing output drops as ACKed.
//
// # Lifecycle
//
// A beat has one [Guard] and one [Responses]. Each harvester has a [Tracker]. Submit queues a page; the tracker's publishing goroutine
// waits for the page's permit and hands its events to libbeat; its resolving goroutine waits for the ACK of the page's last event, asks the
// guard what it is worth, and delivers the Result. Close waits for what is in flight, until its context ends.
//
// Modes are explicit. The tracker starts as [ModePipelined]: many pages in flight. After an unconfirmed page it is
// [ModeVerifying]: it skips pages until one arrives that is to be published alone, while no other page of the beat is in flight. A page
// that is rejected as a whole is held ([ModeHeld]) and tried again, alone, until the output accepts it.
//
// # File layout
//
// Each file uses only those above it.
//
//	output.go     what is known about an output: counters and reasons
//	bulk.go       Elasticsearch's bulk responses
//	responses.go  reading them on their way to libbeat
//	monitor.go    libbeat's output as an Output
//	page.go       a page, its mode and its result
//	guard.go      permits for pages in flight, and what the ACK of a page is worth
//	pending.go    a page without a result, and the queue of them
//	budget.go     the memory for bodies and pages in flight
//	tracker.go    one harvester's pages: published, ACKed, resolved
package delivery
