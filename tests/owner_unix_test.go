// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Root uses the `state` commands in a folder of another user, who set traps there.

//go:build unix

package tests

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/internal/registry/registrytest"
	"onepasswordbeat/tests/beattest"
	"onepasswordbeat/tests/bulktest"
)

const otherUser = 65534

// TestRootIsNotLedElsewhere: whatever a user puts into the beat's folder, root's files
// stay as they are, and the commands work where the user could do the same.
func TestRootIsNotLedElsewhere(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("SKIP: this test needs root and a second user")
	}
	srv := beattest.Backlog(t, 30)
	es := bulktest.Start(t)
	home := toBulk(t, srv, es)
	beat := home.Start()
	waitIndexed(t, beat, srv, es, soon)
	beat.Terminate(stopMost)
	require.NoError(t, os.Chmod(home.Dir, 0o755))
	giveTo(t, home.Path("data"), otherUser)
	good := readAll(t, home.RegistryDir())

	list := home.Command("state", "list")
	assert.Zero(t, list.Code, list.All())
	reset := home.Command("state", "reset", "--input", "acme", "--event-type", "audit_events", "--since", "1h")
	assert.Zero(t, reset.Code, reset.All())
	walkOwners(t, home.Path("data"), func(path string, uid uint32) { assert.Equal(t, uint32(otherUser), uid, path) })

	traps := []string{"meta.json", "log.json", "active.dat", "active.dat.new", "checkpoint.new", activeFile(t, home), "99.json", "meta.json.new", "log.json.damaged"}
	for i, name := range traps {
		traps[i] = filepath.Join("registry", "onepasswordbeat", name)
	}
	for _, trap := range append(traps, "meta.json", "meta.json.new", "onepasswordbeat.lock", "registry", filepath.Join("registry", "onepasswordbeat")) {
		t.Run(trap, func(t *testing.T) {
			home := home.In(t)
			restore(t, home, good, nil)
			_ = os.Remove(home.Path("data", "meta.json.new"))
			giveTo(t, home.Path("data"), otherUser)
			roots := t.TempDir()
			secret := filepath.Join(roots, "secret")
			require.NoError(t, os.WriteFile(secret, []byte("root's own"), 0o640))
			before := fingerprint(t, roots)
			path, target := home.Path("data", trap), secret
			if info, err := os.Stat(path); err == nil && info.IsDir() {
				target = roots
			}
			require.NoError(t, os.RemoveAll(path))
			require.NoError(t, os.Symlink(target, path))
			require.NoError(t, os.Lchown(path, otherUser, otherUser))
			home.Command("state", "list")
			home.Command("state", "reset", "--input", "acme", "--event-type", "audit_events", "--since", "1h")
			assert.Equal(t, before, fingerprint(t, roots))
			require.NoError(t, os.RemoveAll(path))
			require.NoError(t, os.MkdirAll(home.Path("data", "registry"), 0o750))
		})
	}
}

func giveTo(t *testing.T, dir string, uid int) {
	t.Helper()
	walkOwners(t, dir, func(path string, _ uint32) { require.NoError(t, os.Lchown(path, uid, uid)) })
}

func walkOwners(t *testing.T, dir string, do func(path string, uid uint32)) {
	t.Helper()
	require.NoError(t, filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		require.NoError(t, err)
		stat, ok := info.Sys().(*syscall.Stat_t)
		require.True(t, ok)
		do(path, stat.Uid)
		return nil
	}))
}

// fingerprint is the name, owner, mode and content of everything below a folder.
func fingerprint(t *testing.T, dir string) map[string]any {
	t.Helper()
	found := map[string]any{}
	require.NoError(t, filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		require.NoError(t, err)
		stat, ok := info.Sys().(*syscall.Stat_t)
		require.True(t, ok)
		var content []byte
		if info.Mode().IsRegular() {
			content, err = os.ReadFile(path)
			require.NoError(t, err)
		}
		found[path] = []any{info.Mode(), stat.Uid, stat.Gid, string(content), info.ModTime()}
		return nil
	}))
	return found
}

// TestRootMovesStatesAsTheOwner: what root moves still belongs to the beat's user.
func TestRootMovesStatesAsTheOwner(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("SKIP: this test needs root and a second user")
	}
	states := registrytest.NewFake(t)
	home := stateHome(t, "file", states)
	require.NoError(t, os.CopyFS(home.Path("data"), os.DirFS(version1)))
	require.NoError(t, os.Chmod(home.Dir, 0o755))
	giveTo(t, home.Path("data"), otherUser)
	for _, to := range []string{"elasticsearch", "file"} {
		moved := home.Command("state", "move", "--to", to)
		require.Zero(t, moved.Code, moved.All())
		walkOwners(t, home.Path("data"), func(path string, uid uint32) { assert.Equal(t, uint32(otherUser), uid, path) })
	}
	fresh := stateHome(t, "elasticsearch", states) // root runs it before the beat's user ever ran
	require.NoError(t, os.Mkdir(fresh.Path("data"), 0o755))
	require.NoError(t, os.Chmod(fresh.Dir, 0o755))
	giveTo(t, fresh.Path("data"), otherUser)
	assert.Equal(t, 1, fresh.Command("state", "move", "--to", "file").Code, "the states are in files elsewhere")
	walkOwners(t, fresh.Path("data"), func(path string, uid uint32) { assert.Equal(t, uint32(otherUser), uid, path) })
}
