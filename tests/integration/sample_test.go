// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package integration has a real engine take the integration package's sample events: typed as the package's fields
// are, and made by its pipelines.
package integration

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"onepasswordbeat/dev-tools/generate/fields/ecsdefs"
	"onepasswordbeat/dev-tools/generate/fields/fielddefs"
	"onepasswordbeat/module"
	"onepasswordbeat/tests/ostest"
)

// field is what Fleet reads of a definition in fields/*.yml.
type field struct {
	Name, Type        string
	ObjectType        string `yaml:"object_type"`
	ObjectMappingType string `yaml:"object_type_mapping_type"`
	Value             string
	Index             *bool
	DocValues         *bool                  `yaml:"doc_values"`
	MultiFields       []fielddefs.MultiField `yaml:"multi_fields"`
}

func TestSampleEvents(t *testing.T) {
	node := ostest.Start(t)
	t.Run("types", func(t *testing.T) { typedAsDefined(t, node) })
	t.Run("arrival", func(t *testing.T) { madeOfItems(t, node) })
}

// typedAsDefined sends each sample event, and some with undefined keys, to an index with the mapping that
// Fleet makes of the package's fields.
func typedAsDefined(t *testing.T, node *ostest.Node) {
	// The last rule of Elasticsearch's ecs@mappings, which OpenSearch does not have.
	node.Must(t, http.MethodPut, "/_component_template/strings", `{"template": {"mappings": {"dynamic_templates": [{"all_strings_to_keywords": {
		"match_mapping_type": "string", "mapping": {"type": "keyword", "ignore_above": 1024}}}]}}}`, nil)
	for _, m := range module.All() {
		t.Run(m.Name, func(t *testing.T) {
			folder := filepath.Join("..", "..", "packages", "1password", "data_stream", m.Name)
			fields := read(t, folder)
			node.Must(t, http.MethodPut, "/_component_template/package-"+m.Name, map[string]any{
				"template": map[string]any{"mappings": mappings(m.Dataset, fields)}}, nil)
			node.Must(t, http.MethodPut, "/_index_template/fleet-"+m.Name, map[string]any{
				"index_patterns": []string{"fleet-" + m.Name},
				"composed_of":    []string{"package-" + m.Name, "strings"},
			}, nil)
			sample, err := os.ReadFile(filepath.Join(folder, "sample_event.json"))
			require.NoError(t, err)
			path := "/fleet-" + m.Name + "/_doc?refresh=true"
			node.Must(t, http.MethodPost, path, string(sample), nil)
			for _, unknown := range []string{
				`{"new": 1, "ratio": 0.5, "text": "2026-01-01", "list": [1], "deep": {"er": 7}}`,
				`{"new": "a word", "ratio": "half", "text": "b", "list": ["c"], "deep": {"er": "d"}}`,
				`{"new": 1.5, "ratio": 2, "unexpected": {"session": "{\"a\": 1}"}}`,
			} {
				node.Must(t, http.MethodPost, path, `{"@timestamp": "2026-01-01T00:00:00Z", "onepassword": `+unknown+`}`, nil)
			}
			var answer map[string]struct {
				Mappings struct{ Properties map[string]any }
			}
			node.Must(t, http.MethodGet, "/fleet-"+m.Name+"/_mapping", nil, &answer)
			got := map[string]string{}
			flatten(got, "", answer["fleet-"+m.Name].Mappings.Properties)
			want := map[string]string{
				"onepassword.new": "keyword", "onepassword.ratio": "keyword", "onepassword.text": "keyword",
				"onepassword.list": "keyword", "onepassword.deep.er": "keyword", "onepassword.unexpected.session": "text",
			}
			for _, f := range fields {
				if f.Type != "object" {
					want[f.Name] = f.Type
				}
			}
			assert.Equal(t, want, got)
		})
	}
}

