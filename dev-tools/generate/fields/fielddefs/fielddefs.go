// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package fielddefs reads the field definitions of _meta/fields.common.yml and of the modules and merges them. The
// files have libbeat's format; fields are listed flat, with dotted names.
package fielddefs

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"

	"go.yaml.in/yaml/v3"

	"onepasswordbeat/module"
)

// Common is the owner of the fields that every event has.
const Common = "common"

// Field is one field definition. Names, types and options are those of libbeat's fields.yml.
type Field struct {
	Name             string       `yaml:"name"`
	Type             string       `yaml:"type"`
	ObjectType       string       `yaml:"object_type,omitempty"`
	ObjectTypeParams []ObjectType `yaml:"object_type_params,omitempty"`
	Index            *bool        `yaml:"index,omitempty"`
	DocValues        *bool        `yaml:"doc_values,omitempty"`
	IgnoreAbove      int          `yaml:"ignore_above,omitempty"`
	MultiFields      []MultiField `yaml:"multi_fields,omitempty"`
	Description      string       `yaml:"description"`
}

// MultiField is another way in which a field's value is indexed, as a field of this name below it.
type MultiField struct {
	Name string `yaml:"name"`
	Type string `yaml:"type"`
}

// ObjectType says how keys below an object that have no definition are indexed, by their JSON type.
type ObjectType struct {
	Type        string `yaml:"object_type"`
	MappingType string `yaml:"object_type_mapping_type"`
}

// File is one part of a fields.yml.
type File struct {
	Key         string  `yaml:"key"`
	Title       string  `yaml:"title"`
	Description string  `yaml:"description"`
	Fields      []Field `yaml:"fields"`
}

// Merged is a field with the names of the modules that have it, or Common.
type Merged struct {
	Field
	Owners []string
}

// Set is all fields of the beat, sorted by name, each once.
type Set struct {
	Files   []File // as read: the common one first, then the modules' in their order
	Fields  []Merged
	Modules []module.Module
}

// Load reads the definitions below the repository's root.
func Load(root string, modules []module.Module) (*Set, error) {
	set := &Set{Modules: modules}
	paths := []string{filepath.Join("_meta", "fields.common.yml")}
	for _, m := range modules {
		paths = append(paths, filepath.Join("module", m.Path, "_meta", "fields.yml"))
	}
	for _, path := range paths {
		f, err := read(filepath.Join(root, path))
		if err != nil {
			return nil, fmt.Errorf("cannot read the field definitions of %s: %w", path, err)
		}
		set.Files = append(set.Files, f)
	}
	return set, set.merge()
}

func read(path string) (File, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return File{}, err
	}
	var parts []File
	d := yaml.NewDecoder(bytes.NewReader(content))
	d.KnownFields(true)
	if err := d.Decode(&parts); err != nil {
		return File{}, err
	}
	if len(parts) != 1 {
		return File{}, fmt.Errorf("has %d parts, want one", len(parts))
	}
	return parts[0], nil
}

// merge joins equal definitions and reports all that differ.
func (s *Set) merge() error {
	index := make(map[string]int)
	var errs []error
	for _, file := range s.Files {
		for _, f := range file.Fields {
			i, seen := index[f.Name]
			if !seen {
				index[f.Name] = len(s.Fields)
				s.Fields = append(s.Fields, Merged{Field: f, Owners: []string{file.Key}})
				continue
			}
			if err := s.join(&s.Fields[i], f, file.Key); err != nil {
				errs = append(errs, err)
			}
		}
	}
	slices.SortFunc(s.Fields, func(a, b Merged) int { return cmp.Compare(a.Name, b.Name) })
	return errors.Join(errs...)
}

func (s *Set) join(have *Merged, f Field, owner string) error {
	if slices.Contains(have.Owners, owner) {
		return fmt.Errorf("%s defines %s twice", owner, f.Name)
	}
	have.Owners = append(have.Owners, owner)
	other := f
	other.Description = have.Description // each module may describe a field from its own point of view
	if !reflect.DeepEqual(have.Field, other) {
		return fmt.Errorf("%s defines %s otherwise than %s", owner, f.Name, have.Owners[0])
	}
	return nil
}

const header = "# Generated from _meta/fields.common.yml and module/*/_meta/fields.yml by dev-tools/generate/fields. Do not edit.\n\n"

// YAML returns the beat's fields.yml: one part with the fields of all.
func (s *Set) YAML() ([]byte, error) {
	all := File{
		Key:         "onepasswordbeat",
		Title:       "onepasswordbeat",
		Description: "Fields of the events that onepasswordbeat ships.",
	}
	for _, f := range s.Fields {
		all.Fields = append(all.Fields, f.Field)
	}
	var b bytes.Buffer
	b.WriteString(header)
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode([]File{all}); err != nil {
		return nil, fmt.Errorf("cannot write the fields: %w", err)
	}
	return b.Bytes(), e.Close()
}
