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
	"os"
	"path/filepath"

	"onepasswordbeat/tests/engine"
)

// The releases that this package runs. V8 is the one that has to run in CI.
const (
	V8   = "8.18.0"
	V819 = "8.19.7"
	V9   = "9.2.0"
)

// releases tells which Java runs a release: 8.18 needs the security manager, which Java 24 took out.
var releases = map[string]struct{ minJava, maxJava int }{
	V8:   {minJava: 17, maxJava: 23},
	V819: {minJava: 17, maxJava: 24},
	V9:   {minJava: 21, maxJava: 99},
}

// artifact is the archive with the few modules, by its Maven coordinates.
const artifact = "org.elasticsearch.distribution.integ-test-zip:elasticsearch:%s:zip"

// name is the engine's in messages.
const name = "Elasticsearch"

// distribution is what a node is started from.
type distribution struct {
	home     string // the unpacked archive; only read
	javaHome string
}

// provide finds Java and Maven and, when needed, downloads and unpacks the release.
func provide(ctx context.Context, version string) (*distribution, error) {
	fits, ok := releases[version]
	if !ok {
		return nil, fmt.Errorf("estest does not know Elasticsearch %s; it runs %s, %s and %s", version, V8, V819, V9)
	}
	javaHome, err := engine.FindJava(ctx, name, fits.minJava, fits.maxJava)
	if err != nil {
		return nil, err
	}
	home, err := engine.Provide("elasticsearch-"+version, func(work string) (string, error) { return unpackFromMaven(ctx, work, version) })
	if err != nil {
		return nil, err
	}
	return &distribution{home: home, javaHome: javaHome}, nil
}

// unpackFromMaven returns where below work the archive is unpacked.
func unpackFromMaven(ctx context.Context, work, version string) (string, error) {
	if err := engine.Maven(ctx, name+" "+version, work, "copy", "artifact="+fmt.Sprintf(artifact, version), "outputDirectory="+work); err != nil {
		return "", err
	}
	if err := unzip(filepath.Join(work, "elasticsearch-"+version+".zip"), work); err != nil {
		return "", fmt.Errorf("unpacking Elasticsearch %s: %w", version, err)
	}
	return filepath.Join(work, "elasticsearch-"+version), nil
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
