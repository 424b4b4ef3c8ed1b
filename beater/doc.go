// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package beater is the running beat: it opens the registry, runs an input per 1Password account, from its configuration or
// from Elastic Agent, and stops them in the order that keeps stored cursors behind delivery.
//
// # Stop
//
// libbeat's own stop closes the publisher before it stops the beater, and reports
// what that cuts off as ACKed. Run takes the stop over:
//
//  1. inputs stop: no new request, at most shutdown_timeout for what is in flight;
//  2. their connections to the publisher close, later ACKs are ignored;
//  3. the registry closes;
//  4. only then the publisher.
//
// # File layout
//
//	beater.go    New, Run, Stop
//	inputs.go    an input: one account, a harvester for each event type
//	health.go    from the event types' health to the input's
//	factory.go   from a configuration to a running input, with our defaults
//	settings.go  from the settings of an input to those of its account and harvesters
//	managed.go   what is different under Elastic Agent
//	watchdog.go  the end of a stop that hangs
//	diagnostics.go  what Elastic Agent's diagnostics show
//	summary.go   the health of all event types in one log line
//	memory.go    the garbage collector with many accounts
//	probes.go    whether the beat is live and ready
//	endpoint.go  the HTTP endpoint
//	listen.go    where it listens
//	systemd.go   what systemd is told
package beater
