// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package harvester is the one loop that collects an event type of a 1Password
// account: it fetches pages from the Events API, publishes their events through
// libbeat, and stores each page's cursor once the page is delivered.
//
// # Lifecycle
//
// A harvester runs until it is cancelled. Everything that goes wrong in between
// is a delay and a change of health, never an end. One goroutine owns the state;
// while it waits, for an answer, for the queue or for the next poll, it handles
// the ACKs of the pages in flight, oldest first.
//
// A stop makes no new request, waits at most shutdown_timeout for what is in
// flight, and closes its connection to libbeat. ACKs that come later are ignored:
// libbeat reports what a closing output drops as ACKed.
//
// # Invariants
//
// Each is tested by its name, see invariants_test.go.
//
//  1. The stored cursor is never ahead of delivery.
//  2. A page's cursor is stored only when each of its events was taken by the
//     output, dropped by the user's own processors, or refused by the output for
//     itself alone. When the output refuses everything, the cursor stays, the
//     event type is Degraded with the output's reason, and delivery resumes by
//     itself when the cause is gone.
//  3. A crash or a stop at any moment repeats at most what was in flight.
//  4. A repeated event has the same _id.
//  5. No API, network or mapping error ends a harvester, ends the beat or skips
//     an event silently.
//  6. One event type's trouble does not touch the others.
//  7. The first request's start time is stored before the request.
//  8. State that can't be read, or that belongs to another account, stops this
//     harvester with a message, and is never silently started over.
//  9. A token never reaches a log, an error, a metric or an event.
//
// # Delivery guarantee
//
// At least once to any output. The last event of a page carries the page; libbeat
// reports ACKs in order, so that its ACK stands for all of the page and of every
// page before it. What the ACK is worth is the [Guard]'s verdict.
//
// # File layout
//
//	harvester.go  a harvester's parts, its start, its loop and its stop
//	fetch.go      one request, and what an error means
//	settle.go     a page on its way: published, ACKed, judged, its cursor stored
//	wait.go       waiting, while ACKs are handled
//	events.go     from raw items to published events
//	delivery.go   publishing a page and learning of its ACK
//	guard.go      the delivery guard: what an ACK is worth
//	retry.go      what each class of error means: one table
//	health.go     health, told once a change
//	metrics.go    the metrics, declared once
package harvester
