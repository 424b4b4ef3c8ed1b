// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// New keys of the API, on a real Elasticsearch: it has rules for ECS that go by a key's name.

package integration

import (
	"net/http"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/module"
	"onepasswordbeat/tests/estest"
)

// TestNewKeys: a new key may have a value of any type, and what its first value was does not have later events rejected.
// The template is composed in Fleet's order, with the setting of Elasticsearch's logs@settings that matters.
func TestNewKeys(t *testing.T) {
	node := estest.Start(t, estest.Config{})
	put := func(path string, body any) {
		status, answer := node.Do(t, estest.Admin, http.MethodPut, path, body)
		require.Equal(t, http.StatusOK, status, string(answer))
	}
	put("/_component_template/ecs@mappings", node.BuiltIn(t, "ecs@mappings"))
	require.Contains(t, node.BuiltIn(t, "logs@settings"), `"ignore_malformed": true`)
	// The package's manifest may not set these: keys beyond the limit of fields, and long strings, are kept without an index.
	require.Contains(t, node.BuiltIn(t, "logs@settings"), `"ignore_dynamic_beyond_limit": true`)
	require.Contains(t, node.BuiltIn(t, "ecs@mappings"), `"ignore_above": 1024`)
	put("/_component_template/lenient", `{"template": {"settings": {"index.mapping.ignore_malformed": true}}}`)
	for _, m := range module.All() {
		fields := read(t, filepath.Join("..", "..", "packages", "1password", "data_stream", m.Name))
		put("/_component_template/package-"+m.Name, map[string]any{"template": map[string]any{"mappings": mappings(m.Dataset, fields)}})
		put("/_index_template/fleet-"+m.Name, map[string]any{
			"index_patterns": []string{"fleet-" + m.Name}, "composed_of": []string{"lenient", "package-" + m.Name, "ecs@mappings"},
		})
		for _, keys := range []string{
			`{"device_ip": "192.0.2.1", "created": "2026-01-01T00:00:00Z", "risk_score": 3, "ratio": 0.5, "label": "a", "on": true, "exports": {"a": 1}}`,
			`{"device_ip": "somewhere", "created": "yesterday", "risk_score": "high", "ratio": "half", "label": 1, "on": "maybe"}`,
			`{"device_ip": 7, "created": true, "risk_score": 0.5, "ratio": 1, "label": true, "on": 1}`,
		} {
			status, answer := node.Do(t, estest.Admin, http.MethodPost, "/fleet-"+m.Name+"/_doc", `{"@timestamp": "2026-01-01T00:00:00Z", "onepassword": `+keys+`}`)
			assert.Equal(t, http.StatusCreated, status, string(answer))
		}
		types := node.Mapping(t, "fleet-"+m.Name)
		for key, want := range map[string]string{
			"risk_score": "keyword", "ratio": "keyword", "label": "keyword", "on": "boolean",
			"device_ip": "ip", "created": "date", "exports": "flattened", // by Elasticsearch's rules
		} {
			assert.Equal(t, want, types["onepassword."+key], key)
		}
	}
}
