// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The policy tests of the package: what Fleet makes of settings. elastic-package compares them with a real Fleet; here
// they are compared with the templates, and written with
//
//	go test ./... -run TestPolicies -update-policies

package cel

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"onepasswordbeat/module"
)

var updatePolicies = flag.Bool("update-policies", false, "write the policy tests of the package")

// policyCase is one policy test of a data stream.
type policyCase struct {
	name, input string
	vars        M   // of the input
	streamVars  M   // of the stream
	secrets     int // how many of them Fleet keeps as secrets
}

func policyCases(stream string) []policyCase {
	interval := M{"initial_interval": "7d", "interval": "30s", "limit": 500, "tags": []any{"team-a"}, "preserve_original_event": true,
		"processors": "- add_fields:\n    target: ''\n    fields:\n      environment: test\n"}
	return []policyCase{
		{name: "default", input: celInput, vars: M{"token": "secret"}, secrets: 1},
		{name: "all", input: celInput, secrets: 2, streamVars: interval, vars: M{
			"token": "secret", "url": "https://events.1password.eu", "url_override": "https://gateway.example.com:8443", "http_client_timeout": "90s",
			"proxy_url": "http://proxy.example.com:3128", "ssl": "verification_mode: strict\n", "enable_request_tracer": true,
		}},
		{name: "component", input: beatInput, vars: M{"token": "secret", "url": "https://events.1password.ca"}, secrets: 1},
	}
}

func TestPolicies(t *testing.T) {
	for _, stream := range streams() {
		for _, c := range policyCases(stream) {
			t.Run(stream+" "+c.name, func(t *testing.T) {
				base := filepath.Join(root, "data_stream", stream, "_dev", "test", "policy", "test-"+c.name)
				settings, policy := encodeYAML(t, c.settings()), encodeYAML(t, c.policy(t, stream))
				if *updatePolicies {
					require.NoError(t, os.MkdirAll(filepath.Dir(base), 0o750))
					require.NoError(t, os.WriteFile(base+".yml", settings, 0o644))
					require.NoError(t, os.WriteFile(base+".expected", policy, 0o644))
				}
				for name, want := range map[string][]byte{base + ".yml": settings, base + ".expected": policy} {
					got, err := os.ReadFile(name)
					require.NoError(t, err)
					assert.Equal(t, string(want), string(got), "%s: run with -update-policies", name)
				}
			})
		}
	}
}

// settings are what the test sets.
func (c policyCase) settings() M {
	out := M{"input": c.input, "vars": c.vars}
	if c.streamVars != nil {
		out["data_stream"] = M{"vars": c.streamVars}
	}
	return out
}

// policy is what an Agent gets, without what elastic-package leaves out of its comparison. Secrets are references.
func (c policyCase) policy(t *testing.T, stream string) M {
	t.Helper()
	set := M{}
	for _, vars := range []M{c.vars, c.streamVars} {
		for name, value := range vars {
			set[name] = value
		}
	}
	set["token"] = "${SECRET_0}"
	if c.secrets > 1 {
		set["proxy_url"] = "${SECRET_1}"
	}
	m, _ := module.ByName(stream)
	rendered := render(t, c.input, stream, set)
	rendered["data_stream"] = M{"dataset": m.Dataset}
	references := []any{}
	for range c.secrets {
		references = append(references, M{})
	}
	index := M{"names": []any{"logs-" + m.Dataset + "-ep"}, "privileges": []any{"auto_configure", "create_doc"}}
	return M{
		"inputs": []any{M{
			"data_stream": M{"namespace": "ep"}, "meta": M{"package": M{"name": "1password"}}, "name": "test-" + c.name + "-1password",
			"streams": []any{rendered}, "type": c.input, "use_output": "default",
		}},
		"output_permissions": M{"default": M{
			"_elastic_agent_checks": M{"cluster": []any{"monitor"}}, "_elastic_agent_monitoring": M{"indices": []any{}},
			"uuid-for-permissions-on-related-indices": M{"indices": []any{index}},
		}},
		"secret_references": references,
	}
}

func encodeYAML(t *testing.T, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(4)
	require.NoError(t, e.Encode(v))
	require.NoError(t, e.Close())
	return b.Bytes()
}
