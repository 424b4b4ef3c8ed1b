// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Names, modes and owners of the archives; that they run; that the same inputs make the same bytes; sums and signature.

package tests

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// entries are the names and modes in a tar.gz. All belong to root and have one time.
func entries(t *testing.T, path string) map[string]int64 {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	unzipped, err := gzip.NewReader(f)
	require.NoError(t, err)
	modes := map[string]int64{}
	times := map[int64]bool{}
	for archive := tar.NewReader(unzipped); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		modes[h.Name] = h.Mode
		times[h.ModTime.Unix()] = true
		assert.Zero(t, h.Uid, h.Name)
		assert.Zero(t, h.Gid, h.Name)
	}
	assert.Len(t, times, 1)
	return modes
}

// TestArchivesHaveTheDocumentedFiles below one folder, with their modes.
func TestArchivesHaveTheDocumentedFiles(t *testing.T) {
	legal := map[string]int64{"": 0o755, "LICENSE.txt": 0o644, "NOTICE.txt": 0o644, "README.md": 0o644}
	archive := map[string]int64{
		"onepasswordbeat": 0o755, "onepasswordbeat.yml": 0o600, "onepasswordbeat.reference.yml": 0o644, "fields.yml": 0o644,
	}
	elastic := map[string]int64{"ELASTIC-LICENSE-2.0.txt": 0o644, "onepasswordbeat.spec.yml": 0o644}
	system := version(t) + "-linux-" + runtime.GOARCH
	for name, parts := range map[string][]map[string]int64{
		"onepasswordbeat-" + system:                                        {legal, archive, elastic},
		"onepasswordbeat-oss-" + system:                                    {legal, archive},
		"onepasswordbeat-" + version(t) + "-agent-linux-" + runtime.GOARCH: {legal, elastic, {"onepasswordbeat": 0o755, "install.sh": 0o755}},
	} {
		want := map[string]int64{}
		for _, part := range parts {
			for file, mode := range part {
				want[name+"/"+file] = mode
			}
		}
		assert.Equal(t, want, entries(t, artefact(t, name+".tar.gz")))
	}
}

// TestArchiveRunsWhereItIsUnpacked: the configuration in it is valid once it has a token.
func TestArchiveRunsWhereItIsUnpacked(t *testing.T) {
	for _, variant := range []string{"onepasswordbeat", "onepasswordbeat-oss"} {
		dir := t.TempDir()
		name := variant + "-" + version(t) + "-linux-" + runtime.GOARCH
		run(t, "", "tar", "-xzf", artefact(t, name+".tar.gz"), "-C", dir)
		home := filepath.Join(dir, name)
		assert.Contains(t, run(t, home, "./onepasswordbeat", "version"), "onepasswordbeat version "+version(t))
		cmd := exec.CommandContext(t.Context(), "./onepasswordbeat", "test", "config", "-E", "onepasswordbeat.inputs.0.url=https://events.example.com")
		cmd.Dir = home
		cmd.Env = append(os.Environ(), "ONEPASSWORD_EVENTS_TOKEN=opaque")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
}

// TestOssVariantIsFreeOfElasticLicences: neither its modules nor its notice have any.
func TestOssVariantIsFreeOfElasticLicences(t *testing.T) {
	binary := absolute(t, filepath.Join(binaries, "linux-"+runtime.GOARCH+"-oss", "onepasswordbeat"))
	assert.NotContains(t, run(t, "", "go", "version", "-m", binary), "elastic-agent-client")
	dir := t.TempDir()
	name := "onepasswordbeat-oss-" + version(t) + "-linux-" + runtime.GOARCH
	run(t, "", "tar", "-xzf", artefact(t, name+".tar.gz"), "-C", dir)
	notice, err := os.ReadFile(filepath.Join(dir, name, "NOTICE.txt"))
	require.NoError(t, err)
	for _, gone := range []string{"\nNOT UNDER A PERMISSIVE LICENCE\n", "Elastic License 2.0:", "elastic-agent-client", "ELASTIC LICENSE AGREEMENT"} {
		assert.NotContains(t, string(notice), gone)
	}
	for _, stays := range []string{"github.com/elastic/elastic-agent-libs", "MIT License", "BSD"} {
		assert.Contains(t, string(notice), stays)
	}
}

// sums are the checksums of the files in a folder.
func sums(t *testing.T, dir string) map[string][sha256.Size]byte {
	t.Helper()
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	all := map[string][sha256.Size]byte{}
	for _, f := range files {
		content, err := os.ReadFile(filepath.Join(dir, f.Name()))
		require.NoError(t, err)
		all[f.Name()] = sha256.Sum256(content)
	}
	return all
}

// TestPackagedTwiceIsIdentical: what the packager makes depends on nothing but its inputs, the moment of a second
// build included.
func TestPackagedTwiceIsIdentical(t *testing.T) {
	var made []map[string][sha256.Size]byte
	for _, zone := range []string{"UTC", "Pacific/Auckland"} {
		out := t.TempDir()
		cmd := exec.CommandContext(t.Context(), absolute(t, filepath.Join(tools, "packaging")), "make", "-binaries", absolute(t, binaries),
			"-out", out, "-version", version(t), "-time", fixedTime, "-elastic", elasticLicense(t))
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "TZ="+zone)
		printed, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", printed)
		made = append(made, sums(t, out))
	}
	assert.NotEmpty(t, made[0])
	assert.Equal(t, slices.Sorted(maps.Keys(made[0])), slices.Sorted(maps.Keys(made[1])))
	for name, sum := range made[0] {
		assert.Equal(t, sum, made[1][name], "%s differs", name)
	}
}

