// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The fields of the data streams, as Fleet reads them.

package main

import (
	"bytes"
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"onepasswordbeat/dev-tools/generate/fields/ecsdefs"
	"onepasswordbeat/dev-tools/generate/fields/fielddefs"
	"onepasswordbeat/module"
)

// field is one definition of a data stream's fields/*.yml, after the package specification.
type field struct {
	Name              string                 `yaml:"name"`
	External          string                 `yaml:"external,omitempty"`
	Type              string                 `yaml:"type,omitempty"`
	ObjectType        string                 `yaml:"object_type,omitempty"`
	ObjectMappingType string                 `yaml:"object_type_mapping_type,omitempty"`
	Value             string                 `yaml:"value,omitempty"` // of a constant_keyword
	Index             *bool                  `yaml:"index,omitempty"`
	DocValues         *bool                  `yaml:"doc_values,omitempty"`
	IgnoreAbove       int                    `yaml:"ignore_above,omitempty"`
	Description       string                 `yaml:"description"`
	MultiFields       []fielddefs.MultiField `yaml:"multi_fields,omitempty"`
}

// constants are the fields that are the same in all documents of a data stream; Elasticsearch keeps such a value once
// and skips the index in searches for another.
var constants = []string{"data_stream.dataset", "data_stream.namespace", "data_stream.type", "event.dataset", "event.module"}

// fromElsewhere are the fields that only documents of the package have: the Agent and Fleet's final pipeline add them.
var fromElsewhere = []field{
	{Name: "elastic_agent.id", Type: "keyword", Description: "Id of the Elastic Agent."},
	{Name: "elastic_agent.snapshot", Type: "boolean", Description: "Whether the Elastic Agent is a build of a version yet to come."},
	{Name: "elastic_agent.version", Type: "keyword", Description: "Version of the Elastic Agent."},
	{Name: "event.agent_id_status", Type: "keyword", Description: "Whether Fleet knows the Elastic Agent that sent the event."},
}

// described are descriptions that are others for documents of the package.
var described = map[string]string{
	"agent.id":                    "Id of what shipped the event: the Elastic Agent, or the onepasswordbeat that it runs.",
	"agent.name":                  "Name of the Elastic Agent, by default its host's name.",
	"agent.type":                  "filebeat for the input cel, onepasswordbeat for the input onepassword.",
	"agent.version":               "Version of what shipped the event.",
	"data_stream.namespace":       "The namespace of the integration policy.",
	"event.kind":                  "event; pipeline_error if something was wrong with it, which error.message says.",
	"host.name":                   "Name of the Elastic Agent's host, where its policy adds it.",
	"host.os.name":                "Operating system under the app, as user_agent.os.name; version 1 of the integration had it here.",
	"input.type":                  "How the event was collected: cel or onepassword.",
	"event.original":              "The event as the API sent it, if the setting that preserves it is on, or if it could not be processed.",
	"onepassword":                 "What the API sent under a key that is not described here, such as one that is new.",
	"source.as.number":            "Number of the autonomous system that the address belongs to.",
	"source.as.organization.name": "Name of the organization that runs the autonomous system.",
	"source.geo.continent_name":   "Name of the continent, after the address.",
	"source.geo.region_iso_code":  "ISO code of the region, after the address.",
	"source.geo.city_name":        "Name of the city, from the API's location or else after the address.",
	"source.geo.country_iso_code": "Two-letter ISO code of the country, from the API's location or else after the " +
		"address.",
	"source.geo.country_name": "Name of the country, from the API's location or else after the address.",
	"source.geo.location":     "Coordinates, from the API's location or else after the address.",
	"source.geo.region_name":  "Name of the region, from the API's location or else after the address.",
}

// fieldFiles returns the definitions of a data stream by the name of their file, sorted: those that all data streams
// of Fleet have, those of ECS with the Agent's, and 1Password's own. Types are written out also where Elasticsearch's
// ecs@mappings would give the same, so that the documents are typed as those of a beat without Fleet.
func fieldFiles(set *fielddefs.Set, m module.Module) (map[string][]field, error) {
	list := slices.Clone(fromElsewhere)
	for _, f := range set.Fields {
		if !slices.Contains(f.Owners, fielddefs.Common) && !slices.Contains(f.Owners, m.Name) {
			continue
		}
		translated, err := translate(ownDescription(set, m, f.Field), m)
		if err != nil {
			return nil, err
		}
		list = append(list, translated...)
	}
	slices.SortFunc(list, func(a, b field) int { // elastic-package takes the first that fits
		return cmp.Or(cmp.Compare(strings.Count(a.Name, "*"), strings.Count(b.Name, "*")), cmp.Compare(a.Name, b.Name))
	})
	files := map[string][]field{}
	for _, f := range list {
		name := fileOf(f.Name)
		files[name] = append(files[name], f)
	}
	return files, nil
}

