// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The pipeline tests that the package brings, run by the rules of elastic-package (August 2026): documents without an _id, compared as JSON with lists in
// their order and numbers by value, no error.message in any document, and every field as the data stream's fields/*.yml define it, where the first
// definition that fits counts.

package pipelines

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"onepasswordbeat/dev-tools/generate/fields/ecsdefs"
	"onepasswordbeat/dev-tools/generate/pipelines/documents"
	"onepasswordbeat/module"
	"onepasswordbeat/tests/ostest"
)

// testRules is a test-*-config.yml.
type testRules struct {
	Dynamic map[string]string `yaml:"dynamic_fields"`
	Numeric []string          `yaml:"numeric_keyword_fields"`
}

// definition is an entry of a data stream's fields/*.yml.
type definition struct {
	Name       string `yaml:"name"`
	Type       string `yaml:"type"`
	ObjectType string `yaml:"object_type"`
	Value      string `yaml:"value"`
	Validation ecsdefs.Validation
}

func testPackageTests(t *testing.T, node *ostest.Node) {
	for _, m := range module.All() {
		stream := filepath.Join("..", "..", "packages", "1password", "data_stream", m.Name)
		dir := filepath.Join(stream, "_dev", "test", "pipeline")
		rules := readYAML[testRules](t, filepath.Join(dir, "test-common-config.yml"))
		schema := definitions(t, stream)
		files, err := filepath.Glob(filepath.Join(dir, "test-*.json"))
		require.NoError(t, err)
		ran := 0
		for _, path := range files {
			if strings.HasSuffix(path, "-expected.json") {
				continue
			}
			var given struct{ Events []map[string]any }
			var want struct{ Expected []map[string]any }
			read(t, path, &given)
			read(t, path+"-expected.json", &want)
			docs := make([]documents.Document, len(given.Events))
			for i, source := range given.Events {
				docs[i].Source = source
			}
			require.Len(t, want.Expected, len(docs), path)
			for i, out := range simulate(t, node, ostest.PipelineName(m.Name), docs) {
				name := fmt.Sprintf("%s: event %d", filepath.Base(path), i)
				assert.Equal(t, ordered(withoutDynamic(want.Expected[i], rules.Dynamic)), ordered(withoutDynamic(out.Source, rules.Dynamic)), name)
				assert.Empty(t, violations(out.Source, schema, rules.Numeric, m.Dataset), name)
				ran++
			}
		}
		require.Greater(t, ran, 30, m.Name)
		t.Logf("%s: %d events of pipeline tests", m.Name, ran)
	}
}

func read(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	require.NoError(t, d.Decode(into), path)
}

func readYAML[T any](t *testing.T, path string) (out T) {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, &out), path)
	return out
}

// definitions are those of a data stream in the order of the files' names and of the files.
func definitions(t *testing.T, stream string) (all []definition) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(stream, "fields", "*.yml"))
	require.NoError(t, err)
	slices.Sort(files)
	ecs, err := ecsdefs.Load(filepath.Join("..", ".."))
	require.NoError(t, err)
	for _, path := range files {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		text, err = ecs.Resolve(text)
		require.NoError(t, err, path)
		var list []definition
		require.NoError(t, yaml.Unmarshal(text, &list), path)
		all = append(all, list...)
	}
	require.NotEmpty(t, all)
	return all
}

// withoutDynamic takes the fields out that no test can know, by their full names.
func withoutDynamic(source map[string]any, dynamic map[string]string) map[string]any {
	out := map[string]any{}
	for key, v := range source {
		out[key] = v
	}
	for name := range dynamic {
		parent, key, nested := strings.Cut(name, ".")
		if object, ok := out[parent].(map[string]any); ok && nested {
			copied := map[string]any{}
			for k, v := range object {
				if k != key {
					copied[k] = v
				}
			}
			out[parent] = copied
		}
	}
	return out
}

// ordered is a value with numbers in comparable forms; lists keep their order.
func ordered(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, e := range v {
			out[key] = ordered(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = ordered(e)
		}
		return out
	case json.Number:
		return comparable(v)
	default:
		return v
	}
}

// families are the fields that elastic-package does not look for in the definitions.
var families = []string{"agent", "elastic_agent", "cloud", "event", "host", "metricset"}

// violations is what elastic-package would not accept in a document.
func violations(source map[string]any, schema []definition, numeric []string, dataset string) (list []string) {
	if failed, _ := source["error"].(map[string]any); failed["message"] != nil {
		list = append(list, fmt.Sprint("a pipeline error: ", failed["message"]))
	}
	for _, parent := range []string{"event", "data_stream"} {
		if object, ok := source[parent].(map[string]any); ok && object["dataset"] != nil && object["dataset"] != dataset {
			list = append(list, fmt.Sprint(parent, ".dataset is ", object["dataset"]))
		}
	}
	var walk func(prefix string, v any)
	walk = func(name string, v any) {
		if object, ok := v.(map[string]any); ok {
			for key, e := range object {
				walk(strings.TrimLeft(name+"."+key, "."), e)
			}
			return
		}
		def, ok := find(name, schema)
		if !ok {
			if !slices.Contains(families, strings.Split(name, ".")[0]) {
				list = append(list, name+" is undefined")
			}
			return
		}
		elements, isList := v.([]any)
		if !isList {
			elements = []any{v}
		}
		if def.Validation.Array && !isList {
			list = append(list, name+" is not a list")
		}
		list = append(list, wrongEventTypes(def, elements, source)...)
		for _, e := range elements {
			if problem := wrongValue(def, name, e, numeric); problem != "" {
				list = append(list, fmt.Sprintf("%s: %s: %v", name, problem, e))
			}
		}
	}
	walk("", source)
	return list
}

