// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Command fields writes fields.yml, include/fields.yml, docs/fields.md and docs/audit-actions.md from the field
// definitions in _meta and in the modules, and from the modules' tables. Run it from the root of the repository:
//
//	go run ./dev-tools/generate/fields
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"onepasswordbeat/dev-tools/generate/fields/fielddefs"
	"onepasswordbeat/module"
)

func main() {
	if err := run("."); err != nil {
		fmt.Fprintln(os.Stderr, "fields:", err)
		os.Exit(1)
	}
}

// run generates all files below root.
func run(root string) error {
	set, err := fielddefs.Load(root, module.All())
	if err != nil {
		return err
	}
	files, err := generate(set)
	if err != nil {
		return err
	}
	for name, content := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return fmt.Errorf("cannot write what was generated: %w", err)
		}
	}
	return nil
}

// generate returns the content of each generated file by its path.
func generate(set *fielddefs.Set) (map[string][]byte, error) {
	yml, err := set.YAML()
	if err != nil {
		return nil, err
	}
	return map[string][]byte{
		"fields.yml":            yml,
		"include/fields.yml":    yml,
		"docs/fields.md":        fieldsDoc(set),
		"docs/audit-actions.md": actionsDoc(),
	}, nil
}
