// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A real Redis server that is killed.

package outputs_test

import (
	"testing"

	"onepasswordbeat/tests/beattest"
	"onepasswordbeat/tests/receivertest"
)

const redisKey = "onepassword"

func realRedisOutput(redis *receivertest.RedisServer, datatype string) M {
	return M{"redis": M{"hosts": []string{redis.Addr}, "key": redisKey, "datatype": datatype, "backoff": quickly(), "timeout": "2s"}}
}

func TestRealRedisListKilledInTurn(t *testing.T) {
	t.Parallel()
	redis := receivertest.StartRedisServer(t)
	to := redis.List(redisKey)
	srv := beattest.Backlog(t, chosenSize().each)
	h := home(t, srv, realRedisOutput(redis, "list"))
	beat := killInTurn(t, srv, h, to, redis)
	stop(t, beat)
	assertDelivered(t, srv.Account, to)
	checkMetadata(t, to.Events())
}

// A channel keeps nothing: what is published while a subscriber is there arrives, whatever happens to the beat, and once both are back after a kill of the server.
func TestRealRedisChannel(t *testing.T) {
	t.Parallel()
	redis := receivertest.StartRedisServer(t)
	to := redis.Subscribe(t, redisKey)
	beattest.Until(t, soon, "there is a subscriber", func() bool { return to.Subscriptions() == 1 })
	srv := beattest.Backlog(t, chosenSize().each)
	h := home(t, srv, realRedisOutput(redis, "channel"))
	beat := h.Start()
	beat.Until(soon, "a part of the backlog has arrived", func() bool { return to.Len() >= chosenSize().each })
	beat.Kill()
	beat = h.Start()
	waitDelivered(beat, srv.Account, to, patient)

	redis.Kill()
	redis.Start()
	beat.Until(soon, "there is a subscriber again", func() bool { return to.Subscriptions() == 2 })
	addEvents(t, srv, 0, 3)
	waitDelivered(beat, srv.Account, to, patient)
	stop(t, beat)
	assertDelivered(t, srv.Account, to)
	checkMetadata(t, to.Events())
}