// madeOfItems sends the API's own items as the input cel does: the ingest pipelines make the sample events of them.
func madeOfItems(t *testing.T, node *ostest.Node) {
	ostest.Install(t, node)
	for _, m := range module.All() {
		t.Run(m.Name, func(t *testing.T) {
			raw, err := os.ReadFile(filepath.Join("..", "..", "packages", "1password", "data_stream", m.Name, "sample_event.json"))
			require.NoError(t, err)
			var want map[string]any
			require.NoError(t, json.Unmarshal(raw, &want))
			items, err := os.ReadFile(filepath.Join("..", "..", "module", m.Path, "testdata", "v2.ndjson"))
			require.NoError(t, err)
			item, _, _ := strings.Cut(string(items), "\n")
			event, _ := want["event"].(map[string]any)
			sent := map[string]any{"message": item, "@timestamp": event["created"], "event": map[string]any{"created": event["created"]}}
			for _, key := range []string{"agent", "data_stream", "elastic_agent", "input", "tags"} {
				sent[key] = want[key]
			}
			node.Must(t, http.MethodPost, "/"+ostest.Stream(m.Name)+"/_doc?refresh=true", sent, nil)
			id, got := only(t, node, ostest.Stream(m.Name))
			assert.Equal(t, event["id"], id)
			gotEvent, _ := got["event"].(map[string]any)
			assert.NotEmpty(t, gotEvent["ingested"])
			assert.JSONEq(t, item, fmt.Sprint(gotEvent["original"]), "for @custom pipelines")
			delete(gotEvent, "original") // as Fleet's final pipeline does unless tags has preserve_original_event
			for _, doc := range []map[string]any{want, got} {
				rest, _ := doc["onepassword"].(map[string]any)
				assert.NotNil(t, rest["ingest_delay"])
				delete(rest, "ingest_delay")
			}
			for _, ours := range []map[string]any{event, gotEvent} { // the time of the run, and what Fleet adds afterwards
				delete(ours, "ingested")
				delete(ours, "agent_id_status")
			}
			wanted, err := json.Marshal(want)
			require.NoError(t, err)
			arrived, err := json.Marshal(got)
			require.NoError(t, err)
			assert.JSONEq(t, string(wanted), string(arrived))
		})
	}
}

// only is the only document of a data stream, with its id.
func only(t *testing.T, node *ostest.Node, stream string) (id string, source map[string]any) {
	t.Helper()
	var answer struct {
		Hits struct {
			Hits []struct {
				ID     string         `json:"_id"`
				Source map[string]any `json:"_source"`
			}
		}
	}
	node.Must(t, http.MethodGet, "/"+stream+"/_search", nil, &answer)
	require.Len(t, answer.Hits.Hits, 1)
	return answer.Hits.Hits[0].ID, answer.Hits.Hits[0].Source
}

// flatten lists the fields of a mapping by their dotted names.
func flatten(types map[string]string, prefix string, properties map[string]any) {
	for name, value := range properties {
		object, _ := value.(map[string]any)
		if below, ok := object["properties"].(map[string]any); ok {
			flatten(types, prefix+name+".", below)
		} else if typ, _ := object["type"].(string); typ != "object" {
			types[prefix+name] = typ
		}
	}
}

func read(t *testing.T, folder string) []field {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(folder, "fields", "*.yml"))
	require.NoError(t, err)
	require.NotEmpty(t, names)
	ecs, err := ecsdefs.Load(filepath.Join("..", ".."))
	require.NoError(t, err)
	var fields []field
	for _, name := range names {
		raw, err := os.ReadFile(name)
		require.NoError(t, err)
		raw, err = ecs.Resolve(raw)
		require.NoError(t, err, name)
		var list []field
		require.NoError(t, yaml.Unmarshal(raw, &list))
		fields = append(fields, list...)
	}
	return fields
}

// mappings is what Fleet makes of the definitions: a property of each field, and a dynamic template of each object,
// named after it, for the values of one JSON type below it.
func mappings(dataset string, fields []field) map[string]any {
	constants := map[string]string{"data_stream.type": "logs", "data_stream.dataset": dataset, "data_stream.namespace": "default"}
	properties, dynamic := map[string]any{}, []any{}
	for _, f := range fields {
		if f.Type == "object" {
			jsonType := f.ObjectMappingType
			if jsonType == "" {
				jsonType = "string"
			}
			dynamic = append(dynamic, map[string]any{f.Name: map[string]any{
				"path_match": f.Name, "match_mapping_type": jsonType, "mapping": map[string]any{"type": f.ObjectType},
			}})
			continue
		}
		property := map[string]any{"type": f.Type}
		if f.Type == "keyword" {
			property["ignore_above"] = 1024
		}
		if f.Type == "constant_keyword" {
			property["value"] = cmp.Or(f.Value, constants[f.Name]) // which Elasticsearch takes from the first document
		}
		if f.Index != nil {
			property["index"] = *f.Index
		}
		for _, m := range f.MultiFields {
			property["fields"] = map[string]any{m.Name: map[string]any{"type": m.Type}}
		}
		if f.DocValues != nil {
			property["doc_values"] = *f.DocValues
		}
		properties[f.Name] = property
	}
	return map[string]any{"date_detection": false, "dynamic_templates": dynamic, "properties": properties}
}
