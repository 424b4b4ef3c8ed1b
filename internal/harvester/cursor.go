// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A cursor that the API rejects: when it is given up, and where collection starts then.

package harvester

import (
	"errors"
	"time"

	"onepasswordbeat/internal/eventsapi"
	"onepasswordbeat/internal/registry"
)

const (
	// rejectedFor is how long the API has to reject a cursor before it is given up. A single 400 may
	// be a passing fault.
	rejectedFor = 10 * time.Minute
	// rejectedForeign is the same if a 400's body is not the API's own: a proxy or a firewall may have sent it.
	rejectedForeign = time.Hour
)

// rejection is the history of one cursor that the API rejects.
type rejection struct {
	cursor  string
	since   time.Time // zero: it is not rejected
	foreign bool      // a 400 was not the API's own
	probing bool      // the next request is made without the cursor
}

// note notes a 400 for a cursor. It returns how much longer the cursor has to be rejected before it is given up.
func (r *rejection) note(cursor string, err error) time.Duration {
	if r.since.IsZero() || r.cursor != cursor {
		*r = rejection{cursor: cursor, since: time.Now()}
	}
	var e *eventsapi.Error
	r.foreign = r.foreign || !errors.As(err, &e) || !e.FromAPI
	wait := rejectedFor
	if r.foreign {
		wait = rejectedForeign
	}
	return max(0, wait-time.Since(r.since))
}

// clear forgets it: the cursor was accepted.
func (r *rejection) clear() { *r = rejection{} }

// restarted is the position from which collection starts again without the cursor: some time before the newest
// delivered event, or the stored start. oldest is the oldest event that the API keeps.
func restarted(s registry.State, overlap time.Duration, limit int, oldest time.Time) registry.State {
	if !s.LastEvent.IsZero() {
		s.StartTime = s.LastEvent.Add(-overlap)
	}
	if s.StartTime.Before(oldest) {
		s.StartTime = oldest
	}
	s.Cursor, s.Limit = "", limit
	return s
}
