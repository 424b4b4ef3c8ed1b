// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The disk queue.

package outputs_test

import (
	"testing"

	"onepasswordbeat/tests/beattest"
	"onepasswordbeat/tests/receivertest"
)

// With queue.disk an event counts as delivered once it is on disk: the cursors
// move while the output is down, and what they passed survives a kill.
func TestDiskQueue(t *testing.T) {
	t.Parallel()
	logstash := receivertest.StartLumberjack(t, receivertest.LumberjackConfig{KeepAlive: keepAlive})
	srv := beattest.Backlog(t, each)
	h := home(t, srv, logstashOutput(logstash.Addr), M{"queue": M{"disk": M{"max_size": "100MB"}}})
	logstash.Down(true)
	beat := h.Start()
	beat.WaitLog("queue.disk is in use: an event counts as delivered once it is on disk", soon)
	beat.Until(soon, "cursors move with the output down", func() bool {
		for _, cursor := range h.Cursors() {
			if cursor != "" {
				return true
			}
		}
		return false
	})
	beat.Kill()

	logstash.Down(false)
	beat = h.Start()
	beat.Until(soon, "some events have arrived", func() bool { return logstash.Len() > each/2 })
	beat.Kill()
	beat = h.Start()
	waitDelivered(beat, srv.Account, logstash, soon)
	stop(t, beat)
	assertDelivered(t, srv.Account, logstash)
}
