// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package eventsapibeat reads what 1Password's own eventsapibeat leaves behind, so that onepasswordbeat can continue: its
// configuration and its cursor files. It changes none of these files and sends no request.
//
// # What the old beat writes
//
// The section eventsapibeat of its configuration has signin_attempts, item_usages and audit_events, each with enabled,
// auth_token, cursor_state_file, starting_cursor and sample_frequency; insecure_skip_verify is for all of them. The path of
// a cursor file is relative to the working directory of the process.
//
// After each response it appends a line to the cursor file, {"cursor":"..."}, whether or not the cursor has moved. At a
// start it cuts a file above 200 kB down to its last 20 kB. The last whole line counts; a line without an end is one that a
// crash has cut.
//
// # File layout
//
//	options.go  what to migrate
//	config.go   the old configuration, with its variables
//	cursor.go   the position that a cursor file holds
//	inuse.go    whether a beat still writes a cursor file
//	carry.go    which of libbeat's settings can be carried over
//	plan.go     from the old configuration and cursors to inputs, secrets and starts
package eventsapibeat
