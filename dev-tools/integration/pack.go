// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The zip of a package.

package main

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// epoch is the time of every entry: the oldest that a zip can say in every time zone.
var epoch = time.Date(1980, 1, 2, 0, 0, 0, 0, time.UTC)

// build writes TARGET/NAME-VERSION.zip, has it validated, and returns its path. The same sources make the same bytes.
func build(folder, target string) (string, error) {
	sources := os.DirFS(folder)
	name, err := nameOf(sources)
	if err != nil {
		return "", err
	}
	var zipped bytes.Buffer
	if err := pack(&zipped, sources, name); err != nil {
		return "", err
	}
	if err := os.MkdirAll(target, 0o750); err != nil {
		return "", err
	}
	// Validated under another name first: what has the right name is right.
	path := filepath.Join(target, name+".zip")
	draft := path + ".draft"
	if err := os.WriteFile(draft, zipped.Bytes(), 0o644); err != nil {
		return "", err
	}
	if err := checkZip(draft); err != nil {
		return "", errors.Join(err, os.Remove(draft))
	}
	return path, os.Rename(draft, path)
}

// nameOf is NAME-VERSION by the manifest, the name of a package's top folder.
func nameOf(sources fs.FS) (string, error) {
	raw, err := fs.ReadFile(sources, "manifest.yml")
	if err != nil {
		return "", fmt.Errorf("not a package: %w", err)
	}
	var manifest struct{ Name, Version string }
	if err := yaml.Unmarshal(raw, &manifest); err != nil {
		return "", fmt.Errorf("manifest.yml: %w", err)
	}
	if manifest.Name == "" || manifest.Version == "" {
		return "", errors.New("manifest.yml has no name or no version")
	}
	return manifest.Name + "-" + manifest.Version, nil
}

// pack writes the package below a top folder: all files but those for developers, in the order of their names.
func pack(w io.Writer, sources fs.FS, top string) error {
	files, err := filesOf(sources)
	if err != nil {
		return err
	}
	ecs, err := loadECS(sources)
	if err != nil {
		return err
	}
	archive := zip.NewWriter(w)
	archive.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestCompression)
	})
	for _, name := range files {
		content, err := fs.ReadFile(sources, name)
		if err != nil {
			return err
		}
		if content, err = built(name, content, ecs); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := add(archive, top+"/"+name, content); err != nil {
			return err
		}
	}
	return archive.Close()
}

// built is a file of the sources as the zip has it.
func built(name string, content []byte, ecs map[string]definition) ([]byte, error) {
	switch {
	case strings.HasPrefix(name, "kibana/") && path.Ext(name) == ".json":
		return encodeAsset(content)
	case path.Base(path.Dir(name)) == "fields" && path.Ext(name) == ".yml":
		return resolveFields(content, ecs)
	default:
		return content, nil
	}
}

// filesOf lists what belongs into a built package, sorted. What begins with a dot is an editor's or git's; folders
// named _dev are for developers.
func filesOf(sources fs.FS) ([]string, error) {
	var files []string
	err := fs.WalkDir(sources, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name == ".":
			return nil
		case strings.HasPrefix(entry.Name(), "."):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.IsDir() && entry.Name() == "_dev":
			return fs.SkipDir
		case entry.IsDir():
			return nil
		case !entry.Type().IsRegular():
			return fmt.Errorf("%s is not a regular file", name)
		case strings.HasSuffix(name, ".link"):
			return fmt.Errorf("%s: linked files are not supported", name)
		}
		files = append(files, name)
		return nil
	})
	slices.Sort(files)
	return files, err
}

// add writes one entry. All that an entry says besides its content is fixed.
func add(archive *zip.Writer, name string, content []byte) error {
	header := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: epoch}
	header.SetMode(0o644)
	w, err := archive.CreateHeader(header)
	if err != nil {
		return err
	}
	_, err = w.Write(content)
	return err
}
