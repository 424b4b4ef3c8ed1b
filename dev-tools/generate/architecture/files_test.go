// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The files of a package are layers: what a file uses of its package is declared in files below it, and none of these
// uses the file in turn. A reader can go from file to file without going back.

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestFilesAreLayers fails when files of one package use each other in a circle.
func TestFilesAreLayers(t *testing.T) {
	for _, p := range listPackages(t) {
		path := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, modulePath), "/")
		if len(p.GoFiles) < 2 || !inModule(p.ImportPath) || !ships(path) {
			continue
		}
		t.Run(name(path), func(t *testing.T) {
			assert.Empty(t, circles(p.arrows(t)), "files use each other in a circle: move a declaration to the file below")
		})
	}
}

// listed is what `go list` says of a package.
type listed struct {
	ImportPath, Dir, Export string
	GoFiles                 []string
	exports                 map[string]string // files with the types of packages, by import path
}

// listPackages compiles what is not compiled yet, so that the types of all dependencies are known.
func listPackages(t *testing.T) []listed {
	cmd := exec.CommandContext(t.Context(), "go", "list", "-export", "-deps", "-json=ImportPath,Dir,Export,GoFiles", "./...")
	cmd.Dir, cmd.Stderr = root, os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err)
	var all []listed
	exports := map[string]string{}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		p := listed{exports: exports}
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err)
		exports[p.ImportPath] = p.Export
		all = append(all, p)
	}
}

func inModule(importPath string) bool {
	return importPath == modulePath || strings.HasPrefix(importPath, modulePath+"/")
}

// arrows are the names that each file uses of others of the package, by both files.
func (p listed) arrows(t *testing.T) map[string]map[string][]string {
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range p.GoFiles {
		file, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		files = append(files, file)
	}
	lookup := func(path string) (io.ReadCloser, error) { return os.Open(p.exports[path]) }
	info := types.Info{Uses: map[*ast.Ident]types.Object{}}
	pkg, err := (&types.Config{Importer: importer.ForCompiler(fset, "gc", lookup)}).Check(p.ImportPath, fset, files, &info)
	require.NoError(t, err)
	arrows := map[string]map[string][]string{}
	for use, object := range info.Uses {
		from, to := fileOf(fset, use.Pos()), fileOf(fset, object.Pos())
		if object.Pkg() != pkg || from == to {
			continue
		}
		if arrows[from] == nil {
			arrows[from] = map[string][]string{}
		}
		arrows[from][to] = append(arrows[from][to], object.Name())
	}
	return arrows
}

func fileOf(fset *token.FileSet, pos token.Pos) string {
	return filepath.Base(fset.Position(pos).Filename)
}

// circles are the arrows from which a way leads back, each with the names that make it.
func circles(arrows map[string]map[string][]string) []string {
	var all []string
	for from, targets := range arrows {
		for to, names := range targets {
			if reaches(arrows, to, from, map[string]bool{}) {
				slices.Sort(names)
				all = append(all, fmt.Sprintf("%s uses %s of %s", from, strings.Join(slices.Compact(names), ", "), to))
			}
		}
	}
	slices.Sort(all)
	return all
}

func reaches(arrows map[string]map[string][]string, from, to string, seen map[string]bool) bool {
	seen[from] = true
	for next := range arrows[from] {
		if next == to || !seen[next] && reaches(arrows, next, to, seen) {
			return true
		}
	}
	return false
}
