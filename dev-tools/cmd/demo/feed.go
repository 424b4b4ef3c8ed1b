// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Following the files that the beat writes.

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// feed reads every file of a folder on from where it stopped. A line counts when it is
// whole: a beat that was killed may leave half a one, and sends that event again.
type feed struct {
	dir    string
	offset map[string]int64 // bytes read, by file
}

func newFeed(dir string) *feed { return &feed{dir: dir, offset: map[string]int64{}} }

// read hands every new document to take.
func (f *feed) read(take func(document)) error {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() <= f.offset[e.Name()] {
			continue
		}
		if err != nil {
			return err
		}
		if err := f.readFile(e.Name(), take); err != nil {
			return err
		}
	}
	return nil
}

func (f *feed) readFile(name string, take func(document)) error {
	file, err := os.Open(filepath.Join(f.dir, name))
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	if _, err := file.Seek(f.offset[name], io.SeekStart); err != nil {
		return err
	}
	lines := bufio.NewReaderSize(file, 256<<10)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		f.offset[name] += int64(len(line))
		doc, err := parseDocument(line)
		if err != nil {
			return fmt.Errorf("%s holds a line that is no document: %w", filepath.Join(f.dir, name), err)
		}
		take(doc)
	}
}
