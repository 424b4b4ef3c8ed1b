// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// How often the rules report what is normal.

package detections

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/detections"
	"onepasswordbeat/detections/detectionstest"
)

// week is where the documents of the normal week are.
const week = "week"

func (s suite) testNormalWeek(t *testing.T, rules []detections.Rule, world *detectionstest.World) {
	t.Skip("later")
	_ = assert.Equal
	_ = require.Equal
}
