// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Command fields writes fields.yml, include/fields.yml, docs/fields.md and docs/audit-actions.md from the field
// definitions in _meta and in the modules, and from the modules' tables. Run it from the root of the repository:
//
//	go run ./dev-tools/generate/fields
package main

import (
	"onepasswordbeat/dev-tools/generate/fields/fielddefs"
	"onepasswordbeat/dev-tools/generate/output"
	"onepasswordbeat/module"
)

func main() { output.Main("fields", generate) }

// generate returns the content of each generated file by its path.
func generate(root string) (output.Files, error) {
	set, err := fielddefs.Load(root, module.All())
	if err != nil {
		return nil, err
	}
	yml, err := set.YAML()
	if err != nil {
		return nil, err
	}
	return output.Files{
		"fields.yml":            yml,
		"include/fields.yml":    yml,
		"docs/fields.md":        fieldsDoc(set),
		"docs/audit-actions.md": actionsDoc(),
	}, nil
}
