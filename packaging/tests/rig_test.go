// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What the tests use: the artefacts, programs of the system, the simulator, and an installed Debian.

package tests

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// root is the root of the repository.
const root = "../.."

// `mage test:packages` names what it built, below the root.
var (
	distributions = filepath.Join(root, "build/distributions")
	binaries      = filepath.Join(root, "build/binaries")
	tools         = filepath.Join(root, "build/tools")
)

// need leaves the test out, with a line that says why, when this machine lacks something; in CI it fails.
func need(t *testing.T, asRoot bool, programs ...string) {
	t.Helper()
	var missing []string
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			missing = append(missing, p)
		}
	}
	if asRoot && os.Geteuid() != 0 {
		missing = append(missing, "the rights of root")
	}
	leaveOut(t, missing)
}

func leaveOut(t *testing.T, missing []string) {
	t.Helper()
	if len(missing) == 0 {
		return
	}
	text := "this machine lacks " + strings.Join(missing, ", ")
	if os.Getenv("CI") != "" {
		t.Fatalf("CI is set, so nothing may be left out: %s", text)
	}
	t.Skip(text)
}

// run runs a program to its end, and returns what it printed. It has to succeed.
func run(t *testing.T, dir, program string, args ...string) string {
	t.Helper()
	out, err := try(t, dir, program, args...)
	require.NoError(t, err, "%s %s\n%s", program, strings.Join(args, " "), out)
	return out
}

// commandTimeout is far above what any command takes.
const commandTimeout = 5 * time.Minute

// try is run without a judgement.
func try(t *testing.T, dir, program string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

// absolute is a path that exists.
func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	require.NoError(t, err)
	_, err = os.Stat(path)
	require.NoError(t, err, "run `go tool mage test:packages`, which builds it")
	return path
}

// artefact is the one artefact that matches a pattern.
func artefact(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(distributions, pattern))
	require.NoError(t, err)
	require.Len(t, found, 1, "artefacts that match %s", pattern)
	return absolute(t, found[0])
}

// version is the beat's.
func version(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, "version/version.go"))
	require.NoError(t, err)
	_, after, found := strings.Cut(string(content), `const Version = "`)
	require.True(t, found)
	v, _, _ := strings.Cut(after, `"`)
	return v
}

// elasticLicense is the file that the packager takes the Elastic License from: any copy does.
func elasticLicense(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	run(t, "", "tar", "-xzf", artefact(t, "onepasswordbeat-"+version(t)+"-linux-"+runtime.GOARCH+".tar.gz"), "-C", dir)
	found, err := filepath.Glob(filepath.Join(dir, "*", "ELASTIC-LICENSE-2.0.txt"))
	require.NoError(t, err)
	require.Len(t, found, 1)
	return found[0]
}

// fixedTime is the time of packages that tests make themselves.
const fixedTime = "1767225600"

// simulator is a running simulator of the Events API.
type simulator struct{ URL, Token string }

// startSimulator runs the simulator until the end of the test.
func startSimulator(t *testing.T, args ...string) simulator {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), absolute(t, filepath.Join(tools, "onepassword-simulator")), args...)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	var s simulator
	require.NoError(t, json.NewDecoder(stdout).Decode(&s))
	go func() { _, _ = io.Copy(io.Discard, stdout) }()
	return s
}

// debian is a folder with a minimal Debian that has systemd, made once and copied for each test.
func debian(t *testing.T) string {
	t.Helper()
	cache, err := filepath.Abs(filepath.Join(tools, "debian-bookworm"))
	require.NoError(t, err)
	if _, err := os.Stat(cache); err != nil {
		need(t, true, "debootstrap")
		draft := cache + ".draft"
		require.NoError(t, os.RemoveAll(draft))
		run(t, "", "debootstrap", "--variant=minbase", "--include=systemd,systemd-sysv,dbus,ca-certificates,adduser", "bookworm", draft)
		require.NoError(t, os.Rename(draft, cache))
	}
	dir := filepath.Join(t.TempDir(), "debian")
	run(t, "", "cp", "-a", cache, dir)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "etc/hosts"), []byte("127.0.0.1 localhost\n::1 localhost\n"), 0o644))
	return dir
}

// until waits for a condition.
func until(t *testing.T, most time.Duration, what string, condition func() bool) {
	t.Helper()
	require.Eventually(t, condition, most, 100*time.Millisecond, what)
}

// newerPackages makes the deb and the rpm of a next version, with another configuration, and returns their folder.
func newerPackages(t *testing.T) string {
	t.Helper()
	next := t.TempDir()
	entries, err := os.ReadDir(root)
	require.NoError(t, err)
	for _, e := range entries {
		if e.Name() != "onepasswordbeat.yml" {
			require.NoError(t, os.Symlink(absolute(t, filepath.Join(root, e.Name())), filepath.Join(next, e.Name())))
		}
	}
	config, err := os.ReadFile(filepath.Join(root, "onepasswordbeat.yml"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(next, "onepasswordbeat.yml"), append([]byte("# of the next version\n"), config...), 0o644))
	out := t.TempDir()
	run(t, next, absolute(t, filepath.Join(tools, "packaging")), "make", "-packages-only", "-binaries", absolute(t, binaries),
		"-out", out, "-version", "99.0.0", "-time", fixedTime, "-elastic", elasticLicense(t))
	return out
}