// TestSumsAndSignature: an operator can verify what she downloaded, and a change is found.
func TestSumsAndSignature(t *testing.T) {
	run(t, distributions, "sha512sum", "--check", "--strict", "SHA512SUMS")
	listed, err := os.ReadFile(filepath.Join(distributions, "SHA512SUMS"))
	require.NoError(t, err)
	for name := range sums(t, distributions) {
		if !strings.HasPrefix(name, "SHA512SUMS") {
			assert.Contains(t, string(listed), "  "+name+"\n")
		}
	}

	need(t, false, "minisign")
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.deb"), []byte("a package"), 0o600))
	keys := t.TempDir()
	public, secret := filepath.Join(keys, "public"), filepath.Join(keys, "secret")
	run(t, "", "minisign", "-G", "-W", "-p", public, "-s", secret)
	run(t, "", absolute(t, filepath.Join(tools, "packaging")), "sums", dir, secret)
	run(t, dir, "minisign", "-V", "-p", public, "-m", "SHA512SUMS")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "SHA512SUMS"), []byte("changed"), 0o600))
	_, err = try(t, dir, "minisign", "-V", "-p", public, "-m", "SHA512SUMS")
	require.Error(t, err, "minisign accepts changed sums")
}

// TestSBOMHasEveryModuleOfTheBinary, in its version, as Go itself lists them.
func TestSBOMHasEveryModuleOfTheBinary(t *testing.T) {
	for _, variant := range []string{"", "-oss"} {
		binary := absolute(t, filepath.Join(binaries, "linux-"+runtime.GOARCH+variant, "onepasswordbeat"))
		content, err := os.ReadFile(artefact(t, "onepasswordbeat"+variant+"-"+version(t)+"-linux-"+runtime.GOARCH+".cdx.json"))
		require.NoError(t, err)
		var sbom struct {
			Components []struct {
				Name, Version string
				Licenses      []any
				Evidence      any
			}
		}
		require.NoError(t, json.Unmarshal(content, &sbom))
		has := map[string]bool{}
		for _, c := range sbom.Components {
			has[c.Name+" "+c.Version] = true
		}
		modules := 0
		lines := strings.Split(run(t, "", "go", "version", "-m", binary), "\n")
		for i, line := range lines {
			fields := strings.Fields(line)
			if len(fields) < 3 || fields[0] != "dep" && fields[0] != "=>" {
				continue
			}
			if i+1 < len(lines) && strings.HasPrefix(strings.TrimSpace(lines[i+1]), "=>") {
				continue // replaced: the next line has what is linked
			}
			modules++
			assert.True(t, has[fields[1]+" "+fields[2]], "the SBOM lacks %s %s", fields[1], fields[2])
		}
		assert.Greater(t, modules, 50)
		assert.True(t, slices.ContainsFunc(sbom.Components, func(c struct {
			Name, Version string
			Licenses      []any
			Evidence      any
		}) bool {
			return c.Name == "std"
		}), "the SBOM lacks Go's standard library")
	}
}
