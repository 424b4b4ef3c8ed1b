// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// No idle waiting that a fault does not call for.

package faults

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
)

// moment is the most that a single failure may cost, from the faulty answer to the
// events being indexed: half a second to a second of backoff, the flush of the
// queue, and a machine that has other work to do.
const moment = 5 * time.Second

func TestSingleFailureCostsAMoment(t *testing.T) {
	t.Parallel()
	s := newScene(t, nil)
	s.start()
	s.waitIndexed(s.patient)
	for _, f := range []eventsapitest.Fault{broken, dropped, cut, malformed, tooMany} {
		s.srv.Script(f.For(eventsapitest.AuditEvents))
		s.beat.Until(soon, "the fault is met", func() bool { return s.srv.ScriptLeft() == 0 })
		met := time.Now()
		s.waitIndexed(soon, eventsapitest.AuditEvents)
		took := time.Since(met)
		assert.Less(t, took, moment, "a single %s", f)
		t.Logf("a single %s: every event is indexed %s later", f, took.Round(10*time.Millisecond))
	}
	s.finish()
}
