// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A Redis server.

package receivertest

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
)

// Redis is a Redis server with one list. What is in it outlives Down.
type Redis struct {
	Addr string // host:port

	tb        testing.TB
	list      string
	server    *miniredis.Miniredis
	rejection atomic.Pointer[string]
}

// StartRedis starts a server for the length of a test. list is the key of the
// list that Events reads.
func StartRedis(tb testing.TB, list string) *Redis {
	tb.Helper()
	redis := miniredis.NewMiniRedis()
	if err := redis.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(redis.Close)
	r := &Redis{Addr: redis.Addr(), tb: tb, list: list, server: redis}
	redis.Server().SetPreHook(r.command)
	return r
}

// command sees every command first, and tells whether it answered it.
func (r *Redis) command(client *server.Peer, name string, _ ...string) bool {
	switch rejection := r.rejection.Load(); {
	case name == "INFO": // miniredis does not say what clients ask for: its version
		client.WriteBulk("# Server\r\nredis_version:7.0.15\r\n")
	case name == "RPUSH" && rejection != nil:
		client.WriteError(*rejection)
	default:
		return false
	}
	return true
}

// RequirePassword makes clients prove that they know a password.
func (r *Redis) RequirePassword(password string) { r.server.RequireAuth(password) }

// Down closes the server, or opens it again at the same address.
func (r *Redis) Down(down bool) {
	r.tb.Helper()
	if down {
		r.server.Close()
		return
	}
	if err := r.server.Restart(); err != nil {
		r.tb.Fatal(err)
	}
	r.server.Server().SetPreHook(r.command)
}

// Reject makes every push fail with an error such as "OOM command not allowed",
// or with "" ends that.
func (r *Redis) Reject(message string) {
	if message == "" {
		r.rejection.Store(nil)
		return
	}
	r.rejection.Store(&message)
}

// Events are what is in the list, repeats included, oldest first.
func (r *Redis) Events() []Event {
	r.tb.Helper()
	list, err := r.server.List(r.list)
	if err != nil && !errors.Is(err, miniredis.ErrKeyNotFound) {
		r.tb.Fatal(err)
	}
	events := make([]Event, len(list))
	for i, raw := range list {
		events[i] = NewEvent("", []byte(raw))
	}
	return events
}

// Len is the number of entries in the list.
func (r *Redis) Len() int {
	list, _ := r.server.List(r.list) // an error: there is none yet
	return len(list)
}
