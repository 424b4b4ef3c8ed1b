// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package ecsdefs knows the ECS fields that the integration package declares by reference, and resolves them as a build
// of the package does.
package ecsdefs

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"

	"onepasswordbeat/dev-tools/generate/fields/fielddefs"
)

// path is the file of the definitions, below the root of the repository. The program that builds the package embeds it.
const path = "dev-tools/integration/ecs.yml"

// External is the value of a definition's `external` that stands for ECS.
const External = "ecs"

// Set is what the package takes from one release of ECS.
type Set struct {
	Reference string // git@ and the tag of github.com/elastic/ecs
	Fields    map[string]Field
	raw       map[string]map[string]any
}

// Field is how ECS types a field.
type Field struct {
	Type        string
	Index       *bool
	DocValues   *bool                  `yaml:"doc_values"`
	MultiFields []fielddefs.MultiField `yaml:"multi_fields"`
}

// Load reads the definitions below the repository's root.
func Load(root string) (*Set, error) {
	content, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(path)))
	if err != nil {
		return nil, err
	}
	var typed struct {
		Reference string
		Fields    []struct {
			Name  string
			Field `yaml:",inline"`
		}
	}
	var raw struct{ Fields []map[string]any }
	for _, into := range []any{&typed, &raw} {
		if err := yaml.Unmarshal(content, into); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	s := &Set{Reference: typed.Reference, Fields: map[string]Field{}, raw: map[string]map[string]any{}}
	for i, f := range typed.Fields {
		s.Fields[f.Name], s.raw[f.Name] = f.Field, raw.Fields[i]
	}
	return s, nil
}

// Validation is what ECS says of a field's values, as elastic-package asks of documents in tests.
type Validation struct {
	Array      bool                // always a list
	Values     []string            // no others
	EventTypes map[string][]string `yaml:"event_types"` // the values of event.type that fit a value
}

// Resolve returns a fields/*.yml of the package with what ECS says of the fields that are declared by reference, and
// its Validation under `validation`. As in elastic-package, what the package says itself counts.
func (s *Set) Resolve(content []byte) ([]byte, error) {
	var list []map[string]any
	if err := yaml.Unmarshal(content, &list); err != nil {
		return nil, err
	}
	for i, own := range list {
		if own["external"] != External {
			continue
		}
		name, _ := own["name"].(string)
		imported, known := s.raw[name]
		if !known {
			return nil, fmt.Errorf("%s has no field %q", path, name)
		}
		list[i] = maps.Clone(imported)
		maps.Copy(list[i], own)
		delete(list[i], "external")
	}
	return yaml.Marshal(list)
}
