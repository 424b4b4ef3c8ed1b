// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A full disk under the registry.

package faults

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/tests/beattest"
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
	s.beat.Until(soon, "a cursor can't be stored", func() bool {
		fill(s, name)
		return cannotStore(s.beat.Log.Lines())
	})
}

// cannotStore tells whether an event type's state is that its cursor can't be
// stored. A state that lasts, from one full disk to the next say, is logged once.
func cannotStore(lines []beattest.Line) bool {
	rejected := map[any]bool{}
	for _, line := range lines {
		switch eventType := line.Fields["event_type"]; {
		case strings.HasPrefix(line.Message, "Degraded: can't store the cursor"):
			rejected[eventType] = true
		case line.Message == "Running":
			delete(rejected, eventType)
		}
	}
	return len(rejected) > 0
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
