// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const root = "../../../.."

// TestFilesAreUpToDate: what is committed is what is generated.
func TestFilesAreUpToDate(t *testing.T) {
	version, err := packageVersion(root)
	require.NoError(t, err)
	files, err := generate(version)
	require.NoError(t, err)
	require.Len(t, files, 9)
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		require.NoError(t, err)
		assert.Equal(t, string(want), string(got), "%s is not what dev-tools/generate/integration/streams writes; run `go tool mage update`", name)
	}
}

// TestProgramStaysClearOfHandlebars: two opening braces would begin an expression.
func TestProgramStaysClearOfHandlebars(t *testing.T) {
	program, err := sources.ReadFile("templates/program.cel")
	require.NoError(t, err)
	assert.NotContains(t, string(program), "{{")
	assert.NotContains(t, string(program), "${")
	assert.NotContains(t, string(program), "\t")
}
