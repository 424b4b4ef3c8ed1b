// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Waiting for a condition.

package beattest

import (
	"testing"
	"time"
)

// pollEvery is how often a condition is looked at.
const pollEvery = 20 * time.Millisecond

// Until returns as soon as a condition holds, and fails the test when it does
// not within most. It must be called from the test's goroutine.
func Until(tb testing.TB, most time.Duration, what string, condition func() bool) {
	tb.Helper()
	deadline := time.NewTimer(most)
	defer deadline.Stop()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline.C:
			tb.Fatalf("after %s still not: %s", most, what)
		}
	}
}
