// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// That pages really go, and come back.

package beater

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// filesInMemory is how much of files this process has mapped, in kB.
func filesInMemory(t *testing.T) (kb int) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	require.NoError(t, err)
	_, after, ok := strings.Cut(string(status), "RssFile:")
	require.True(t, ok)
	_, err = fmt.Sscan(after, &kb)
	require.NoError(t, err)
	return kb
}

// TestDropPages maps a file as the kernel maps a binary.
func TestDropPages(t *testing.T) {
	content := bytes.Repeat([]byte("page"), 1<<20)
	name := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(name, content, 0o600))
	f, err := os.Open(name)
	require.NoError(t, err)
	defer func() { assert.NoError(t, f.Close()) }()
	mapped, err := syscall.Mmap(int(f.Fd()), 0, len(content), syscall.PROT_READ, syscall.MAP_PRIVATE)
	require.NoError(t, err)
	defer func() { assert.NoError(t, syscall.Munmap(mapped)) }()

	require.True(t, bytes.Equal(content, mapped))
	before := filesInMemory(t)
	require.GreaterOrEqual(t, before, len(content)>>10)
	require.NoError(t, dropPages())
	assert.Less(t, filesInMemory(t), before-len(content)>>10/2, "kB")
	assert.True(t, bytes.Equal(content, mapped), "what was dropped comes back")
}
