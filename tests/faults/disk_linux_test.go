// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A full disk under the registry.

package faults

import (
	"bytes"
	"os"
	"path/filepath"
	"syscall"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fullRegistry fills the disk under the registry twice: once the beat goes on by
// itself when there is space again, once it is killed before.
func fullRegistry() scenario {
	return scenario{
		prepare: func(s *scene) { mountRegistry(s) },
		strike: func(s *scene) {
			filler := filepath.Join(s.home.RegistryDir(), "..", "filler")
			for _, kill := range []bool{false, true} {
				s.somewhere(2)
				fillUntilNoticed(s, filler)
				s.lasting()
				if kill {
					s.beat.Kill()
				}
				require.NoError(s.t, os.Remove(filler))
			}
		},
	}
}

// mountRegistry puts the registry on a small disk of its own, or skips the test
// where that is not allowed.
func mountRegistry(s *scene) {
	target := s.home.Path("data", "registry")
	require.NoError(s.t, os.MkdirAll(target, 0o750))
	if err := syscall.Mount("tmpfs", target, "tmpfs", 0, "size=256k,mode=0750"); err != nil {
		s.t.Skipf("SKIP: this test needs a mount of its own, which is not allowed here: %v", err)
	}
	s.t.Cleanup(func() { assert.NoError(s.t, syscall.Unmount(target, syscall.MNT_DETACH)) })
}

// fillUntilNoticed fills the disk until a cursor can't be stored. Once is not
// always enough: what the registry deletes just then makes room for the next one.
func fillUntilNoticed(s *scene, name string) {
	s.t.Helper()
	first := s.beat.Log.Len()
	s.beat.Until(soon, "a cursor can't be stored", func() bool {
		fill(s, name)
		_, noticed := s.beat.Log.Find(first, "can't store the cursor")
		return noticed
	})
}

// fill makes a file grow until its disk is full.
func fill(s *scene, name string) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	require.NoError(s.t, err)
	for block := bytes.Repeat([]byte("x"), 512); err == nil; {
		_, err = f.Write(block)
	}
	require.ErrorIs(s.t, err, syscall.ENOSPC)
	require.NoError(s.t, f.Close())
}
