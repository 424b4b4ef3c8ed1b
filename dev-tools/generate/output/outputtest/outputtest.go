// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package outputtest compares what a generator makes with what is committed.
package outputtest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/dev-tools/generate/output"
)

// UpToDate runs a generator on the repository at root, compares, and returns what was generated.
func UpToDate(t *testing.T, root string, generate func(root string) (output.Files, error)) output.Files {
	t.Helper()
	files, err := generate(root)
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for name, want := range files {
		if want == nil {
			t.Errorf("nothing declares %s; run `go tool mage update`", name)
			continue
		}
		got, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		require.NoError(t, err)
		assert.Equal(t, string(want), string(got), "%s is out of date; run `go tool mage update`", name)
	}
	return files
}
