// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// How a check lists what it found.

package check

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestComplainNamesEveryFile(t *testing.T) {
	require.NoError(t, complain(nil, "wrong"))
	assert.EqualError(t, complain([]string{"a.go", "b.go"}, "wrong"), "2 file(s) wrong\n\ta.go\n\tb.go")
}
