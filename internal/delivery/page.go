// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A page on its way through the tracker, and its result.

package delivery

import (
	"iter"

	"github.com/elastic/beats/v7/libbeat/beat"
)

// Mode is how pages are published.
type Mode int

const (
	// ModePipelined allows any number of pages in flight.
	ModePipelined Mode = iota
	// ModeVerifying means that a page is unconfirmed. It is published again, alone: no other page of
	// the beat is in flight.
	ModeVerifying
	// ModeHeld means that the output may reject all of a page. One event of it is published, alone: whole pages would
	// fill the log of rejected events.
	ModeHeld
)

// Page is a page of events to be published.
type Page struct {
	Mode   Mode
	From   string               // the position that it begins at: the same for each attempt of one page
	Len    int                  // number of events
	Least  int                  // bytes of the smallest of them, as the API sent it
	Events iter.Seq[beat.Event] // Len events, made when they are asked for; called once, by the tracker's goroutine
}

// Outcome is what became of a page.
type Outcome int

const (
	// Delivered means that each event was accepted by the output, dropped by the user's
	// processors, or rejected for its own content. The page's cursor may be stored.
	Delivered Outcome = iota
	// Unconfirmed means that the page may not have been delivered. It, and what was published after it, have to be published again.
	Unconfirmed
	// Held means that the output rejects all of the page. The cursor must stay.
	Held
)

// Result is what became of a page, and how to go on.
type Result struct {
	Outcome  Outcome
	Mode     Mode   // for the next page
	Rejected int    // of a delivered page: events that the output rejected for their own content
	Stored   int    // events, of this page or of others in flight with it, that went to the failure store
	Reason   string // the output's reason for a rejection, in words
}
