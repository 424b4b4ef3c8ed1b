// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The server's clock, as its responses show it.

package account

import (
	"errors"
	"sync"
	"time"

	"onepasswordbeat/internal/eventsapi"
)

// serverClock is the server's clock, which goes on from its last response.
type serverClock struct {
	mu     sync.Mutex
	server time.Time // zero: not known
	local  time.Time // the machine's clock, with its monotonic reading, at the response
}

// note notes the Date of a response; zero is not known.
func (c *serverClock) note(server time.Time) {
	if server.IsZero() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.server, c.local = server, time.Now()
}

// noteError notes the Date of a response that was an error.
func (c *serverClock) noteError(err error) {
	var e *eventsapi.Error
	if errors.As(err, &e) {
		c.note(e.ServerTime)
	}
}

// now is the server's time; zero if it is not known.
func (c *serverClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server.IsZero() {
		return time.Time{}
	}
	return c.server.Add(time.Since(c.local))
}
