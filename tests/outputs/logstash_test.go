// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Lumberjack with mutual TLS.

package outputs_test

import (
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"onepasswordbeat/tests/beattest"
	"onepasswordbeat/tests/receivertest"
)

// logstashOutput sends to a Lumberjack server.
func logstashOutput(addr string, more ...M) M {
	out := M{"hosts": []string{addr}, "backoff": quickly()}
	for _, m := range more {
		maps.Copy(out, m)
	}
	return M{"logstash": out}
}

// keepAlive is how often Logstash tells a client that it is still at work, here
// in a hurry.
const keepAlive = 200 * time.Millisecond

func TestLogstash(t *testing.T) {
	t.Parallel()
	ca := receivertest.NewCA(t)
	logstash := receivertest.StartLumberjack(t, receivertest.LumberjackConfig{TLS: ca.Mutual("127.0.0.1"), KeepAlive: keepAlive})
	cert, key := ca.Client("beat")
	srv := beattest.Backlog(t, each)
	h := home(t, srv, logstashOutput(logstash.Addr, M{
		"ssl": M{"certificate_authorities": []string{ca.File}, "certificate": cert, "key": key},
	}))

	logstash.Cut(3)
	beat := h.Start()
	beat.Until(soon, "batches were cut", func() bool { return logstash.Cuts() == 0 })
	beat.Until(soon, "some events have arrived", func() bool { return logstash.Len() > each })
	logstash.Down(true)
	addEvents(t, srv, 0, 3)
	beat.WaitLog("Failed to publish events caused by", soon)
	stop(t, beat)

	logstash.Down(false)
	beat = h.Start()
	waitDelivered(beat, srv.Account, logstash, soon)
	stop(t, beat)
	assertDelivered(t, srv.Account, logstash)
	checkMetadata(t, logstash.Events())

	before := logstash.Len()
	beat = h.Start()
	beat.Until(soon, "every event type is Running", func() bool { return beat.Log.Count("Running") >= 3 })
	stop(t, beat)
	assert.Equal(t, before, logstash.Len(), "a restart without a fault repeats nothing")
}

// A server that takes batches and does not ACK them: cursors wait, also over a
// stop, and the same events come again.
func TestLogstashStuck(t *testing.T) {
	for name, test := range map[string]struct {
		keepAlive time.Duration
		settings  M
	}{
		"that says that it is at work": {keepAlive, nil},
		"that says nothing":            {0, M{"timeout": "1s"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			logstash := receivertest.StartLumberjack(t, receivertest.LumberjackConfig{KeepAlive: test.keepAlive})
			srv := beattest.Backlog(t, each)
			h := home(t, srv, logstashOutput(logstash.Addr, test.settings))
			logstash.Hold(true)
			beat := h.Start()
			beat.Until(soon, "batches are held", func() bool { return logstash.Held() > 0 })
			if test.keepAlive == 0 {
				beat.Until(soon, "held batches came again", func() bool { return logstash.Held() >= 3 })
			}
			cursorsHeld(t, h)
			stop(t, beat)
			cursorsHeld(t, h)

			beat = h.Start()
			held := logstash.Held()
			beat.Until(soon, "batches are held", func() bool { return logstash.Held() > held })
			logstash.Hold(false)
			waitDelivered(beat, srv.Account, logstash, soon)
			stop(t, beat)
			assertDelivered(t, srv.Account, logstash)
		})
	}
}

// A server that wants a certificate of the beat and gets none: nothing moves. In
// TLS 1.3 the beat learns of that only by its connection's end.
func TestLogstashWithoutClientCertificate(t *testing.T) {
	t.Parallel()
	ca := receivertest.NewCA(t)
	logstash := receivertest.StartLumberjack(t, receivertest.LumberjackConfig{TLS: ca.Mutual("127.0.0.1"), KeepAlive: keepAlive})
	srv := beattest.Backlog(t, each)
	h := home(t, srv, logstashOutput(logstash.Addr, M{"ssl": M{"certificate_authorities": []string{ca.File}}}))
	beat := h.Start()
	beat.WaitLog("Failed to publish events caused by", soon)
	cursorsHeld(t, h)
	stop(t, beat)
	cursorsHeld(t, h)
	assert.Zero(t, logstash.Len())
}
