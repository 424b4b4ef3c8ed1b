// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Command dashboards writes packages/1password/kibana, the dashboards, saved searches and tags of the integration
// package, from their declaration in the package boards. Run it from the root of the repository:
//
//	go run ./dev-tools/generate/dashboards
package main

import (
	"io/fs"
	"path/filepath"

	"onepasswordbeat/dev-tools/generate/dashboards/boards"
	"onepasswordbeat/dev-tools/generate/dashboards/kibana"
	"onepasswordbeat/dev-tools/generate/output"
)

const packageDir = output.Integration

func main() { output.Main("dashboards", generate) }

// generate returns the content of each file by its path, and nil for those that are no longer declared.
func generate(root string) (output.Files, error) {
	declared, err := objects()
	if err != nil {
		return nil, err
	}
	files := output.Files{}
	for name, content := range declared {
		files[packageDir+"/"+name] = content
	}
	stale, err := others(root, files)
	for _, name := range stale {
		files[name] = nil
	}
	return files, err
}

// objects returns the files by their paths below the package's folder.
func objects() (map[string][]byte, error) {
	return kibana.Files(boards.All(), boards.Searches(), boards.Tags())
}

// others are the paths of the files below kibana that are not among the generated ones.
func others(root string, files output.Files) ([]string, error) {
	var found []string
	dir := filepath.Join(root, filepath.FromSlash(packageDir), "kibana")
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(root, path)
		if name = filepath.ToSlash(name); err == nil && files[name] == nil {
			found = append(found, name)
		}
		return err
	})
	return found, err
}
