// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A listener that can be down.

package receivertest

import (
	"net"
	"sync"
	"testing"
)

// gate is a listener whose connections can be cut, and which resets new ones
// while it is down: what a client sees of a server that is not there.
type gate struct {
	net.Listener

	mu    sync.Mutex
	down  bool
	conns map[string]net.Conn // by the client's address
}

// listen opens a gate at a free port of the loopback address.
func listen(tb testing.TB) *gate {
	tb.Helper()
	ln, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	return &gate{Listener: ln, conns: map[string]net.Conn{}}
}

func (g *gate) Accept() (net.Conn, error) {
	for {
		conn, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if g.admit(conn) {
			return &gated{conn, g}, nil
		}
	}
}

func (g *gate) admit(conn net.Conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.down {
		cut(conn)
		return false
	}
	g.conns[conn.RemoteAddr().String()] = conn
	return true
}

// Down cuts every connection and resets new ones, or ends that.
func (g *gate) Down(down bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.down = down
	if down {
		for _, conn := range g.conns {
			cut(conn)
		}
	}
}

// drop cuts the connection of one client.
func (g *gate) drop(client string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if conn := g.conns[client]; conn != nil {
		cut(conn)
	}
}

// cut resets a connection. Errors mean that it is gone already.
func cut(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// gated is a connection that leaves the gate's list when it closes.
type gated struct {
	net.Conn
	gate *gate
}

func (c *gated) Close() error {
	c.gate.mu.Lock()
	delete(c.gate.conns, c.RemoteAddr().String())
	c.gate.mu.Unlock()
	return c.Conn.Close()
}
