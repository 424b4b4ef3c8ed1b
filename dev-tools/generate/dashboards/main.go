// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Command dashboards writes packages/1password/kibana, the dashboards, saved searches and tags of the integration
// package, from their declaration in the package boards. Run it from the root of the repository:
//
//	go run ./dev-tools/generate/dashboards
package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"onepasswordbeat/dev-tools/generate/dashboards/boards"
	"onepasswordbeat/dev-tools/generate/dashboards/kibana"
)

const packageDir = "packages/1password"

func main() {
	if err := run("."); err != nil {
		fmt.Fprintln(os.Stderr, "dashboards:", err)
		os.Exit(1)
	}
}

// run writes all files below root and removes those that are no longer declared.
func run(root string) error {
	files, err := generate()
	if err != nil {
		return err
	}
	dir := filepath.Join(root, filepath.FromSlash(packageDir))
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return fmt.Errorf("cannot write what was generated: %w", err)
		}
	}
	stale, err := others(dir, files)
	for _, path := range stale {
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("cannot remove what is no longer generated: %w", err)
		}
	}
	return err
}

func generate() (map[string][]byte, error) {
	return kibana.Files(boards.All(), boards.Searches(), boards.Tags())
}

// others are the files below kibana that are not among the generated ones.
func others(dir string, files map[string][]byte) ([]string, error) {
	var found []string
	err := filepath.WalkDir(filepath.Join(dir, "kibana"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if _, ok := files[filepath.ToSlash(name)]; err == nil && !ok {
			found = append(found, path)
		}
		return err
	})
	return found, err
}
