// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The rpm in a root folder.

package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRpmInARootFolder installs, upgrades and erases the rpm. Its scripts run in the folder, a Debian: what is left
// untested is dnf, SELinux, and systemd's part, which the deb's test has.
func TestRpmInARootFolder(t *testing.T) {
	need(t, true, "rpm")
	dir := debian(t)
	run(t, "", "mount", "-t", "proc", "proc", filepath.Join(dir, "proc"))
	t.Cleanup(func() {
		if out, err := exec.Command("umount", filepath.Join(dir, "proc")).CombinedOutput(); err != nil { //nolint:noctx // t's context has ended
			t.Errorf("umount: %v\n%s", err, out)
		}
	})
	old := artefact(t, "onepasswordbeat-[0-9]*.rpm")
	newer, err := filepath.Glob(filepath.Join(newerPackages(t), "onepasswordbeat-[0-9]*.rpm"))
	require.NoError(t, err)
	require.Len(t, newer, 1)
	in := func(path string) string { return filepath.Join(dir, path) }
	owner := func(path string) string {
		return strings.TrimSpace(run(t, "", "chroot", dir, "stat", "-c", "%U:%G:%a", path))
	}

	run(t, "", "rpm", "--root", dir, "--initdb")
	run(t, "", "rpm", "--root", dir, "-i", "--nodeps", old)
	assert.Equal(t, "root:onepasswordbeat:640", owner("/etc/onepasswordbeat/onepasswordbeat.yml"))
	assert.Equal(t, "onepasswordbeat:onepasswordbeat:750", owner("/var/lib/onepasswordbeat"))
	assert.Contains(t, run(t, "", "chroot", dir, "onepasswordbeat", "version"), "onepasswordbeat version "+version(t))
	assert.Empty(t, run(t, "", "rpm", "--root", dir, "-V", "--nodeps", "onepasswordbeat"), "rpm -V finds differences")

	run(t, "", "chroot", dir, "onepasswordbeat", "keystore", "create")
	assert.Equal(t, "onepasswordbeat:onepasswordbeat:600", owner("/var/lib/onepasswordbeat/onepasswordbeat.keystore"))
	edited := []byte("# edited by the administrator\n")
	require.NoError(t, os.WriteFile(in("etc/onepasswordbeat/onepasswordbeat.yml"), edited, 0o640))

	run(t, "", "rpm", "--root", dir, "-U", "--nodeps", newer[0])
	content, err := os.ReadFile(in("etc/onepasswordbeat/onepasswordbeat.yml"))
	require.NoError(t, err)
	assert.Equal(t, string(edited), string(content), "an upgrade keeps the edited configuration")
	assert.Equal(t, "root:onepasswordbeat:640", owner("/etc/onepasswordbeat/onepasswordbeat.yml"))
	assert.FileExists(t, in("etc/onepasswordbeat/onepasswordbeat.yml.rpmnew"))

	run(t, "", "rpm", "--root", dir, "-e", "--nodeps", "onepasswordbeat")
	assert.FileExists(t, in("var/lib/onepasswordbeat/onepasswordbeat.keystore"), "an erase keeps the state")
	assert.FileExists(t, in("etc/onepasswordbeat/onepasswordbeat.yml.rpmsave"), "an erase keeps the edited configuration")
	for _, gone := range []string{"usr/share/onepasswordbeat", "usr/bin/onepasswordbeat", "lib/systemd/system/onepasswordbeat.service", "usr/share/doc/onepasswordbeat"} {
		assert.NoFileExists(t, in(gone))
		assert.NoDirExists(t, in(gone))
	}
}

// TestRpmlint allows the exceptions that testdata/rpmlint-exceptions.txt gives a reason for.
func TestRpmlint(t *testing.T) {
	need(t, false, "rpmlint")
	for _, variant := range []string{"onepasswordbeat-[0-9]*.rpm", "onepasswordbeat-oss-*.rpm"} {
		out, err := try(t, "", "rpmlint", artefact(t, variant))
		if err != nil {
			t.Logf("rpmlint: %v", err)
		}
		checkMessages(t, out, "testdata/rpmlint-exceptions.txt", func(line string) string {
			// PACKAGE.ARCH: W: TAG DETAILS
			parts := strings.SplitN(line, ": ", 3)
			if len(parts) < 3 || len(parts[1]) != 1 {
				return ""
			}
			tag, _, _ := strings.Cut(parts[2], " ")
			return tag
		})
	}
}
