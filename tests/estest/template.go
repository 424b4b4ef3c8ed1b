// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Templates, reduced to what the node's few modules know.

package estest

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
)

// BuiltIn is a template that Elasticsearch installs automatically where it has all its modules, such as the component template "ecs@mappings": the body that a test may
// PUT, from the release's own archive.
func (n *Node) BuiltIn(t testing.TB, name string) string {
	t.Helper()
	body, err := readBuiltIn(n.dist.home, name)
	if err != nil {
		t.Fatalf("the template %s of Elasticsearch %s: %v", name, n.config.Version, err)
	}
	return strings.NewReplacer("${xpack.stack.template.version}", "1", "${xpack.stack.template.deprecated}", "false").Replace(body)
}

func readBuiltIn(home, name string) (string, error) {
	jars, err := filepath.Glob(filepath.Join(home, "modules", "x-pack-core", "x-pack-template-resources-*.jar"))
	if err != nil || len(jars) != 1 {
		return "", fmt.Errorf("want one archive of templates, have %q: %w", jars, err)
	}
	jar, err := zip.OpenReader(jars[0])
	if err != nil {
		return "", err
	}
	defer func() { _ = jar.Close() }()
	f, err := jar.Open(name + ".json")
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	body, err := io.ReadAll(f)
	return string(body), err
}

// standIns are the field types of missing modules, each with the nearest type that the node has and the parameters that only the original takes.
var standIns = map[string]struct {
	fieldType string
	drop      []string
}{
	"constant_keyword": {"keyword", []string{"value"}},
	"wildcard":         {"keyword", nil},
	"match_only_text":  {"text", nil},
	"scaled_float":     {"double", []string{"scaling_factor"}},
}

// FieldType is the type that a field of a template's type has on the node: another one for the four types constant_keyword, wildcard, match_only_text and scaled_float.
func FieldType(inTemplate string) string {
	if s, ok := standIns[inTemplate]; ok {
		return s.fieldType
	}
	return inTemplate
}

// reduceTemplate takes the ILM settings and the missing types out of an index or component template. A body that is not a JSON object comes back unchanged.
func reduceTemplate(body []byte) []byte {
	var doc map[string]any
	decoder := json.NewDecoder(strings.NewReader(string(body)))
	decoder.UseNumber()
	if err := decoder.Decode(&doc); err != nil {
		return body
	}
	template, _ := doc["template"].(map[string]any)
	if settings, ok := template["settings"].(map[string]any); ok {
		dropLifecycle(settings, "")
	}
	reduceTypes(template["mappings"])
	reduced, err := json.Marshal(doc)
	if err != nil {
		return body
	}
	return reduced
}

// dropLifecycle removes index.lifecycle.*, in whatever mix of nested objects and dotted keys it is written; "index." may be left out.
func dropLifecycle(settings map[string]any, parent string) {
	for key, value := range settings {
		path := strings.TrimPrefix(parent+key, "index.")
		if path == "lifecycle" || strings.HasPrefix(path, "lifecycle.") {
			delete(settings, key)
			continue
		}
		if nested, ok := value.(map[string]any); ok {
			dropLifecycle(nested, parent+key+".")
		}
	}
}

// reduceTypes goes through mappings and dynamic templates. A field that is itself called "type" has an object there, not a string.
func reduceTypes(node any) {
	switch node := node.(type) {
	case []any:
		for _, child := range node {
			reduceTypes(child)
		}
	case map[string]any:
		if name, ok := node["type"].(string); ok {
			node["type"] = FieldType(name)
			for _, parameter := range standIns[name].drop {
				delete(node, parameter)
			}
		}
		for _, child := range node {
			reduceTypes(child)
		}
	}
}
