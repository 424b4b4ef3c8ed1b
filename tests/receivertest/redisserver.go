// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A real Redis server, with an append-only file.

package receivertest

import (
	"context"
	"net"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gomodule/redigo/redis"

	"onepasswordbeat/tests/engine"
)

const redisName = "Redis"

// RedisServer is a Redis server in a process of its own that can be killed and started again at the same address. With its append-only file synced at every
// write, what it confirmed outlives a kill. Its methods are for the test's goroutine.
type RedisServer struct {
	Addr string // host:port

	tb      testing.TB
	program string
	server  *engine.Server
}

// StartRedisServer starts a server for the length of a test. It skips the test where there is no redis-server; in CI it fails it.
func StartRedisServer(tb testing.TB) *RedisServer {
	tb.Helper()
	r := &RedisServer{tb: tb}
	err := engine.Supported(redisName)
	if err == nil {
		if r.program, err = exec.LookPath("redis-server"); err != nil {
			err = &engine.MissingError{Engine: redisName, What: "redis-server is not in PATH"}
		}
	}
	engine.Require(tb, err, engine.CI())
	r.server, err = engine.NewServer(redisName, "data")
	engine.Require(tb, err, true)
	r.server.EndWith(tb, r.server.Close)
	r.Addr = reserve(tb)
	r.Start()
	return r
}

// Start starts a server that was killed, and returns when it has read its file.
func (r *RedisServer) Start() {
	r.tb.Helper()
	host, port, err := net.SplitHostPort(r.Addr)
	if err != nil {
		r.tb.Fatal(err)
	}
	cmd := exec.Command(r.program, "--bind", host, "--port", port, "--dir", r.server.Path("data"), //nolint:noctx // it ends with its server
		"--appendonly", "yes", "--appendfsync", "always", "--save", "")
	if err := r.server.LaunchAt(r.tb.Context(), cmd, nil, func(ctx context.Context) error {
		_, err := r.do(ctx, "PING")
		return err
	}); err != nil {
		r.tb.Fatal(err)
	}
}

// do runs one command on a connection of its own.
func (r *RedisServer) do(ctx context.Context, command string, args ...any) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	conn, err := redis.DialContext(ctx, "tcp", r.Addr)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	return redis.DoContext(conn, ctx, command, args...)
}

// Kill ends the server with SIGKILL.
func (r *RedisServer) Kill() {
	r.tb.Helper()
	if err := r.server.Proc.Kill(); err != nil {
		r.tb.Fatal(err)
	}
}

// List is a list of a server. While the server is gone it is empty.
type List struct {
	server *RedisServer
	key    string
}

// List is the list with a key, whether it is there yet or not.
func (r *RedisServer) List(key string) *List { return &List{r, key} }

// Events are what is in the list, repeats included, oldest first.
func (l *List) Events() []Event {
	list, _ := redis.ByteSlices(l.server.do(context.Background(), "LRANGE", l.key, 0, -1)) // an error: see List
	events := make([]Event, len(list))
	for i, raw := range list {
		events[i] = NewEvent("", raw)
	}
	return events
}

// Len is the number of entries in the list.
func (l *List) Len() int {
	n, _ := redis.Int(l.server.do(context.Background(), "LLEN", l.key)) // an error: see List
	return n
}

// Channel is a subscriber of a channel. It subscribes again when the server was gone, and misses what was published meanwhile, as every subscriber does.
type Channel struct {
	inbox

	subscriptions atomic.Int32
}

// Subscribe subscribes to a channel for the length of a test.
func (r *RedisServer) Subscribe(tb testing.TB, name string) *Channel {
	tb.Helper()
	c := &Channel{}
	ctx, cancel := context.WithCancel(context.Background()) //nolint:usetesting // ended by Cleanup
	var reading sync.WaitGroup
	reading.Go(func() {
		for ctx.Err() == nil {
			c.read(ctx, r.Addr, name)
		}
	})
	tb.Cleanup(func() {
		cancel()
		reading.Wait()
	})
	return c
}

// Subscriptions tells how often the subscriber has subscribed, for a test that waits for it.
func (c *Channel) Subscriptions() int { return int(c.subscriptions.Load()) }

// read subscribes and takes messages until the connection or the context ends.
func (c *Channel) read(ctx context.Context, addr, name string) {
	dialCtx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	conn, err := redis.DialContext(dialCtx, "tcp", addr)
	if err != nil {
		return // not there: again
	}
	subscriber := redis.PubSubConn{Conn: conn}
	defer func() { _ = subscriber.Close() }()
	if subscriber.Subscribe(name) != nil {
		return
	}
	for {
		switch message := subscriber.ReceiveContext(ctx).(type) {
		case redis.Subscription:
			c.subscriptions.Add(1)
		case redis.Message:
			c.add(NewEvent("", message.Data))
		case error:
			return
		}
	}
}
