// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Fields that the sources take from ECS: references in the repository, whole definitions in the zip, because Fleet reads
// no others.

package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"

	"go.yaml.in/yaml/v3"
)

// definition is an entry of a data stream's fields/*.yml.
type definition = map[string]any

//go:embed ecs.yml
var ecsFields []byte

// loadECS returns the definitions of ECS by name, which are those of the release that the package's
// _dev/build/build.yml names.
func loadECS(sources fs.FS) (map[string]definition, error) {
	var known struct {
		Reference string
		Fields    []definition
	}
	if err := yaml.Unmarshal(ecsFields, &known); err != nil {
		return nil, fmt.Errorf("ecs.yml: %w", err)
	}
	var manifest struct {
		Dependencies struct{ ECS struct{ Reference string } }
	}
	raw, err := fs.ReadFile(sources, "_dev/build/build.yml")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // the validator accepts no reference then
	}
	if err != nil {
		return nil, err
	}
	if err := yaml.Unmarshal(raw, &manifest); err != nil {
		return nil, fmt.Errorf("_dev/build/build.yml: %w", err)
	}
	if want := manifest.Dependencies.ECS.Reference; want != known.Reference {
		return nil, fmt.Errorf("_dev/build/build.yml names ECS %q, and dev-tools/integration/ecs.yml has the fields of %q", want, known.Reference)
	}
	byName := map[string]definition{}
	for _, f := range known.Fields {
		name, _ := f["name"].(string)
		delete(f, "validation") // of documents in tests
		byName[name] = f
	}
	return byName, nil
}

// resolveFields replaces references by the definitions. As in elastic-package, what the package says itself counts.
func resolveFields(content []byte, ecs map[string]definition) ([]byte, error) {
	var list []definition
	if err := yaml.Unmarshal(content, &list); err != nil {
		return nil, err
	}
	resolved := false
	for i, own := range list {
		if own["external"] == nil {
			continue
		}
		imported, known := ecs[fmt.Sprint(own["name"])]
		if own["external"] != "ecs" || !known {
			return nil, fmt.Errorf("%v is a field of %v that is not known here", own["name"], own["external"])
		}
		list[i], resolved = maps.Clone(imported), true
		maps.Copy(list[i], own)
		delete(list[i], "external")
	}
	if !resolved {
		return content, nil
	}
	return yaml.Marshal(list)
}
