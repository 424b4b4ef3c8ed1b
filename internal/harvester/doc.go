// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package harvester is the one loop that collects an event type of a 1Password
// account: it fetches pages from the Events API, publishes their events through
// libbeat, and stores each page's cursor once the page is delivered.
//
// # Lifecycle
//
// A harvester runs until it is cancelled. Every failure in between
// is a delay and a change of health, never an end. One goroutine owns the state. It is one select
// over fetched pages, delivery results, the poll timer and the stop. Package delivery
// publishes the pages and finds out what became of them.
//
// A stop makes no new request, waits at most shutdown_timeout for what is in
// flight, and closes its connection to libbeat.
//
// # Invariants
//
// Each is tested by its name, see invariants_test.go.
//
//  1. The stored cursor is never ahead of delivery.
//  2. A page's cursor is stored only when each of its events was accepted by the
//     output, dropped by the user's own processors, or rejected by the output for
//     its own content. When the output rejects everything, the cursor stays, the
//     event type is Degraded with the output's reason, and delivery resumes
//     without help when the cause is gone.
//  3. A crash or a stop at any moment repeats at most what came after the last
//     stored state: what was in flight and, while the store fails, what was
//     delivered since then (at most an hour of it with states in Elasticsearch).
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
// At least once to any output. What an ACK of libbeat is worth is package delivery's question.
//
// # File layout
//
// Each file uses only those above it.
//
//	options.go    what a harvester needs from outside
//	retry.go      what each class of error means: one table
//	histogram.go  a metric that counts values in buckets
//	metrics.go    the metrics, declared once
//	export.go     reading the metrics, for Prometheus
//	log.go        a limit for log messages
//	health.go     health, reported when it changes
//	clock.go      the server's clock and the start of requests
//	cursor.go     a cursor that the API rejects
//	events.go     from raw items to published events
//	position.go   the stored state, its load and its commits
//	request.go    one request
//	harvester.go  the loop: a select over what may happen
package harvester
