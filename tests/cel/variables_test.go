// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Every variable of the package, set and unset, in the configuration of both inputs.

package cel

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/elastic/beats/v7/libbeat/statestore"
	"github.com/elastic/beats/v7/libbeat/statestore/storetest"
	celinput "github.com/elastic/beats/v7/x-pack/filebeat/input/cel"
	conf "github.com/elastic/elastic-agent-libs/config"
	"github.com/elastic/elastic-agent-libs/logp"
	"github.com/elastic/elastic-agent-libs/mapstr"

	"onepasswordbeat/config"
	"onepasswordbeat/internal/eventsapi"
	"onepasswordbeat/module"
)

// token looks like one; its signature is not checked here.
const token = "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.eyJhdWQiOlsiZXZlbnRzLjFwYXNzd29yZC5jb20iXX0.c2lnbmF0dXJl"

// memory is a registry that forgets.
type memory struct{ *statestore.Registry }

func (m memory) StoreFor(string) (*statestore.Store, error) { return m.Get("filebeat") }
func (memory) CleanupInterval() time.Duration               { return 24 * time.Hour }

// load loads a configuration as the input does: by Filebeat's cel input, which compiles
// the program too, or by the beat.
func load(t *testing.T, input string, stream M) error {
	t.Helper()
	c, err := conf.NewConfigFrom(stream)
	require.NoError(t, err)
	if input == beatInput {
		if unknown := config.UnknownKeys(c); len(unknown) > 0 {
			return fmt.Errorf("the beat has no settings %v", unknown)
		}
		_, err := config.Unpack(c)
		return err
	}
	registry := statestore.NewRegistry(storetest.NewMemoryStoreBackend())
	_, err = celinput.NewInputManager(logp.NewNopLogger(), memory{registry}).Create(c)
	return err
}

// at is the value of a setting, which may be written with dots or nested.
func at(t *testing.T, stream M, key string) any {
	t.Helper()
	c, err := conf.NewConfigFrom(stream)
	require.NoError(t, err)
	var m mapstr.M
	require.NoError(t, c.Unpack(&m))
	value, err := m.GetValue(key)
	if err != nil {
		return nil
	}
	return value
}

// setting is what a variable does.
type setting struct {
	value any    // of the variable
	key   string // of the input's configuration
	want  any    // there
	unset any    // there without the variable; required: Fleet asks for a value
}

const required = "required"

// settings are those of each input, by variable.
var settings = map[string]map[string]setting{
	celInput: {
		"token":                   {token, "state.token", token, required},
		"url":                     {"https://events.1password.eu", "state.server", "https://events.1password.eu", required},
		"url_override":            {"https://gateway.example.com:8443", "state.server", "https://gateway.example.com:8443", "https://events.1password.com"},
		"proxy_url":               {"http://o'neil:p%40ss@proxy.example.com:3128", "resource.proxy_url", "http://o'neil:p%40ss@proxy.example.com:3128", nil},
		"ssl":                     {"verification_mode: strict\nca_trusted_fingerprint: abcd\n", "resource.ssl.verification_mode", "strict", nil},
		"http_client_timeout":     {"17s", "resource.timeout", "17s", nil},
		"initial_interval":        {"30d", "state.initial_interval", "30d", "24h"},
		"interval":                {"3m", "interval", "3m", "10s"},
		"limit":                   {10, "state.limit", uint64(10), uint64(1000)},
		"enable_request_tracer":   {true, "resource.tracer.enabled", true, false},
		"preserve_original_event": {true, "tags", []any{"forwarded", "preserve_original_event"}, []any{"forwarded"}},
		"tags":                    {[]any{"a: b", "7", "it's", "#x"}, "tags", []any{"forwarded", "a: b", `"7"`, "it's", "#x"}, []any{"forwarded"}},
		"processors":              {"- drop_fields: {fields: [a]}\n- drop_event: ~\n", "processors.3", nil, nil},
	},
	beatInput: {
		"token":                   {token, "token", token, required},
		"url":                     {"https://events.1password.eu", "url", "https://events.1password.eu", required},
		"url_override":            {"https://gateway.example.com:8443", "url", "https://gateway.example.com:8443", "https://events.1password.com"},
		"proxy_url":               {"http://o'neil:p%40ss@proxy.example.com:3128", "proxy_url", "http://o'neil:p%40ss@proxy.example.com:3128", nil},
		"ssl":                     {"verification_mode: strict\n", "ssl.verification_mode", "strict", nil},
		"http_client_timeout":     {"17s", "timeout", "17s", nil},
		"initial_interval":        {"48h", "initial_interval", "48h", "24h"},
		"interval":                {"3m", "interval", "3m", "5s"},
		"limit":                   {10, "limit", uint64(10), uint64(1000)},
		"preserve_original_event": {true, "preserve_original_event", true, nil},
		"tags":                    {[]any{"a: b", "7", "it's", "#x"}, "tags", []any{"a: b", `"7"`, "it's", "#x"}, nil},
		"processors":              {"- drop_fields: {fields: [a]}\n", "processors.1", nil, nil},
	},
}

