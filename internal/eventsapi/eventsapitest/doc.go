// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package eventsapitest simulates the 1Password Events API: an http.Handler, and
// a server for tests, demo and benchmarks. Its facts come from the public Events
// API reference and from what is known of live answers; where those leave a
// choice, it is a setting of [Config].
//
//	srv := eventsapitest.StartTB(t, eventsapitest.Config{
//		Seed:    1,
//		Backlog: eventsapitest.Each(50_000),
//		Live:    eventsapitest.Each(5.0),
//	})
//	srv.Script(eventsapitest.HTTPStatus(500).For(eventsapitest.AuditEvents))
//	// client: srv.URL, srv.Token()
//	for i, uuid := range srv.UUIDs(eventsapitest.AuditEvents, time.Time{}) { ... }
//
// # Events
//
// Event i of a type is a pure function of seed, account, type and i: nothing is
// stored, so millions of events cost no memory, and two simulators with the same
// seed and epoch serve the same events, accept each other's cursors and tokens,
// and can follow each other in the middle of a test. The times of the backlog
// are spread over [Epoch-BacklogSpan, Epoch), live events follow at a fixed
// rate; how many there are is a function of the clock, which may be a fake one.
// [Account.Publish] puts hand-made events between the generated ones.
//
// An event has two times: when it happened (its timestamp) and when the API
// learned of it. In [IngestOrder] cursors walk the second and a late event is
// met where it arrived. In [EventTimeOrder] cursors walk the first and a client
// that has gone past a late event's place never sees it.
//
// Every account ([Simulator.In], [WithAccount]) has events of its own.
//
// # Paging
//
// A reset body {limit, start_time, end_time}, all optional, starts at the first
// event that happened at or after start_time, by default an hour before
// end_time or now; end_time is exclusive. The start time filters what was there
// at that moment; events ingested later are delivered however old they are. A
// cursor holds position, page size and filters, sealed for its stream, account
// and seed; anything else is answered 400. While nothing is new, the same cursor
// comes back.
//
// # Faults
//
// A [Fault] comes by script, next requests first ([Simulator.Script]), or by
// chance ([Config.Faults]); [ParseFault] has a short notation for both.
// Introspection meets only faults that name it: Fault.For(Introspect).
// What happened is in [Simulator.Requests] and [Simulator.Stats].
//
// # Files
//
//	simulator.go   settings, New                 stream.go      times and order of events
//	account.go     what a client must deliver    rand.go        random numbers by key, ids
//	handler.go     a request's way               world.go       people and things of an account
//	page.go        bodies and pages              names.go       invented people, places, clients
//	cursor.go      cursors                       event.go       what all events have in common
//	token.go       tokens                        audit.go, auditpairs.go, usage.go, signin.go
//	limit.go       rate limits                   fault.go       faults, script and chance
//	requests.go    log and counters              behaviour.go   what each fault does
//	server.go      listener, TLS, Close          hostile.go     what a hostile server sends
//	tb.go          for tests
//	health.go      the health endpoint
package eventsapitest
