// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The list of packages is what the code does: no arrow is missing, none is left over, and none leads back up.

package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/dev-tools/generate/output/outputtest"
)

const root = "../../.."

func TestPictureAndRulesAreUpToDate(t *testing.T) { outputtest.UpToDate(t, root, generate) }

// TestArrowsAreThoseOfTheCode compares the list with the imports of every package that ships.
func TestArrowsAreThoseOfTheCode(t *testing.T) {
	actual := map[string][]string{}
	for from, imports := range importsOfCode(t) {
		actual[from] = append(actual[from], imports...)
	}
	declared := map[string][]string{}
	for _, p := range packages {
		declared[p.path] = slices.Sorted(slices.Values(p.imports))
	}
	for path, imports := range actual {
		slices.Sort(imports)
		actual[path] = slices.Compact(imports)
	}
	for path := range actual {
		assert.Contains(t, declared, path, "a package that packages.go does not list")
	}
	for path, imports := range declared {
		assert.ElementsMatch(t, imports, actual[path], "arrows from %s: first those of packages.go, then those of the code", name(path))
	}
}

func TestArrowsLeadDown(t *testing.T) {
	at := map[string]int{}
	for i, p := range packages {
		at[p.path] = i
	}
	for i, p := range packages {
		for _, imported := range p.imports {
			assert.Greater(t, at[imported], i, "the arrow from %s to %s", name(p.path), imported)
		}
	}
}

// importsOfCode returns the imports between packages that ship, by path. Both build variants count.
func importsOfCode(t *testing.T) map[string][]string {
	imports := map[string][]string{}
	for _, tags := range []string{"", "oss"} {
		cmd := exec.CommandContext(t.Context(), "go", "list", "-tags="+tags, "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "./...")
		cmd.Dir = root
		out, err := cmd.Output()
		require.NoError(t, err)
		for line := range strings.Lines(string(out)) {
			fields := strings.Fields(line)
			from := place(fields[0])
			if !ships(from) {
				continue
			}
			imports[from] = append(imports[from], []string{}...)
			for _, path := range fields[1:] {
				if to := place(path); (path == modulePath || strings.HasPrefix(path, modulePath+"/")) && to != from {
					imports[from] = append(imports[from], to)
				}
			}
		}
	}
	return imports
}

func ships(path string) bool {
	for _, prefix := range []string{"dev-tools", "detections", "tests", "packages/", "internal/eventsapi/eventsapitest", "internal/registry/registrytest"} {
		if strings.HasPrefix(path, prefix) {
			return false
		}
	}
	return true
}

// place is a package's path in the list: what is below module counts as module.
func place(importPath string) string {
	path := strings.TrimPrefix(strings.TrimPrefix(importPath, modulePath), "/")
	if strings.HasPrefix(path, "module/") {
		return "module"
	}
	return path
}
