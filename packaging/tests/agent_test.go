// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The install script of the Elastic Agent bundle, on a made-up home of an Agent.

package tests

import (
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// bundle unpacks the bundle and returns its folder.
func bundle(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	name := "onepasswordbeat-" + version(t) + "-agent-linux-" + runtime.GOARCH
	run(t, "", "tar", "-xzf", artefact(t, name+".tar.gz"), "-C", dir)
	return filepath.Join(dir, name)
}

// agentHome makes the home of an Agent, with a version that runs and one that is left over.
func agentHome(t *testing.T) (home, components string) {
	t.Helper()
	home = t.TempDir()
	for _, v := range []string{"elastic-agent-9.4.0-aaaaaa", "elastic-agent-9.5.0-bbbbbb"} {
		require.NoError(t, os.MkdirAll(filepath.Join(home, "data", v, "components"), 0o750))
	}
	require.NoError(t, os.Symlink("data/elastic-agent-9.5.0-bbbbbb/elastic-agent", filepath.Join(home, "elastic-agent")))
	return home, filepath.Join(home, "data/elastic-agent-9.5.0-bbbbbb/components")
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(content)
}

// TestAgentBundleInstalls into the version that runs, keeps the previous one, and goes back to it.
func TestAgentBundleInstalls(t *testing.T) {
	need(t, true)
	dir := bundle(t)
	home, components := agentHome(t)
	require.NoError(t, os.Chown(components, 4711, 4712)) // an Agent that runs without root
	script := filepath.Join(dir, "install.sh")

	assert.Contains(t, run(t, "", script, home), "Restart the Agent")
	for name, mode := range map[string]os.FileMode{"onepasswordbeat": 0o750, "onepasswordbeat.spec.yml": 0o640} {
		info, err := os.Stat(filepath.Join(components, name))
		require.NoError(t, err)
		assert.Equal(t, mode, info.Mode().Perm(), name)
		owner := info.Sys().(*syscall.Stat_t) //nolint:forcetypeassert,errcheck // Linux
		assert.Equal(t, []uint32{4711, 4712}, []uint32{owner.Uid, owner.Gid}, name)
		assert.Equal(t, read(t, filepath.Join(dir, name)), read(t, filepath.Join(components, name)))
	}
	left, err := os.ReadDir(filepath.Join(home, "data/elastic-agent-9.4.0-aaaaaa/components"))
	require.NoError(t, err)
	assert.Empty(t, left, "the version that does not run")

	// Twice: nothing changes, but owner and modes are set right.
	require.NoError(t, os.Chown(filepath.Join(components, "onepasswordbeat"), 1, 1))
	require.NoError(t, os.Chmod(filepath.Join(components, "onepasswordbeat"), 0o777))
	assert.Contains(t, run(t, "", script, home), "has this version already")
	info, err := os.Stat(filepath.Join(components, "onepasswordbeat"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o750), info.Mode().Perm())
	assert.Equal(t, uint32(4711), info.Sys().(*syscall.Stat_t).Uid) //nolint:forcetypeassert,errcheck // Linux
	assert.NoFileExists(t, filepath.Join(components, "onepasswordbeat.previous"))

	// Another version: the previous one is kept, and comes back.
	old := read(t, filepath.Join(components, "onepasswordbeat.spec.yml"))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "onepasswordbeat.spec.yml"), []byte(old+"# next\n"), 0o644))
	run(t, "", script, home)
	assert.Equal(t, old+"# next\n", read(t, filepath.Join(components, "onepasswordbeat.spec.yml")))
	assert.Equal(t, old, read(t, filepath.Join(components, "onepasswordbeat.spec.yml.previous")))
	run(t, "", script, "--rollback", home)
	assert.Equal(t, old, read(t, filepath.Join(components, "onepasswordbeat.spec.yml")))
	_, err = try(t, "", script, "--rollback", home)
	require.Error(t, err, "there is nothing to go back to")
}

// TestAgentBundleSaysWhatIsWrong, and changes nothing then.
func TestAgentBundleSaysWhatIsWrong(t *testing.T) {
	need(t, true, "setpriv")
	dir := bundle(t)
	require.NoError(t, filepath.WalkDir(filepath.Dir(filepath.Dir(dir)), func(path string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			err = os.Chmod(path, 0o755)
		}
		return err
	}))
	script := filepath.Join(dir, "install.sh")

	out, err := try(t, "", script, filepath.Join(dir, "nowhere"))
	require.Error(t, err)
	assert.Contains(t, out, "Name the Agent's folder")

	out, err = try(t, "", script, t.TempDir())
	require.Error(t, err)
	assert.Contains(t, out, "is it the home of an Elastic Agent?")

	home, _ := agentHome(t)
	require.NoError(t, os.Remove(filepath.Join(home, "elastic-agent")))
	out, err = try(t, "", script, home)
	require.Error(t, err)
	assert.Contains(t, out, "several components folders")

	// The wrong owner: somebody who may write there, and is neither root nor the Agent.
	home, components := agentHome(t)
	for path := components; path != filepath.Dir(filepath.Dir(home)); path = filepath.Dir(path) {
		require.NoError(t, os.Chmod(path, 0o777))
	}
	out, err = try(t, "", "setpriv", "--reuid", "4713", "--regid", "4713", "--clear-groups", script, home)
	require.Error(t, err)
	assert.Contains(t, out, "run the script as root")
	left, err := os.ReadDir(components)
	require.NoError(t, err)
	assert.Empty(t, left)

	require.NoError(t, os.Remove(filepath.Join(dir, "onepasswordbeat.spec.yml")))
	out, err = try(t, "", script, home)
	require.Error(t, err)
	assert.Contains(t, out, "unpack the bundle again")
	left, err = os.ReadDir(components)
	require.NoError(t, err)
	assert.Empty(t, left)
}
