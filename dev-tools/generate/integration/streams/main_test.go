// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/dev-tools/generate/output/outputtest"
)

const root = "../../../.."

// TestFilesAreUpToDate: what is committed is what is generated.
func TestFilesAreUpToDate(t *testing.T) {
	require.Len(t, outputtest.UpToDate(t, root, generate), 9)
}

// TestProgramStaysClearOfHandlebars: two opening braces would begin an expression.
func TestProgramStaysClearOfHandlebars(t *testing.T) {
	program, err := sources.ReadFile("templates/program.cel")
	require.NoError(t, err)
	assert.NotContains(t, string(program), "{{")
	assert.NotContains(t, string(program), "${")
	assert.NotContains(t, string(program), "\t")
}
