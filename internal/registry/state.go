// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What is stored for one harvester, and how it is written.

package registry

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"onepasswordbeat/internal/safetext"
)

// stateVersion is the version that this beat writes. Older ones are read for
// ever: see TestStateVersion1IsReadForever.
const stateVersion = 1

// movedVersion is that of the mark that is left where a state was moved away. It is a version of its own, so that a beat
// that knows no marks rejects it.
const movedVersion = 2

// maxCursor is the length of a cursor in bytes: that of package eventsapi, which a response can't exceed.
const maxCursor = 4 << 10

// Key names one harvester: an input (one 1Password account) and an event type.
type Key struct {
	Input     string // the input's id
	EventType string // Name of a module, such as "audit_events"
}

const keyPrefix = "onepassword"

// String is the key in the store: onepassword::<input>::<event type>.
func (k Key) String() string {
	return keyPrefix + "::" + k.Input + "::" + k.EventType
}

// parseKey is the reverse of [Key.String]; ok is false for a key of another kind.
func parseKey(s string) (k Key, ok bool) {
	parts := strings.Split(s, "::")
	if len(parts) != 3 || parts[0] != keyPrefix || parts[1] == "" || parts[2] == "" {
		return Key{}, false
	}
	return Key{Input: parts[1], EventType: parts[2]}, true
}

// State is the position of one harvester. Either Cursor is set, or the next
// request asks for everything since StartTime.
type State struct {
	// Account is the 1Password account's UUID as the token names it; empty
	// when the token does not say.
	Account string
	// Cursor is the Events API's cursor after the last delivered page.
	Cursor string
	// StartTime is where the first request began (or a reset, or the restart
	// after a rejected cursor). It is stored before that request is made.
	StartTime time.Time
	// LastEvent is the newest event time that was delivered.
	LastEvent time.Time
	// Updated is when this state was committed.
	Updated time.Time
	// Limit is the page size that the cursor remembers; 0 when not known.
	Limit int
	// InitialInterval is how far back the first run reached; 0 when a reset
	// chose the start.
	InitialInterval time.Duration
	// Output names where the events went; empty if it is not known. Files don't keep it.
	Output string
}

// record is a State as it lies in the store: times as RFC 3339 strings, so that
// no type conversion of the store can change them.
type record struct {
	Version   int    `struct:"version" json:"version"`
	Account   string `struct:"account" json:"account"`
	Cursor    string `struct:"cursor" json:"cursor"`
	StartTime string `struct:"start_time" json:"start_time"`
	LastEvent string `struct:"last_event" json:"last_event"`
	Updated   string `struct:"updated" json:"updated"`
	Limit     int    `struct:"limit" json:"limit"`
	Initial   string `struct:"initial_interval" json:"initial_interval"`
	Moved     string `struct:"moved,omitempty" json:"moved,omitempty"` // where the state is now: only with movedVersion
	Output    string `struct:"-" json:"output,omitempty"`
}

func (s State) record() record {
	return record{
		Version:   stateVersion,
		Account:   s.Account,
		Cursor:    s.Cursor,
		StartTime: formatTime(s.StartTime),
		LastEvent: formatTime(s.LastEvent),
		Updated:   formatTime(s.Updated),
		Limit:     s.Limit,
		Initial:   s.InitialInterval.String(),
		Output:    s.Output,
	}
}

// maxText is the length of a stored text but the cursor, in bytes: that of the names which a client accepts. An old
// version, or another program, may have stored anything.
const maxText = 128

// state checks a stored record and turns it into a State. Its texts can be shown.
func (r record) state() (State, error) {
	switch {
	case r.Version == movedVersion && r.Moved != "":
		return State{}, &MovedError{safetext.Line(r.Moved)}
	case r.Version == movedVersion:
		return State{}, errors.New("it says that it was moved, but not where to")
	case r.Version < 1 || r.Version > stateVersion:
		return State{}, fmt.Errorf("it has version %d, and this beat reads versions 1 to %d", r.Version, movedVersion)
	}
	s := State{Account: safetext.Short(r.Account, maxText), Cursor: r.Cursor, Limit: r.Limit, Output: safetext.Short(r.Output, maxText)}
	var errs []error
	if len(r.Cursor) > maxCursor {
		errs = append(errs, fmt.Errorf("its cursor has more than %d bytes", maxCursor))
	}
	for _, f := range []struct {
		name, text string
		to         *time.Time
	}{
		{"start_time", r.StartTime, &s.StartTime},
		{"last_event", r.LastEvent, &s.LastEvent},
		{"updated", r.Updated, &s.Updated},
	} {
		t, err := parseTime(safetext.Short(f.text, maxText))
		if err != nil {
			errs = append(errs, fmt.Errorf("%s is not a valid time: %w", f.name, err))
		}
		*f.to = t
	}
	if r.Initial != "" {
		d, err := time.ParseDuration(safetext.Short(r.Initial, maxText))
		if err != nil {
			errs = append(errs, fmt.Errorf("initial_interval is not a valid duration: %w", err))
		}
		s.InitialInterval = d
	}
	if s.Cursor == "" && s.StartTime.IsZero() {
		errs = append(errs, errors.New("it has neither a cursor nor a start time"))
	}
	return s, errors.Join(errs...)
}

func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func parseTime(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	return time.Parse(time.RFC3339Nano, s)
}

// MovedError says that a state was moved to another place.
type MovedError struct{ To string }

func (e *MovedError) Error() string { return "it was moved to " + e.To }
