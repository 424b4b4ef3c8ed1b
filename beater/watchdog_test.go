// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

package beater

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/elastic/elastic-agent-libs/logp/logptest"
)

// A stop that hangs is ended, and the log says where.
func TestStopThatHangsIsEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, logs := logptest.NewTestingLoggerWithObserver(t, "")
		dog := &watchdog{log: log, timeout: 10 * time.Second, running: func() string { return "acme/audit_events" }}
		hang := make(chan struct{})
		began := time.Now()
		err := dog.run(
			step{"the inputs stop", func() error { return nil }},
			step{"the registry closes", func() error { <-hang; return nil }},
			step{"the output closes", func() error { return nil }},
		)
		require.ErrorContains(t, err, "the registry closes")
		require.Equal(t, 10*time.Second, time.Since(began))
		require.Equal(t, 1, logs.FilterMessageSnippet("the stop hangs").Len())
		fields := logs.All()[0].ContextMap()
		require.Contains(t, fields["goroutines"], "TestStopThatHangsIsEnded")
		require.Equal(t, "acme/audit_events", fields["event_types"])
		close(hang)
	})
}

func TestStopReturnsTheErrorsOfItsSteps(t *testing.T) {
	first, second := errors.New("one"), errors.New("two")
	dog := &watchdog{timeout: time.Minute}
	err := dog.run(step{"a", func() error { return first }}, step{"b", func() error { return second }})
	require.ErrorIs(t, err, first)
	require.ErrorIs(t, err, second)
}
