// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The pages for contributors and the guarantees name files, functions and tests: each of them exists.

package main

import (
	"cmp"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	quoted     = regexp.MustCompile("`([^`]+)`")
	goFile     = regexp.MustCompile(`^[\w./-]+\.go$`)
	pathToken  = regexp.MustCompile(`^\.?[\w-]+(/[\w.*-]+)+/?$`)
	identifier = regexp.MustCompile(`^[A-Za-z_]\w*$`)
	testToken  = regexp.MustCompile(`^(?:Test|Benchmark|Fuzz)[A-Z]\w*[…*]?$|^…_\w+$`)
)

// TestPagesNameWhatExists: a file or folder exists, a name on a line with Go files is declared in one of them, and a test is
// declared somewhere. A file without a folder is beside the file that the line names before it.
func TestPagesNameWhatExists(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join(root, "docs", "dev", "*.md"))
	require.NoError(t, err)
	tests := declaredTests(t)
	for _, page := range append(pages, filepath.Join(root, "CONTRIBUTING.md"), filepath.Join(root, "docs", "delivery-guarantees.md")) {
		content, err := os.ReadFile(page)
		require.NoError(t, err)
		for number, line := range strings.Split(string(content), "\n") {
			for _, missing := range missingOf(line, tests) {
				t.Errorf("%s:%d: %s does not exist", filepath.Base(page), number+1, missing)
			}
		}
	}
}

func TestMissingNamesAreFound(t *testing.T) {
	tests := []string{"TestInvariant1_A"}
	assert.Empty(t, missingOf("| `internal/harvester/harvester.go`, then `request.go` | `proceed`, `do` | `TestInvariant1_…` `module/*/testdata`", tests))
	assert.Equal(t, []string{"internal/harvester/gone.go"}, missingOf("`internal/harvester/gone.go`", tests))
	assert.Equal(t, []string{"gone.go"}, missingOf("`internal/harvester/harvester.go`, `gone.go`", tests))
	assert.Equal(t, []string{"noSuchFunction"}, missingOf("`noSuchFunction` in `internal/harvester/harvester.go`", tests))
	assert.Empty(t, missingOf("`…_A`", tests))
	assert.Equal(t, []string{"TestInvariant1_B", "TestInvariant2_…"}, missingOf("`TestInvariant1_B`, `TestInvariant2_…`", tests))
}

// missingOf returns what a line names and the repository does not have.
func missingOf(line string, tests []string) []string {
	var missing, names []string
	var sources strings.Builder
	folder := ""
	for _, match := range quoted.FindAllStringSubmatch(line, -1) {
		token := match[1]
		switch {
		case testToken.MatchString(token):
			if !slices.ContainsFunc(tests, matches(token)) {
				missing = append(missing, token)
			}
		case identifier.MatchString(token):
			names = append(names, token)
		case goFile.MatchString(token):
			file := token
			if !strings.Contains(token, "/") && folder != "" {
				file = path.Join(folder, token)
			}
			content, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(file)))
			if err != nil {
				missing = append(missing, token)
			}
			sources.Write(content)
			folder = path.Dir(file)
		case pathToken.MatchString(token):
			if found, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(token))); (err != nil || len(found) == 0) && ours(token) {
				missing = append(missing, token)
			}
		}
	}
	if sources.Len() > 0 {
		for _, name := range names {
			declaration := regexp.MustCompile(`(?m)^(?:func (?:\([^)]*\) )?|type |const |var |\t)` + name + `\b`)
			if !declaration.MatchString(sources.String()) {
				missing = append(missing, name)
			}
		}
	}
	return missing
}

// matches compares a test's name with a token that may leave out its beginning or its end: "…_Name", "TestName_…", "TestName*".
func matches(token string) func(name string) bool {
	return func(name string) bool {
		if end, ok := strings.CutPrefix(token, "…"); ok {
			return strings.HasSuffix(name, end)
		}
		begin := strings.TrimRight(token, "…*")
		return name == token || begin != token && strings.HasPrefix(name, begin)
	}
}

// ours is whether a path begins in a folder of the repository. Others are paths of a module or of a machine.
func ours(token string) bool {
	first, _, _ := strings.Cut(token, "/")
	info, err := os.Stat(filepath.Join(root, first))
	return err == nil && info.IsDir() && first != "build"
}

// declaredTests are the names of the repository's tests, benchmarks and fuzz tests.
func declaredTests(t *testing.T) []string {
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Benchmark|Fuzz)\w+)\(`)
	var names []string
	require.NoError(t, filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() && (entry.Name() == "build" || entry.Name() == ".git") {
			return cmp.Or(err, fs.SkipDir)
		}
		if !strings.HasSuffix(file, "_test.go") {
			return nil
		}
		content, err := os.ReadFile(file)
		for _, match := range declared.FindAllStringSubmatch(string(content), -1) {
			names = append(names, match[1])
		}
		return err
	}))
	return names
}
