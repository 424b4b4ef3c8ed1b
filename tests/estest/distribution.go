// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The parts: a Java that fits, and the server's archive, brought by Maven into its own cache and unpacked once.

package estest

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// The releases that this package runs. V8 is the one that has to run in CI.
const (
	V8 = "8.18.0"
	V9 = "9.2.0"
)

// releases tells which Java runs a release: 8.18 needs the security manager, which Java 24 took out.
var releases = map[string]struct{ minJava, maxJava int }{
	V8: {minJava: 17, maxJava: 23},
	V9: {minJava: 21, maxJava: 99},
}

// artifact is the archive with the few modules, by its Maven coordinates.
const artifact = "org.elasticsearch.distribution.integ-test-zip:elasticsearch:%s:zip"

// MissingError says what this machine lacks for running a node. Tests that need one are skipped then.
type MissingError struct{ What string }

func (e *MissingError) Error() string { return "no Elasticsearch can be run here: " + e.What }

// distribution is what a node is started from.
type distribution struct {
	home     string // the unpacked archive; only read
	javaHome string
}

// provide finds Java and Maven and, when needed, downloads and unpacks the release.
func provide(ctx context.Context, version string) (*distribution, error) {
	fits, ok := releases[version]
	if !ok {
		return nil, fmt.Errorf("estest does not know Elasticsearch %s; it runs %s and %s", version, V8, V9)
	}
	javaHome, err := findJava(ctx, fits.minJava, fits.maxJava)
	if err != nil {
		return nil, err
	}
	cache, err := cacheDir()
	if err != nil {
		return nil, err
	}
	home := filepath.Join(cache, "elasticsearch-"+version)
	if _, err := os.Stat(filepath.Join(home, "bin", "elasticsearch")); err != nil {
		if err := unpackFromMaven(ctx, cache, home, version); err != nil {
			return nil, err
		}
	}
	return &distribution{home: home, javaHome: javaHome}, nil
}

// cacheDir is where archives are unpacked. Root's own cache cannot be read by the user that the node runs as, so root has a common one.
func cacheDir() (string, error) {
	parent := "/var/cache"
	if os.Geteuid() != 0 {
		var err error
		if parent, err = os.UserCacheDir(); err != nil {
			return "", fmt.Errorf("a place to unpack Elasticsearch in: %w", err)
		}
	}
	dir := filepath.Join(parent, "onepasswordbeat-tests")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o755) // whatever the umask is
}

// unpackFromMaven works beside home and moves the result there at the end, so that a test running at the same time, or after a crash, never sees half of it.
func unpackFromMaven(ctx context.Context, cache, home, version string) error {
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return &MissingError{What: "Maven (mvn) is not in PATH"}
	}
	work, err := os.MkdirTemp(cache, "unpack-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()

	cmd := exec.CommandContext(ctx, mvn, "--batch-mode", "--quiet", "dependency:copy",
		"-Dartifact="+fmt.Sprintf(artifact, version), "-DoutputDirectory="+work)
	cmd.Dir = work // a pom.xml further up is none of its business
	cmd.Cancel = func() error { return cmd.Process.Kill() }
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("maven could not bring Elasticsearch %s: %w\n%s", version, err, lastLines(string(out), 15))
	}
	if err := unzip(filepath.Join(work, "elasticsearch-"+version+".zip"), work); err != nil {
		return fmt.Errorf("unpacking Elasticsearch %s: %w", version, err)
	}
	err = os.Rename(filepath.Join(work, "elasticsearch-"+version), home)
	if errors.Is(err, fs.ErrExist) {
		return nil // another test was quicker
	}
	return err
}

// unzip unpacks an archive so that any user can read what is in it.
func unzip(archive, dir string) error {
	r, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	for _, f := range r.File {
		if !filepath.IsLocal(f.Name) {
			return fmt.Errorf("%s: %q would be outside of the directory", archive, f.Name)
		}
		if err := unzipFile(f, filepath.Join(dir, filepath.FromSlash(f.Name))); err != nil {
			return err
		}
	}
	return nil
}

func unzipFile(f *zip.File, path string) error {
	dir := filepath.Dir(path)
	if f.FileInfo().IsDir() {
		dir = path
	}
	if err := os.MkdirAll(dir, 0o755); err != nil || dir == path {
		return errors.Join(err, os.Chmod(dir, 0o755))
	}
	src, err := f.Open()
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }()
	mode := f.Mode().Perm()&0o755 | 0o644
	dst, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	return errors.Join(err, dst.Close(), os.Chmod(path, mode))
}

// findJava returns the home of the oldest Java from lowest to highest: in JAVA_HOME, in PATH, or where Linux distributions install them.
func findJava(ctx context.Context, lowest, highest int) (string, error) {
	var candidates []string
	if home := os.Getenv("JAVA_HOME"); home != "" {
		candidates = append(candidates, filepath.Join(home, "bin", "java"))
	}
	if java, err := exec.LookPath("java"); err == nil {
		candidates = append(candidates, java)
	}
	installed, _ := filepath.Glob("/usr/lib/jvm/*/bin/java")
	candidates = append(candidates, installed...)

	best, home := highest+1, ""
	seen := map[string]bool{}
	for _, java := range candidates {
		real, err := filepath.EvalSymlinks(java)
		if err != nil || seen[real] {
			continue
		}
		seen[real] = true
		if version, dir, err := askJava(ctx, java); err == nil && version >= lowest && version < best {
			best, home = version, dir
		}
	}
	if home == "" {
		return "", &MissingError{What: fmt.Sprintf("no Java from %d to %d in JAVA_HOME, PATH or /usr/lib/jvm", lowest, highest)}
	}
	return home, nil
}

var javaProperty = regexp.MustCompile(`(?m)^\s*(java\.home|java\.specification\.version) = (.+?)\s*$`)

// askJava runs a java to learn its version and its home, which a wrapper in PATH does not show.
func askJava(ctx context.Context, java string) (version int, home string, err error) {
	out, err := exec.CommandContext(ctx, java, "-XshowSettings:properties", "-version").CombinedOutput()
	if err != nil {
		return 0, "", err
	}
	for _, m := range javaProperty.FindAllStringSubmatch(string(out), -1) {
		if m[1] == "java.home" {
			home = m[2]
			continue
		}
		if version, err = strconv.Atoi(m[2]); err != nil {
			return 0, "", fmt.Errorf("%s is not a Java that can be used: version %q", java, m[2])
		}
	}
	return version, home, nil
}

// lastLines is the tail of a log.
func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
