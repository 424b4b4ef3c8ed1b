// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Whose folder it is that root is asked to open.

//go:build unix

package cmd

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/internal/registry"
)

const beatUser = 65534

func TestOwnerOfTheState(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("skipped: giving files away needs root")
	}
	give := func(t *testing.T, path string) { require.NoError(t, os.Lchown(path, beatUser, beatUser)) }
	tests := map[string]struct {
		prepare func(t *testing.T, dataPath string)
		want    int
	}{
		"root's":        {func(t *testing.T, p string) { require.NoError(t, os.MkdirAll(registry.Dir(p), 0o700)) }, 0},
		"nothing there": {func(*testing.T, string) {}, 0},
		"path.data":     {func(t *testing.T, p string) { require.NoError(t, os.Mkdir(p, 0o700)); give(t, p) }, beatUser},
		"the registry": {func(t *testing.T, p string) {
			require.NoError(t, os.MkdirAll(registry.Dir(p), 0o700))
			give(t, registry.Dir(p))
		}, beatUser},
		"the folder between": {func(t *testing.T, p string) {
			require.NoError(t, os.MkdirAll(registry.Dir(p), 0o700))
			give(t, filepath.Dir(registry.Dir(p)))
		}, beatUser},
		"a link to root's folder": {func(t *testing.T, p string) { require.NoError(t, os.Symlink(t.TempDir(), p)); give(t, p) }, beatUser},
		"root's link": {func(t *testing.T, p string) {
			other := t.TempDir()
			give(t, other)
			require.NoError(t, os.Symlink(other, p))
		}, beatUser},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dataPath := filepath.Join(t.TempDir(), "data")
			test.prepare(t, dataPath)
			got := ownerOf(dataPath)
			if test.want == 0 {
				assert.Nil(t, got)
				return
			}
			require.NotNil(t, got)
			assert.Equal(t, test.want, got.uid)
			assert.Equal(t, test.want, got.gid)
		})
	}
}
