// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The deb in a Debian with a real systemd.

package tests

import (
	"bufio"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const testUnit = `[Unit]
After=multi-user.target
SuccessAction=poweroff
FailureAction=poweroff
[Service]
Type=oneshot
ExecStart=/bin/bash /test/deb.sh
TimeoutStartSec=5min
`

// TestDebUnderSystemd installs, runs, kills, upgrades, removes and purges the deb: testdata/deb.sh says how.
func TestDebUnderSystemd(t *testing.T) {
	need(t, true, "systemd-nspawn")
	dir := debian(t)
	test := filepath.Join(dir, "test")
	require.NoError(t, os.Mkdir(test, 0o755))
	newer, err := filepath.Glob(filepath.Join(newerPackages(t), "onepasswordbeat-[0-9]*.deb"))
	require.NoError(t, err)
	require.Len(t, newer, 1)
	for name, source := range map[string]string{
		"old.deb":               artefact(t, "onepasswordbeat-[0-9]*-"+runtime.GOARCH+".deb"),
		"new.deb":               newer[0],
		"onepassword-simulator": absolute(t, filepath.Join(tools, "onepassword-simulator")),
		"deb.sh":                absolute(t, "testdata/deb.sh"),
	} {
		run(t, "", "cp", source, filepath.Join(test, name))
	}
	// Another run of the simulator with this seed gives the same token, and another CA.
	s := startSimulator(t, "-tls", "-ca-file", filepath.Join(test, "untrusted-ca.pem"), "-seed", "7")
	require.NoError(t, os.WriteFile(filepath.Join(test, "token"), []byte(s.Token), 0o600))
	units := filepath.Join(dir, "etc/systemd/system")
	require.NoError(t, os.WriteFile(filepath.Join(units, "onepasswordbeat-test.service"), []byte(testUnit), 0o644))
	require.NoError(t, os.MkdirAll(filepath.Join(units, "multi-user.target.wants"), 0o755))
	require.NoError(t, os.Symlink("../onepasswordbeat-test.service", filepath.Join(units, "multi-user.target.wants/onepasswordbeat-test.service")))

	console, err := try(t, "", "systemd-nspawn", "-q", "-b", "-D", dir, "--register=no", "--keep-unit", "--private-network",
		"--resolv-conf=off", "--console=pipe")
	if err != nil {
		t.Logf("systemd-nspawn: %v\n%s", err, console)
	}
	report(t, test)
}

// report makes a subtest of each result that the script wrote.
func report(t *testing.T, dir string) {
	t.Helper()
	results, err := os.Open(filepath.Join(dir, "results"))
	require.NoError(t, err, "the script did not run")
	defer func() { _ = results.Close() }()
	last := ""
	for lines := bufio.NewScanner(results); lines.Scan(); {
		last = lines.Text()
		if last == "done" {
			continue
		}
		result, name, _ := strings.Cut(last, " ")
		name, why, _ := strings.Cut(name, ": ")
		t.Run(name, func(t *testing.T) { assert.Equal(t, "ok", result, why) })
	}
	assert.Equal(t, "done", last, "the script did not come to its end")
	if t.Failed() {
		log, err := os.ReadFile(filepath.Join(dir, "log"))
		require.NoError(t, err)
		t.Logf("%s", log)
	}
}

// TestLintian allows the exceptions that testdata/lintian-exceptions.txt gives a reason for.
func TestLintian(t *testing.T) {
	need(t, false, "lintian")
	for _, variant := range []string{"onepasswordbeat-[0-9]*.deb", "onepasswordbeat-oss-*.deb"} {
		out, err := try(t, "", "lintian", "--allow-root", artefact(t, variant))
		if err != nil {
			t.Logf("lintian: %v", err)
		}
		checkMessages(t, out, "testdata/lintian-exceptions.txt", func(line string) string {
			// W: PACKAGE: TAG DETAILS
			parts := strings.SplitN(line, ": ", 3)
			if len(parts) < 3 || len(parts[0]) != 1 {
				return ""
			}
			tag, _, _ := strings.Cut(parts[2], " ")
			return tag
		})
	}
}

// checkMessages fails for each message of a linter that has no exception.
func checkMessages(t *testing.T, out, exceptions string, tagOf func(line string) string) {
	t.Helper()
	content, err := os.ReadFile(exceptions)
	require.NoError(t, err)
	allowed := map[string]bool{}
	for line := range strings.Lines(string(content)) {
		tag, reason, _ := strings.Cut(line, "#")
		if tag = strings.TrimSpace(tag); tag != "" {
			require.NotEmpty(t, strings.TrimSpace(reason), "%s has no reason", tag)
			allowed[tag] = true
		}
	}
	seen := 0
	for line := range strings.Lines(out) {
		if tag := tagOf(strings.TrimSpace(line)); tag != "" {
			seen++
			assert.True(t, allowed[tag], "no exception for: %s", line)
		}
	}
	assert.Positive(t, seen, "the linter says nothing at all, not even what is known:\n%s", out)
}
