// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What the text of a variable becomes.

package config

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	conf "github.com/elastic/elastic-agent-libs/config"
	"github.com/elastic/go-ucfg"
	"github.com/elastic/go-ucfg/parse"
)

// lookalikes are texts that YAML or go-ucfg would take for something else.
var lookalikes = []string{
	"00042", "0x10", "0b11", "0o17", "1e3", "2.10", "1_000", "on", "off", "yes", "no", "true", "True", "null", "~", "42", "a,b", "a,", ",",
	"[a]", "{a: b}", "'a'", `"a"`, `"a`, "a: b", "#a", "-1", "+1", ".5", "5.", "NaN", "Inf", "1h", " padded ", "2026-01-01", "${NOT_A_VARIABLE}", "$", "a\nb",
}

// withKeystore has libbeat's resolvers look into a keystore for the length of a test.
func withKeystore(t *testing.T, values map[string]string) {
	t.Helper()
	keystore := func(name string) (string, parse.Config, error) {
		if value, ok := values[name]; ok {
			return value, parse.NoopConfig, nil
		}
		return "", parse.NoopConfig, ucfg.ErrMissing
	}
	conf.OverwriteConfigOpts([]ucfg.Option{ucfg.PathSep("."), ucfg.Resolve(keystore), ucfg.ResolveEnv, ucfg.VarExp})
	t.Cleanup(func() { conf.OverwriteConfigOpts([]ucfg.Option{ucfg.PathSep("."), ucfg.ResolveEnv, ucfg.VarExp}) })
}

// TestTextFromAVariableStaysText: in each setting that holds text, alone and within other text, from either source.
func TestTextFromAVariableStaysText(t *testing.T) {
	for _, source := range []string{"environment", "keystore"} {
		for _, text := range lookalikes {
			t.Run(source+" "+text, func(t *testing.T) {
				if source == "keystore" {
					withKeystore(t, map[string]string{"VALUE": text})
				} else {
					t.Setenv("VALUE", text)
				}
				file := map[string]any{"section": map[string]any{
					"id": "${VALUE}", "namespace": "x${VALUE}", "index": "${VALUE}${VALUE}", "url": "${VALUE:default}", "pipeline": "${UNSET:${VALUE}}",
					"tags": []any{"${VALUE}", "x${VALUE}y"}, "fields": map[string]any{"a": map[string]any{"b": "${VALUE}"}, "list": []any{"${VALUE}"}},
					"proxy_url":  "http://user:${VALUE}@proxy.example.com:3128",
					"processors": []any{map[string]any{"add_fields": map[string]any{"target": "", "fields": map[string]any{"site": "${VALUE}"}}}},
				}}
				cfg, err := conf.MustNewConfigFrom(file).Child("section", -1)
				require.NoError(t, err)
				for range 2 { // the second time finds nothing to do
					require.NoError(t, ExpandInput(cfg))
				}
				var got map[string]any
				require.NoError(t, cfg.Unpack(&got))
				assert.Equal(t, map[string]any{
					"id": text, "namespace": "x" + text, "index": text + text, "url": text, "pipeline": text,
					"tags": []any{text, "x" + text + "y"}, "fields": map[string]any{"a": map[string]any{"b": text}, "list": []any{text}},
					"proxy_url":  "http://user:" + text + "@proxy.example.com:3128",
					"processors": []any{map[string]any{"add_fields": map[string]any{"target": "", "fields": map[string]any{"site": text}}}},
				}, got)
			})
		}
	}
}

// TestVariablesOfOtherTypes: numbers, durations, booleans and lists may come from a variable, too.
func TestVariablesOfOtherTypes(t *testing.T) {
	for name, value := range map[string]string{
		"TOKEN": testToken, "LIMIT": "0500", "BOOL": "on", "DURATION": "90s", "TYPES": "audit_events, item_usages", "PROTOCOLS": "[TLSv1.3]", "TAGS": "00042,on", "CODE": "200", "PARTS": "a,b",
	} {
		t.Setenv(name, value)
	}
	cfg := conf.MustNewConfigFrom(map[string]any{
		"token": "${TOKEN}", "limit": "${LIMIT}", "preserve_original_event": "${BOOL}", "interval": "${DURATION}", "event_types": "${TYPES}",
		"ssl.supported_protocols": "${PROTOCOLS}", "rate_limit.requests_per_hour": "${UNSET:100}", "tags": "${TAGS}", "enabled": "${BOOL}",
		"processors": []any{map[string]any{"drop_event.when.equals": map[string]any{"http.response.status_code": "${CODE}"}}, map[string]any{"drop_fields.fields": "${PARTS}"}},
	})
	c, err := Unpack(cfg)
	require.NoError(t, err)
	assert.Equal(t, 500, c.Limit, "decimal")
	assert.True(t, c.PreserveOriginalEvent)
	assert.Equal(t, 90*time.Second, c.Interval)
	assert.Equal(t, []string{"audit_events", "item_usages"}, c.EventTypes)
	assert.Len(t, c.Transport.TLS.Versions, 1)
	assert.Equal(t, 100, c.RateLimit.RequestsPerHour)
	var common struct {
		Tags       []any            `config:"tags"`
		Enabled    bool             `config:"enabled"`
		Processors []map[string]any `config:"processors"`
	}
	require.NoError(t, cfg.Unpack(&common))
	assert.Equal(t, []any{"00042", "on"}, common.Tags)
	assert.True(t, common.Enabled)
	assert.Equal(t, []map[string]any{
		{"drop_event": map[string]any{"when": map[string]any{"equals": map[string]any{"http": map[string]any{"response": map[string]any{"status_code": uint64(200)}}}}}},
		{"drop_fields": map[string]any{"fields": []any{"a", "b"}}},
	}, common.Processors)
}

