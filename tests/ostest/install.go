// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The integration on the node: index templates and ingest pipelines of the three data streams.

package ostest

import (
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"onepasswordbeat/dev-tools/generate/fields/fielddefs"
	"onepasswordbeat/module"
)

// PackageVersion is the integration's version in the names of its pipelines.
const PackageVersion = "2.1.0"

// namespace is that of the data streams: OpenSearch wants the value of a constant_keyword in the mapping.
const namespace = "default"

// elasticsearchOnly are the processors that OpenSearch does not have.
var elasticsearchOnly = []string{"geoip"}

// Stream is the data stream of an event type: "logs-1password.audit_events-default".
func Stream(module string) string { return "logs-1password." + module + "-" + namespace }

// PipelineName is the name of an event type's ingest pipeline, as Fleet forms it.
func PipelineName(module string) string { return "logs-1password." + module + "-" + PackageVersion }

// Install loads an index template and the ingest pipeline for each event type. Documents that are then sent to Stream, with the operation create, land as in production, but:
//
//   - The processor geoip is left out of the pipelines, as OpenSearch has none: source.geo is only what the API says, and there is no source.as.
//   - Fields without a definition are keywords, where Elasticsearch's own component ecs@mappings would know those of ECS.
//   - The namespace of the data streams is default.
func Install(t testing.TB, n *Node) {
	t.Helper()
	set, err := fielddefs.Load(root(), module.All())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range module.All() {
		n.Must(t, http.MethodPut, "/_ingest/pipeline/"+url.PathEscape(PipelineName(m.Name)), Pipeline(t, m.Name), nil)
		settings := map[string]any{
			"index.number_of_replicas": 0, "index.mapping.total_fields.limit": 1000, "index.default_pipeline": PipelineName(m.Name),
		}
		n.Must(t, http.MethodPut, "/_index_template/logs-1password."+m.Name, map[string]any{
			"index_patterns": []string{Stream(m.Name)},
			"priority":       200,
			"data_stream":    map[string]any{},
			"template":       map[string]any{"settings": settings, "mappings": Mappings(set, m)},
		}, nil)
	}
}

// Pipeline reads the ingest pipeline of an event type and leaves out what OpenSearch does not have.
func Pipeline(t testing.TB, name string) map[string]any {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root(), "packages", "1password", "data_stream", name, "elasticsearch", "ingest_pipeline", "default.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var pipeline map[string]any
	if err := yaml.Unmarshal(raw, &pipeline); err != nil {
		t.Fatal(err)
	}
	processors, _ := pipeline["processors"].([]any)
	pipeline["processors"] = slices.DeleteFunc(processors, func(p any) bool {
		processor, _ := p.(map[string]any)
		return slices.ContainsFunc(elasticsearchOnly, func(kind string) bool { return processor[kind] != nil })
	})
	return pipeline
}

// root is the repository's.
func root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}

// Mappings returns the mappings of an event type's data stream, made of the field definitions.
func Mappings(set *fielddefs.Set, m module.Module) map[string]any {
	properties := map[string]any{}
	dynamic := []any{}
	for _, f := range set.Fields {
		if !slices.Contains(f.Owners, m.Name) && !slices.Contains(f.Owners, fielddefs.Common) {
			continue
		}
		if f.Type == "object" {
			dynamic = append(dynamic, dynamicTemplates(f.Field)...)
			continue
		}
		put(properties, f.Name, mappingOf(f.Field, m))
	}
	dynamic = append(dynamic, map[string]any{"strings": map[string]any{
		"match_mapping_type": "string", "mapping": map[string]any{"type": "keyword", "ignore_above": 1024}}})
	return map[string]any{"date_detection": false, "dynamic_templates": dynamic, "properties": properties}
}

// mappingOf is the mapping of one field.
func mappingOf(f fielddefs.Field, m module.Module) map[string]any {
	constants := map[string]string{
		"data_stream.type": "logs", "data_stream.dataset": m.Dataset, "data_stream.namespace": namespace,
		"event.module": "1password", "event.dataset": m.Dataset,
	}
	if value, ok := constants[f.Name]; ok {
		return map[string]any{"type": "constant_keyword", "value": value}
	}
	switch f.Type {
	case "keyword":
		mapping := map[string]any{"type": "keyword", "ignore_above": 1024}
		for option, value := range map[string]*bool{"index": f.Index, "doc_values": f.DocValues} {
			if value != nil {
				mapping[option] = *value
			}
		}
		for _, m := range f.MultiFields {
			mapping["fields"] = map[string]any{m.Name: map[string]any{"type": m.Type}}
		}
		return mapping
	default:
		return map[string]any{"type": f.Type}
	}
}

// dynamicTemplates are for the keys below an object that have no definition.
func dynamicTemplates(f fielddefs.Field) []any {
	types := map[string]string{"string": f.ObjectType}
	if f.ObjectType == "" {
		delete(types, "string")
	}
	for _, p := range f.ObjectTypeParams {
		types[p.MappingType] = p.Type
	}
	var templates []any
	for _, kind := range slices.Sorted(maps.Keys(types)) {
		templates = append(templates, map[string]any{f.Name + "." + kind: map[string]any{
			"path_match": f.Name + ".*", "match_mapping_type": kind, "mapping": map[string]any{"type": types[kind]}}})
	}
	return templates
}

// put sets a mapping at a dotted name.
func put(properties map[string]any, name string, mapping map[string]any) {
	for {
		parent, rest, nested := strings.Cut(name, ".")
		if !nested {
			properties[name] = mapping
			return
		}
		object, ok := properties[parent].(map[string]any)
		if !ok {
			object = map[string]any{"properties": map[string]any{}}
			properties[parent] = object
		}
		properties, _ = object["properties"].(map[string]any)
		name = rest
	}
}
