// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

package beater

import (
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/elastic/elastic-agent-libs/logp"
)

// TestManyEventTypesTightenTheCollector: from 300 event types on, and only while the user left the setting alone.
func TestManyEventTypesTightenTheCollector(t *testing.T) {
	before := debug.SetGCPercent(usualGC)
	t.Cleanup(func() { debug.SetGCPercent(before) })
	for _, test := range []struct{ set, want int }{{usualGC, tightGC}, {200, 200}, {tightGC, tightGC}, {30, 30}} {
		debug.SetGCPercent(test.set)
		var g gcTuner
		var ends []func()
		for range manyTypes - 1 {
			ends = append(ends, g.begin(logp.NewNopLogger()))
		}
		assert.Equal(t, test.set, gcPercent(), "a few event types")
		ends = append(ends, g.begin(logp.NewNopLogger()))
		assert.Equal(t, test.want, gcPercent(), "many")
		for _, end := range ends {
			end()
		}
		assert.Equal(t, test.set, gcPercent(), "none")
	}
}