// TestWrongTextOfAVariable is reported with its setting, and without the text where that could be a secret.
func TestWrongTextOfAVariable(t *testing.T) {
	t.Setenv("FLOAT", "1e3")
	t.Setenv("WORD", "perhaps")
	_, err := Unpack(conf.MustNewConfigFrom(map[string]any{"token": testToken, "limit": "${FLOAT}", "preserve_original_event": "${WORD}", "namespace": "${UNSET:00042}", "tags": []any{"${UNSET:0x10}"}}))
	require.ErrorContains(t, err, "limit: it must be a whole number")
	require.ErrorContains(t, err, "preserve_original_event: it must be true or false")
	require.ErrorContains(t, err, "namespace: the default of its variable is read as a number, true or false: put it in quotes, for example ${NAME:'00042'}")
	require.ErrorContains(t, err, "tags: the default of its variable")
	c, err := Unpack(conf.MustNewConfigFrom(map[string]any{"token": testToken, "namespace": "${UNSET:'00042'}"}))
	require.NoError(t, err)
	assert.Equal(t, "00042", c.Namespace)
}

// TestVariablesOfLibbeatsSettings: what would change is kept as text, everything else is libbeat's to read.
func TestVariablesOfLibbeatsSettings(t *testing.T) {
	t.Setenv("PASSWORD", "on,0x10")
	t.Setenv("NUMBER", "00042")
	t.Setenv("HOSTS", "a:9200,b:9200")
	t.Setenv("WORKERS", "2")
	t.Setenv("ENABLED", "on")
	cfg := conf.MustNewConfigFrom(map[string]any{
		"output.elasticsearch": map[string]any{"password": "${PASSWORD}", "username": "${NUMBER}", "hosts": "${HOSTS}", "worker": "${WORKERS}", "enabled": "${ENABLED}", "proxy_url": "http://u:${PASSWORD}@p:1"},
		"fields.site":          "${NUMBER}", "tags": []any{"${NUMBER}"}, "processors": []any{map[string]any{"add_labels.labels.x": "${NUMBER}"}},
	})
	inputs, err := conf.NewConfigFrom(map[string]any{
		"onepasswordbeat.inputs": []any{map[string]any{
			"token": "${PASSWORD}", "limit": "${NUMBER}", "event_types": "${HOSTS}", "tags": []any{"${PASSWORD}"}, "fields": map[string]any{"a": map[string]any{"b": "x-${PASSWORD}"}},
			"processors": []any{map[string]any{"add_fields.fields.x": "${PASSWORD}"}, map[string]any{"add_tags.tags": []any{"${PASSWORD}"}}},
		}},
		"output.elasticsearch.headers": map[string]any{"X-A": "${PASSWORD}"},
	})
	require.NoError(t, err)
	ExpandRoot(inputs)
	var input map[string]any
	require.NoError(t, inputs.Unpack(&input))
	assert.Equal(t, map[string]any{
		"onepasswordbeat": map[string]any{"inputs": []any{map[string]any{
			"token": "on,0x10", "limit": int64(42), "event_types": []any{"a:9200", "b:9200"}, "tags": []any{"on,0x10"}, "fields": map[string]any{"a": map[string]any{"b": "x-on,0x10"}},
			"processors": []any{
				map[string]any{"add_fields": map[string]any{"fields": map[string]any{"x": "on,0x10"}}}, map[string]any{"add_tags": map[string]any{"tags": []any{"on,0x10"}}},
			},
		}}},
		"output": map[string]any{"elasticsearch": map[string]any{"headers": map[string]any{"X-A": "on,0x10"}}},
	}, input)
	ExpandRoot(cfg)
	var got map[string]any
	require.NoError(t, cfg.Unpack(&got))
	assert.Equal(t, map[string]any{
		"output": map[string]any{"elasticsearch": map[string]any{
			"password": "on,0x10", "username": "00042", "hosts": []any{"a:9200", "b:9200"}, "worker": uint64(2), "enabled": true, "proxy_url": "http://u:on,0x10@p:1",
		}},
		"fields": map[string]any{"site": "00042"}, "tags": []any{"00042"}, "processors": []any{map[string]any{"add_labels": map[string]any{"labels": map[string]any{"x": "00042"}}}},
	}, got)
}

// TestShownVariables: `export config` shows variables, not their values.
func TestShownVariables(t *testing.T) {
	t.Setenv("PASSWORD", "secret")
	conf.OverwriteConfigOpts([]ucfg.Option{ucfg.PathSep("."), ucfg.ResolveNOOP})
	t.Cleanup(func() { conf.OverwriteConfigOpts([]ucfg.Option{ucfg.PathSep("."), ucfg.ResolveEnv, ucfg.VarExp}) })
	cfg, err := conf.NewConfigWithYAML([]byte("output.console.password: ${PASSWORD}"), "")
	require.NoError(t, err)
	ExpandRoot(cfg)
	got, err := cfg.String("output.console.password", -1)
	require.NoError(t, err)
	assert.Equal(t, "${PASSWORD}", got)
}
