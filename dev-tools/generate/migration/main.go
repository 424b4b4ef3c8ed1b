// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Command migration copies the table of changed fields from the upgrade notes of the integration package to
// docs/migration.md, so that both say the same. Run it from the root of the repository:
//
//	go run ./dev-tools/generate/migration
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"onepasswordbeat/dev-tools/generate/output"
)

const (
	notes = "packages/1password/_dev/build/docs/README.md"
	page  = "docs/migration.md"
	head  = "| Field | Version 1.x | Version 2 |\n"
	begin = "<!-- begin generated: fields -->\n"
	end   = "<!-- end generated: fields -->\n"
)

func main() { output.Main("migration", generate) }

func generate(root string) (output.Files, error) {
	source, err := os.ReadFile(filepath.Join(root, notes))
	if err != nil {
		return nil, err
	}
	_, rows, found := strings.Cut(string(source), head)
	if !found {
		return nil, fmt.Errorf("%s has no table with the head %q", notes, strings.TrimSpace(head))
	}
	rows, _, _ = strings.Cut(rows, "\n\n")
	target, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		return nil, err
	}
	before, rest, found := strings.Cut(string(target), begin)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		return nil, fmt.Errorf("%s has no lines %q and %q", page, strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return output.Files{page: []byte(before + begin + "\n" + head + strings.TrimRight(rows, "\n") + "\n\n" + end + after)}, nil
}
