// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Tests of what surrounds the pictures of the dashboards.

package mage

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSizesOfPictures(t *testing.T) {
	manifest := filepath.Join(t.TempDir(), "manifest.yml")
	before := "screenshots:\n  - src: /img/a.png\n    title: A\n    size: 1x1\n  - src: /img/b.png\n    title: B\n    size: 2x2\n    type: image/png\n"
	require.NoError(t, os.WriteFile(manifest, []byte(before), 0o600))
	require.NoError(t, noteSize(manifest, "b.png", 300))
	require.Error(t, noteSize(manifest, "c.png", 300))
	after, err := os.ReadFile(manifest)
	require.NoError(t, err)
	assert.Equal(t, "screenshots:\n  - src: /img/a.png\n    title: A\n    size: 1x1\n  - src: /img/b.png\n    title: B\n    size: 1600x300\n    type: image/png\n", string(after))
}
