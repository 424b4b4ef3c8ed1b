// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Redis's failures by choice, from a server in the test process.

package outputs_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"onepasswordbeat/tests/beattest"
	"onepasswordbeat/tests/receivertest"
)

const redisPassword = "not-a-secret"

func TestRedis(t *testing.T) {
	for name, key := range map[string]string{
		"a list":                 "onepassword",
		"a list named by events": "%{[event.module]}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list := "onepassword"
			if key != list {
				list = "1password"
			}
			redis := receivertest.StartRedis(t, list)
			redis.RequirePassword(redisPassword)
			srv := beattest.Backlog(t, each)
			h := home(t, srv, M{"redis": M{
				"hosts": []string{redis.Addr}, "password": redisPassword, "key": key, "datatype": "list",
				"backoff": quickly(), "timeout": "2s",
			}})

			beat := h.Start()
			beat.Until(soon, "some events have arrived", func() bool { return redis.Len() > each })
			redis.Down(true)
			addEvents(t, srv, 0, 3)
			beat.WaitLog("Failed to connect to redis", soon)
			stop(t, beat)
			beat = h.Start()
			beat.WaitLog("Failed to connect to redis", soon)
			redis.Down(false)
			waitDelivered(beat, srv.Account, redis, soon)
			stop(t, beat)
			assertDelivered(t, srv.Account, redis)
			checkMetadata(t, redis.Events())
		})
	}
}

// A server without memory rejects commands: libbeat retries them without limit.
func TestRedisOutOfMemory(t *testing.T) {
	t.Parallel()
	redis := receivertest.StartRedis(t, "onepassword")
	srv := beattest.Backlog(t, each)
	h := home(t, srv, M{"redis": M{"hosts": []string{redis.Addr}, "key": "onepassword", "backoff": quickly()}})
	redis.Reject("OOM command not allowed when used memory > 'maxmemory'.")
	beat := h.Start()
	beat.WaitLog("OOM command not allowed", soon)
	cursorsHeld(t, h)
	redis.Reject("")
	waitDelivered(beat, srv.Account, redis, soon)
	stop(t, beat)
	assert.Zero(t, assertDelivered(t, srv.Account, redis), "what is rejected as a whole is not there twice")
}
