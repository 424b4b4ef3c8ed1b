// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The server's clock: where the first request starts, and how far the machine's clock is off.

package harvester

import (
	"fmt"
	"sync"
	"time"

	"onepasswordbeat/internal/eventsapi"
)

const (
	// retention is how long the API keeps events (Events API introduction).
	retention = eventsapi.Retention
	// retentionSlack is what is left out of it, so that a request is not older than that when it arrives.
	retentionSlack = 10 * time.Minute
	// maxSkew is how far the machine's clock may be from the server's before it is reported. The Date of a
	// response has whole seconds, and the response may have been slow.
	maxSkew = time.Minute
)

// clock is the wall clock and what is known about the server's. It is safe for concurrent use.
type clock struct {
	now func() time.Time

	mu     sync.Mutex
	offset time.Duration // of the server's clock from now
	known  bool
}

// note notes the server's time at this moment; zero is not known.
func (c *clock) note(server time.Time) {
	if server.IsZero() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset, c.known = server.Sub(c.now()), true
}

// ahead is how far the server's clock is ahead of the machine's, and whether that is known.
func (c *clock) ahead() (time.Duration, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offset, c.known
}

// server is the server's time as far as it is known, else the machine's.
func (c *clock) server() time.Time {
	offset, _ := c.ahead()
	return c.now().Add(offset)
}

// earlier is the earlier of both clocks.
func (c *clock) earlier() time.Time {
	offset, _ := c.ahead()
	return c.now().Add(min(0, offset))
}

// oldest is the oldest event that can be asked for. A server whose clock is ahead by more than it keeps events is not
// believed: its oldest event would lie in this machine's future, and nothing would be collected until then. It is zero then.
func (c *clock) oldest() time.Time {
	if t := c.server().Add(-retention + retentionSlack); !t.After(c.now()) {
		return t
	}
	return time.Time{}
}

// clamp puts the start of a request between the oldest event and the server's present.
func (c *clock) clamp(start time.Time, initial time.Duration) time.Time {
	start = c.notAhead(start, initial)
	if oldest := c.oldest(); start.Before(oldest) {
		return oldest
	}
	return start
}

// notAhead returns a start that is not in the server's future. One that is comes from a clock that was ahead.
func (c *clock) notAhead(start time.Time, initial time.Duration) time.Time {
	if start.After(c.server()) {
		return c.earlier().Add(-initial)
	}
	return start
}

// skew is what is wrong with the machine's clock, in words, or "". The number is rounded, so that the text stays the same.
func (c *clock) skew() string {
	offset, _ := c.ahead()
	d := offset.Round(time.Minute)
	if offset.Abs() <= maxSkew {
		return ""
	}
	direction := "ahead of"
	if d > 0 {
		direction = "behind"
	}
	return fmt.Sprintf("this machine's clock is %s %s the server's: set it, for example with NTP. Collection uses the server's clock meanwhile",
		max(d.Abs(), time.Minute), direction)
}
