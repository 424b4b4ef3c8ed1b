// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The connections of one request: how many it may use, and the end of one that obeys no context.

package eventsapi

import (
	"context"
	"fmt"
	"net"
	"net/http/httptrace"
	"sync"
	"time"
)

const (
	// maxConnections is how many connections one request may use. net/http sends a request again at once, and without
	// end, to a server that ends each HTTP/2 connection with GOAWAY.
	maxConnections = 10
	// cutAfter is how long a request may hold its connection after its context has ended. While a write to an HTTP/2
	// server that does not read blocks, the requests on that connection wait for a lock and obey no context.
	cutAfter = time.Second
)

// connections watches over the connections of one request.
type connections struct {
	giveUp context.CancelCauseFunc // ends the request

	mu   sync.Mutex
	used int
	last net.Conn
}

// watch returns the context to send a request with. release has to be called after its response was closed: if the
// request is not over soon after the end of the context, its connection is closed under it.
func watch(ctx context.Context) (watched context.Context, cancel context.CancelFunc, release func()) {
	watched, giveUp := context.WithCancelCause(ctx)
	c := &connections{giveUp: giveUp}
	over := make(chan struct{})
	stop := context.AfterFunc(watched, func() { c.cut(over) })
	watched = httptrace.WithClientTrace(watched, &httptrace.ClientTrace{GotConn: c.note})
	return watched, func() { giveUp(nil) }, func() {
		close(over)
		stop()
	}
}

// note counts a connection, for the request or for its repetition by net/http.
func (c *connections) note(got httptrace.GotConnInfo) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = got.Conn
	if c.used++; c.used > maxConnections {
		c.giveUp(errConnections)
	}
}

// errConnections is the error of a request that used too many connections.
var errConnections = fmt.Errorf("the server ended %d connections in a row without a response", maxConnections)

// cut closes the connection if the request is not over soon.
func (c *connections) cut(over <-chan struct{}) {
	patience := time.NewTimer(cutAfter)
	defer patience.Stop()
	select {
	case <-over:
		return
	case <-patience.C:
	}
	c.mu.Lock()
	conn := c.last
	c.mu.Unlock()
	if conn != nil {
		_ = conn.Close()
	}
}
