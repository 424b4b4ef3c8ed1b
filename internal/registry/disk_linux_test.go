// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Disks that can be filled and made read-only, where the test may mount some.

package registry

import (
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// mountSmall mounts a small disk of the test's own.
func mountSmall(t *testing.T, path string) {
	if err := syscall.Mount("none", path, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("skipped: a disk of its own needs root and the right to mount: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(path, syscall.MNT_DETACH) })
}

// readOnly makes the folder read-only, as a file system does after an error.
func readOnly(t *testing.T, path string) func() {
	require.NoError(t, syscall.Mount(path, path, "", syscall.MS_BIND, ""))
	require.NoError(t, syscall.Mount("", path, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
	heal := sync.OnceFunc(func() { require.NoError(t, syscall.Unmount(path, syscall.MNT_DETACH)) })
	t.Cleanup(heal)
	return heal
}