// least are the values without which Fleet saves no policy.
func least() M {
	return M{"token": token, "url": "https://events.1password.com"}
}

// eachStream runs a test for each stream of each input.
func eachStream(t *testing.T, test func(t *testing.T, input, stream string)) {
	t.Helper()
	for _, input := range []string{celInput, beatInput} {
		for _, stream := range streams() {
			t.Run(input+" "+stream, func(t *testing.T) { test(t, input, stream) })
		}
	}
}

func TestVariables(t *testing.T) {
	eachStream(t, func(t *testing.T, input, stream string) {
		vars, _ := variables(t, input, stream)
		require.Equal(t, sortedKeys(vars), sortedKeys(settings[input]), "each variable has a test")
		m, _ := module.ByName(stream)
		for name, s := range settings[input] {
			set := least()
			set[name] = s.value
			rendered := render(t, input, stream, set)
			require.NoError(t, load(t, input, agent(input, stream, rendered)), name)
			if want, ok := s.want.(string); ok {
				assert.Equal(t, strings.ReplaceAll(want, "%s", m.Path), at(t, rendered, s.key), name)
			} else if s.want != nil {
				assert.Equal(t, s.want, at(t, rendered, s.key), name)
			}
			if s.unset == required {
				assert.True(t, vars[name].Required, name)
				continue
			}
			set[name] = nil
			rendered = render(t, input, stream, set)
			require.NoError(t, load(t, input, agent(input, stream, rendered)), "%s unset", name)
			assert.Equal(t, s.unset, at(t, rendered, s.key), "%s unset", name)
		}
	})
}

// TestInputsAskAlike: what both inputs need is the same variable twice, so that a policy of version 1, which has it in an
// input that no longer exists, is not upgraded before a person has filled it in.
func TestInputsAskAlike(t *testing.T) {
	assert.Empty(t, readManifest(t, "manifest.yml").Vars)
	cel, _ := variables(t, celInput, "audit_events")
	beat, _ := variables(t, beatInput, "audit_events")
	for _, name := range []string{"token", "url", "url_override", "proxy_url", "ssl", "http_client_timeout"} {
		assert.NotEmpty(t, cel[name], name)
		assert.Equal(t, cel[name], beat[name], name)
	}
}

// TestNoToken: a policy may be older than the variable. The input then says that the token is missing.
func TestNoToken(t *testing.T) {
	eachStream(t, func(t *testing.T, input, stream string) {
		for _, none := range []any{nil, ""} {
			assert.Empty(t, at(t, render(t, input, stream, M{"token": none}), settings[input]["token"].key))
		}
	})
}

// TestDefaults: with nothing but the token; and with nothing but what is required.
func TestDefaults(t *testing.T) {
	eachStream(t, func(t *testing.T, input, stream string) {
		rendered := render(t, input, stream, M{"token": token})
		require.NoError(t, load(t, input, agent(input, stream, rendered)))

		set := least()
		for name := range settings[input] {
			if _, ok := set[name]; !ok {
				set[name] = nil
			}
		}
		rendered = render(t, input, stream, set)
		require.NoError(t, load(t, input, agent(input, stream, rendered)))
		if input == beatInput {
			assert.Equal(t, []any{stream}, rendered["event_types"])
		}
	})
}