// find returns the first definition of a name, or that of the keys of the object that it is in.
func find(name string, schema []definition) (definition, bool) {
	for _, def := range schema {
		if matches(def, name) {
			return def, true
		}
	}
	if dot := strings.LastIndexByte(name, '.'); dot > 0 {
		if parent, ok := find(name[:dot], schema); ok && parent.Type == "object" && parent.ObjectType != "" {
			return definition{Name: name, Type: parent.ObjectType}, true
		}
	}
	return definition{}, false
}

// matches reports whether a definition is for a name: a star stands for anything up to the next dot.
func matches(def definition, name string) bool {
	pattern, parts := strings.Split(def.Name, "."), strings.Split(name, ".")
	if def.Type == "geo_point" && len(parts) == len(pattern)+1 && (parts[len(pattern)] == "lat" || parts[len(pattern)] == "lon") {
		parts = parts[:len(pattern)]
	}
	if len(parts) != len(pattern) {
		return false
	}
	for i, p := range pattern {
		if p != parts[i] && p != "*" { // ** fits nothing
			return false
		}
	}
	return true
}

// wrongValue says why a value does not fit a definition; "" if it does.
func wrongValue(def definition, name string, v any, numeric []string) string {
	kind := def.Type
	if kind == "object" && def.ObjectType != "" {
		kind = def.ObjectType
	}
	_, isString := v.(string)
	_, isNumber := v.(json.Number)
	_, isBool := v.(bool)
	switch kind {
	case "keyword", "text", "constant_keyword":
		if unquoted := (isNumber || isBool) && slices.Contains(numeric, name); !isString && !unquoted {
			return fmt.Sprintf("a %T for a %s", v, kind)
		}
		if text, _ := v.(string); len(def.Validation.Values) > 0 && !slices.Contains(def.Validation.Values, text) {
			return "not a value of ECS"
		}
		if kind == "constant_keyword" && def.Value != "" && v != def.Value {
			return "not the declared value " + def.Value
		}
	case "date":
		if !isString && !isNumber {
			return fmt.Sprintf("a %T for a date", v)
		}
	case "ip":
		text, _ := v.(string)
		ip, err := netip.ParseAddr(text)
		if err != nil || !slices.ContainsFunc(testNetworks, func(p netip.Prefix) bool { return p.Contains(ip.Unmap()) }) && !ip.IsPrivate() && !ip.IsLoopback() {
			return "not an address for tests"
		}
	case "group", "nested", "object":
		return "a value in the place of an object"
	case "float", "long", "double":
		if !isNumber {
			return fmt.Sprintf("a %T for a %s", v, kind)
		}
	}
	return ""
}

// wrongEventTypes says which values of event.type fit none of a field's values.
func wrongEventTypes(def definition, values []any, source map[string]any) (list []string) {
	var fitting []string
	for _, v := range values {
		text, _ := v.(string)
		fitting = append(fitting, def.Validation.EventTypes[text]...)
	}
	event, _ := source["event"].(map[string]any)
	types, _ := event["type"].([]any)
	for _, v := range types {
		if text, _ := v.(string); len(fitting) > 0 && !slices.Contains(fitting, text) {
			list = append(list, fmt.Sprintf("event.type %s does not fit %s %v", text, def.Name, values))
		}
	}
	return list
}

// testNetworks are those for documentation, of RFC 5737 and RFC 3849; elastic-package knows some more.
var testNetworks = []netip.Prefix{
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8::/32"),
}

// TestViolations: rules that find nothing prove nothing.
func TestViolations(t *testing.T) {
	schema := []definition{
		{Name: "a.id", Type: "keyword"}, {Name: "a.n", Type: "long"}, {Name: "a.ip", Type: "ip"}, {Name: "a.at", Type: "date"}, {Name: "a.place", Type: "geo_point"},
		{Name: "a.constant", Type: "constant_keyword", Value: "c"}, {Name: "a.*", Type: "object", ObjectType: "keyword"}, {Name: "a.late", Type: "long"},
		{Name: "event.category", Type: "keyword", Validation: ecsdefs.Validation{Array: true, Values: []string{"iam", "file"}, EventTypes: map[string][]string{"iam": {"user"}}}},
	}
	for text, want := range map[string]int{
		`{"a":{"id":"x","n":1,"ip":"192.0.2.1","at":"2026","place":{"lat":1,"lon":2},"constant":"c","new":"x","deep":{"er":"x"}},"event":{"what":1},"host":{"x":{}}}`: 0,
		`{"a":{"id":7}}`: 1, `{"a":{"id":["x",7]}}`: 1, `{"a":{"n":"1"}}`: 1, `{"a":{"ip":"9.9.9.9"}}`: 1, `{"a":{"at":true}}`: 1, `{"a":{"constant":"d"}}`: 1,
		`{"a":{"new":7}}`: 1, `{"a":{"declared":7}}`: 0, `{"b":1}`: 1, `{"error":{"message":"x"}}`: 2, `{"event":{"dataset":"other"}}`: 1,
		`{"event":{"category":["iam"],"type":["user"]}}`: 0, `{"event":{"category":["file"],"type":["x"]}}`: 0, `{"event":{"category":["iam"],"type":["x"]}}`: 1,
		`{"event":{"category":"iam"}}`: 1, `{"event":{"category":["other"]}}`: 1,
		`{"a":{"late":7}}`:                    1, // the wildcard comes first
		`{"a":{"deep":{"er":{"still":"x"}}}}`: 1,
	} {
		var source map[string]any
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		require.NoError(t, d.Decode(&source))
		assert.Len(t, violations(source, schema, []string{"a.declared"}, "set"), want, text)
	}
}
