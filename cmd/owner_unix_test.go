// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What root writes for a beat of another user.

//go:build unix

package cmd

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/elastic/elastic-agent-libs/logp"

	"onepasswordbeat/internal/registry"
)

const beatUser = 65534

func TestRootKeepsTheOwnerOfTheRegistry(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("skipped: giving files away needs root")
	}
	tests := map[string]struct {
		owner    int
		prepare  func(t *testing.T, dataPath string)
		hardLink bool
	}{
		"a registry that is there": {beatUser, func(t *testing.T, dataPath string) { makeRegistry(t, dataPath); giveAll(t, dataPath, beatUser) }, false},
		"none yet":                 {beatUser, func(t *testing.T, dataPath string) { giveAll(t, dataPath, beatUser) }, false},
		"root's own":               {0, makeRegistry, false},
		"root's file, of the beat's": {beatUser, func(t *testing.T, dataPath string) {
			giveAll(t, dataPath, beatUser)
			makeRegistry(t, dataPath)
			giveDirs(t, dataPath)
		}, false},
		"a file of another place": {beatUser, func(t *testing.T, dataPath string) { makeRegistry(t, dataPath); giveAll(t, dataPath, beatUser) }, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dataPath := t.TempDir()
			test.prepare(t, dataPath)
			secret := filepath.Join(registry.Dir(dataPath), "secret")
			if test.hardLink {
				elsewhere := filepath.Join(filepath.Dir(dataPath), "elsewhere")
				require.NoError(t, os.WriteFile(elsewhere, nil, 0o600))
				require.NoError(t, os.Link(elsewhere, secret))
			}
			keep := keepOwner(dataPath)
			makeRegistry(t, dataPath)
			require.NoError(t, keep())
			owners := ownersBelow(t, filepath.Dir(registry.Dir(dataPath)))
			assert.Greater(t, len(owners), 4)
			for path, uid := range owners {
				want := test.owner
				if path == secret {
					want = 0
				}
				assert.Equal(t, want, uid, path)
			}
		})
	}
}

// makeRegistry stores a state, as root.
func makeRegistry(t *testing.T, dataPath string) {
	t.Helper()
	r, err := registry.Open(dataPath, logp.NewNopLogger())
	require.NoError(t, err)
	require.NoError(t, r.Reset(registry.Key{Input: "acme", EventType: "audit_events"}, registry.Start{Since: now, Now: now}))
	require.NoError(t, r.Close())
}

func giveAll(t *testing.T, dataPath string, uid int) {
	t.Helper()
	for path := range ownersBelow(t, dataPath) {
		require.NoError(t, os.Chown(path, uid, uid))
	}
}

func giveDirs(t *testing.T, dataPath string) {
	t.Helper()
	for dir := registry.Dir(dataPath); dir != dataPath; dir = filepath.Dir(dir) {
		require.NoError(t, os.Chown(dir, beatUser, beatUser))
	}
}

// ownersBelow returns the owner of a folder and of everything in it.
func ownersBelow(t *testing.T, dir string) map[string]int {
	t.Helper()
	owners := map[string]int{}
	require.NoError(t, filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		require.NoError(t, err)
		stat, ok := info.Sys().(*syscall.Stat_t)
		require.True(t, ok)
		owners[path] = int(stat.Uid)
		return nil
	}))
	return owners
}