// TestEveryVariable: all of them at once; a person's processors come last.
func TestEveryVariable(t *testing.T) {
	eachStream(t, func(t *testing.T, input, stream string) {
		set := M{}
		for name, s := range settings[input] {
			set[name] = s.value
		}
		rendered := agent(input, stream, render(t, input, stream, set))
		require.NoError(t, load(t, input, rendered))
		processors := rendered["processors"].([]any)            //nolint:errcheck // a test
		own := map[string]int{celInput: 4, beatInput: 2}[input] // of the Agent and of the template
		require.Greater(t, len(processors), own)
		assert.Equal(t, M{"drop_fields": M{"fields": []any{"a"}}}, processors[own])
	})
}

// TestSecretReference: Fleet puts a reference in the place of a secret, for Fleet Server
// to replace in the finished policy.
func TestSecretReference(t *testing.T) {
	eachStream(t, func(t *testing.T, input, stream string) {
		vars, _ := variables(t, input, stream)
		for _, name := range []string{"token", "proxy_url"} {
			reference := "$co.elastic.secret{n4mU1JQBz0wY-" + name + "}"
			set := least()
			set[name] = reference
			assert.True(t, vars[name].Secret, name)
			assert.Equal(t, reference, at(t, render(t, input, stream, set), settings[input][name].key))
		}
	})
}

// TestServers: the token's own server is the default; the others are all those that the beat knows.
func TestServers(t *testing.T) {
	vars, _ := variables(t, celInput, "audit_events")
	offered := map[string]bool{}
	for _, option := range vars["url"].Options {
		offered[option.Value] = true
	}
	assert.Equal(t, "token", vars["url"].Default)
	assert.Equal(t, "token", vars["url"].Options[0].Value)
	want := map[string]bool{"token": true}
	for _, server := range eventsapi.KnownServers() {
		want[server.URL] = true
	}
	assert.Equal(t, want, offered)
}

// TestURLRequired: whatever is taken away, the program gets a choice, and the input its URL.
func TestURLRequired(t *testing.T) {
	for _, stream := range streams() {
		for _, set := range []M{{}, {"url": nil}, {"url": nil, "url_override": ""}} {
			set["token"] = token
			m, _ := module.ByName(stream)
			rendered := render(t, celInput, stream, set)
			assert.Equal(t, "token", at(t, rendered, "state.server"))
			assert.Equal(t, "/api/v2/"+m.Path, at(t, rendered, "state.path"))
			assert.Equal(t, "https://1password.invalid/api/v2/"+m.Path, at(t, rendered, "resource.url"), "a name that does not exist")
		}
	}
}

// TestUnusableTimes: the inputs themselves reject times that they cannot read, and say which.
func TestUnusableTimes(t *testing.T) {
	for name, said := range map[string]string{"interval": "interval", "http_client_timeout": "resource.timeout"} {
		for _, value := range []string{"1d", "soon"} {
			rendered := render(t, celInput, "audit_events", M{"token": token, name: value})
			assert.ErrorContains(t, load(t, celInput, agent(celInput, "audit_events", rendered)), said)
		}
	}
}

// TestOneInputIsOn: the cel input is on, the other off and not offered without an Agent.
func TestOneInputIsOn(t *testing.T) {
	for _, stream := range streams() {
		for _, s := range readManifest(t, "data_stream", stream, "manifest.yml").Streams {
			assert.Equal(t, s.Input == celInput, s.Enabled, "%s of %s", s.Input, stream)
		}
	}
	for _, in := range readManifest(t, "manifest.yml").PolicyTemplates[0].Inputs {
		if in.Type == beatInput {
			assert.Equal(t, []string{"default"}, in.DeploymentModes)
		} else {
			assert.Empty(t, in.DeploymentModes, "every mode")
		}
	}
}
