// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Files with names, modes and one time, and the archives that they are packed into.

package main

import (
	"archive/tar"
	"archive/zip"
	"compress/flate"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// tree is the files of an archive.
type tree []entry

// entry is a file or, with a name that ends in a slash, a folder.
type entry struct {
	name     string // below the archive's top folder
	source   string // path of the content; "": content
	content  []byte
	mode     fs.FileMode // permissions
	uid, gid int
}

func file(name, source string, mode fs.FileMode) entry {
	return entry{name: name, source: source, mode: mode}
}

func text(name string, content []byte, mode fs.FileMode) entry {
	return entry{name: name, content: content, mode: mode}
}

// folder is every file below a folder of the repository.
func folder(root string) (tree, error) {
	var files tree
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		inside, err := filepath.Rel(root, name)
		files = append(files, file(filepath.ToSlash(inside), name, 0o644))
		return err
	})
	return files, err
}

func (e entry) read() ([]byte, error) {
	if e.source == "" {
		return e.content, nil
	}
	return os.ReadFile(e.source)
}

func (e entry) isDir() bool { return strings.HasSuffix(e.name, "/") }

// below returns the files sorted by their names, below a top folder if there is one.
func (t tree) below(top string) tree {
	sorted := slices.Clone(t)
	slices.SortFunc(sorted, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	if top == "" {
		return sorted
	}
	for i := range sorted {
		sorted[i].name = path.Join(top, sorted[i].name)
	}
	return append(tree{{name: top + "/", mode: 0o755}}, sorted...)
}

// tarball writes a tar.gz. All that it says besides names, modes and contents is fixed.
func (t tree) tarball(w io.Writer, top string, when time.Time) error {
	packed, err := gzip.NewWriterLevel(w, gzip.DefaultCompression)
	if err != nil {
		return err
	}
	if err := t.tar(packed, top, when); err != nil {
		return err
	}
	return packed.Close()
}

func (t tree) tar(w io.Writer, top string, when time.Time) error {
	archive := tar.NewWriter(w)
	for _, e := range t.below(top) {
		content, err := e.read()
		if err != nil {
			return err
		}
		header := &tar.Header{
			Typeflag: tar.TypeReg, Name: e.name, Size: int64(len(content)), Mode: int64(e.mode), ModTime: when,
			Uid: e.uid, Gid: e.gid, Format: tar.FormatPAX,
		}
		if e.isDir() {
			header.Typeflag = tar.TypeDir
		}
		if e.uid == 0 {
			header.Uname, header.Gname = "root", "root"
		}
		if err := archive.WriteHeader(header); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
		if _, err := archive.Write(content); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
	}
	return archive.Close()
}

// zip writes a zip with the same rules.
func (t tree) zip(w io.Writer, top string, when time.Time) error {
	archive := zip.NewWriter(w)
	archive.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.DefaultCompression)
	})
	for _, e := range t.below(top) {
		content, err := e.read()
		if err != nil {
			return err
		}
		header := &zip.FileHeader{Name: e.name, Method: zip.Deflate, Modified: when}
		header.SetMode(e.mode)
		if e.isDir() {
			header.Method = zip.Store
			header.SetMode(e.mode | fs.ModeDir)
		}
		out, err := archive.CreateHeader(header)
		if err != nil {
			return err
		}
		if _, err := out.Write(content); err != nil {
			return err
		}
	}
	return archive.Close()
}
