// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package output writes what a generator makes. A generator is a function from the root of the repository to the
// contents of files; it writes nothing itself, so that a test can compare.
package output

import (
	"fmt"
	"os"
	"path/filepath"
)

// Integration is the folder of the integration package, below the root of the repository.
const Integration = "packages/1password"

// Files are contents by their paths below the root of the repository, with slashes. A nil content is a file that is no longer
// generated and is removed.
type Files = map[string][]byte

// Main is a generator's main: it runs at the root of the repository and ends the process with exit code 1 at an error.
func Main(name string, generate func(root string) (Files, error)) {
	const root = "."
	files, err := generate(root)
	if err == nil {
		err = Write(root, files)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}

// Write writes the files below root.
func Write(root string, files Files) error {
	for name, content := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		if content == nil {
			if err := os.Remove(path); err != nil {
				return fmt.Errorf("cannot remove what is no longer generated: %w", err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			return fmt.Errorf("cannot write what was generated: %w", err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return fmt.Errorf("cannot write what was generated: %w", err)
		}
	}
	return nil
}