func fileOf(name string) string {
	switch {
	case name == "@timestamp" || name == "input.type" || slices.Contains(constants, name):
		return "base-fields.yml"
	case strings.HasPrefix(name, "onepassword."):
		return "fields.yml"
	default:
		return "ecs.yml"
	}
}

// ownDescription is a field as the module describes it; in the merged set it has the description of the first.
func ownDescription(set *fielddefs.Set, m module.Module, f fielddefs.Field) fielddefs.Field {
	for _, file := range set.Files {
		if file.Key != m.Name {
			continue
		}
		for _, own := range file.Fields {
			if own.Name == f.Name {
				return own
			}
		}
	}
	return f
}

// translate is libbeat's definition of a field in Fleet's terms.
func translate(f fielddefs.Field, m module.Module) ([]field, error) {
	out := field{
		Name: f.Name, Type: f.Type, Index: f.Index, DocValues: f.DocValues, IgnoreAbove: f.IgnoreAbove, MultiFields: f.MultiFields,
		Description: cmp.Or(described[f.Name], strings.TrimSpace(f.Description)),
	}
	switch {
	case slices.Contains(constants, f.Name):
		out.Type = "constant_keyword"
		out.Value = map[string]string{"event.module": "1password", "event.dataset": m.Dataset}[f.Name]
		if strings.HasSuffix(f.Name, ".dataset") {
			out.Description = "Always " + m.Dataset + "."
		}
		return []field{out}, nil
	case f.Type != "object":
		return []field{out}, nil
	case len(f.ObjectTypeParams) == 0:
		out.Name, out.ObjectType = f.Name+".*", f.ObjectType
		return []field{out}, nil
	default:
		return dynamicKeys(f, out)
	}
}

// dynamicKeys defines how keys below an object are typed that have no definition, by their JSON type.
//
//   - Fleet makes a dynamic template of each definition, named after the field, and keeps one of each name: hence one
//     star, two stars and so on, which all match the same.
//   - The specification knows no JSON type for booleans. Elasticsearch makes the first one a boolean field; a string
//     that comes later under the same key is kept but not indexed, as Fleet's data streams ignore malformed values.
//   - Strings have no definition. Elasticsearch's ecs@mappings types them, as keywords unless the key's name is one that
//     ECS types otherwise (`*_ip`, `*.created`, ...). Fleet would make a template for them without ignore_above, by which
//     Elasticsearch would reject a document with a string of more than 32,766 bytes; a value that is not of the type by
//     name is kept without being indexed.
func dynamicKeys(f fielddefs.Field, out field) ([]field, error) {
	var list []field
	for _, p := range f.ObjectTypeParams {
		switch p.MappingType {
		case "boolean":
			continue
		case "long", "double":
		default:
			return nil, fmt.Errorf("%s: how Fleet maps values of the JSON type %q is not known here", f.Name, p.MappingType)
		}
		own := out
		own.Name = f.Name + "." + strings.Repeat("*", len(list)+1)
		own.ObjectType, own.ObjectMappingType = p.Type, p.MappingType
		list = append(list, own)
	}
	return list, nil
}

// byReference are the definitions as the sources of the package have them: a field of ECS names ECS instead of its type,
// and keeps what is the package's own, its description and that its value is always the same.
func byReference(list []field, ecs *ecsdefs.Set) ([]field, error) {
	out := slices.Clone(list)
	for i := range out {
		f := &out[i]
		theirs, known := ecs.Fields[f.Name]
		if !known {
			continue
		}
		own := ecsdefs.Field{Type: f.Type, Index: f.Index, DocValues: f.DocValues, MultiFields: f.MultiFields}
		if overrides := theirs.Type == "keyword" && f.Type == "constant_keyword"; overrides {
			own.Type = theirs.Type
		} else {
			f.Type = ""
		}
		if !reflect.DeepEqual(own, theirs) {
			return nil, fmt.Errorf("%s is defined otherwise than in ECS (%s)", f.Name, ecs.Reference)
		}
		f.External, f.Index, f.DocValues, f.MultiFields = ecsdefs.External, nil, nil, nil
	}
	return out, nil
}

// buildYAML says which release of ECS elastic-package takes the fields of.
func buildYAML(ecs *ecsdefs.Set) []byte {
	return fmt.Appendf(nil, "# Generated by dev-tools/generate/integration. Do not edit.\ndependencies:\n  ecs:\n    reference: %s\n", ecs.Reference)
}

const yamlHeader = "# Generated from _meta/fields.common.yml and module/*/_meta/fields.yml by dev-tools/generate/integration. Do not edit.\n\n"

func fieldsYAML(list []field, ecs *ecsdefs.Set) ([]byte, error) {
	list, err := byReference(list, ecs)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString(yamlHeader)
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(list); err != nil {
		return nil, fmt.Errorf("cannot write the fields: %w", err)
	}
	return b.Bytes(), e.Close()
}
