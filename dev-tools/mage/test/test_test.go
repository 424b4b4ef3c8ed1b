// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What is left out, when that is an error, and which tests are which.

package test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMissingProgramIsAnErrorOnlyInCI(t *testing.T) {
	there := need{[]string{"no-such-program", "go"}, "nothing is left out"}
	missing := need{[]string{"no-such-program"}, "the impossible is left out"}

	require.NoError(t, report([]need{there}, true))
	require.NoError(t, report([]need{there, missing}, false))
	assert.EqualError(t, report([]need{there, missing}, true),
		"CI is set, so nothing may be left out: no-such-program not found: the impossible is left out")
}

func TestEveryPackageIsInOneGroup(t *testing.T) {
	for pkg, system := range map[string]bool{
		"onepasswordbeat":                     false,
		"onepasswordbeat/internal/eventsapi":  false,
		"onepasswordbeat/tests":               true,
		"onepasswordbeat/tests/elasticsearch": true,
		"onepasswordbeat/testsupport":         false,
	} {
		assert.Equal(t, system, isSystem(pkg), pkg)
		assert.Equal(t, !system, isUnit(pkg), pkg)
	}
}
