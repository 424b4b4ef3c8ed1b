// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Polls of many accounts, spread over the interval.

package beater

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"onepasswordbeat/internal/registry"
)

// TestPollsOfManyAccountsAreSpread: no second of the interval has twice its share, and
// no harvester waits for longer than the interval.
func TestPollsOfManyAccountsAreSpread(t *testing.T) {
	const interval = 5 * time.Second
	inSecond := map[int]int{}
	for i := range 1000 {
		for _, eventType := range []string{"audit_events", "item_usages", "signin_attempts"} {
			first := firstPause(registry.Key{Input: fmt.Sprint("account-", i), EventType: eventType}, interval)
			assert.Positive(t, first)
			assert.LessOrEqual(t, first, interval)
			inSecond[int((first-1)/time.Second)]++
		}
	}
	for second, polls := range inSecond {
		assert.Less(t, polls, 2*3000/5, "second %d", second)
	}
	assert.Zero(t, firstPause(registry.Key{Input: "a", EventType: "b"}, 0))
}
