// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What needs no node: templates, hashes, and the words for what is missing.

package estest

import (
	"crypto/pbkdf2"
	"crypto/sha512"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/tests/engine"
)

func TestReduceTemplate(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"no JSON":             {"{", "{"},
		"nothing to do":       {`{"priority":150}`, `{"priority":150}`},
		"lifecycle nested":    {`{"template":{"settings":{"index":{"lifecycle":{"name":"x"},"codec":"best_compression"}}}}`, `{"template":{"settings":{"index":{"codec":"best_compression"}}}}`},
		"lifecycle dotted":    {`{"template":{"settings":{"index.lifecycle.name":"x","index.codec":"default"}}}`, `{"template":{"settings":{"index.codec":"default"}}}`},
		"lifecycle mixed":     {`{"template":{"settings":{"index":{"lifecycle.name":"x"}}}}`, `{"template":{"settings":{"index":{}}}}`},
		"lifecycle bare":      {`{"template":{"settings":{"lifecycle":{"name":"x"}}}}`, `{"template":{"settings":{}}}`},
		"data retention kept": {`{"template":{"lifecycle":{"data_retention":"30d"}}}`, `{"template":{"lifecycle":{"data_retention":"30d"}}}`},
		"large numbers kept":  {`{"template":{"mappings":{"_meta":{"n":9007199254740993}}}}`, `{"template":{"mappings":{"_meta":{"n":9007199254740993}}}}`},
		"dynamic templates": {
			`{"template":{"mappings":{"dynamic_templates":[{"a":{"mapping":{"type":"wildcard","ignore_above":10}}}]}}}`,
			`{"template":{"mappings":{"dynamic_templates":[{"a":{"mapping":{"type":"keyword","ignore_above":10}}}]}}}`,
		},
		"a field named type": {
			`{"template":{"mappings":{"properties":{"type":{"type":"constant_keyword","value":"v"}}}}}`,
			`{"template":{"mappings":{"properties":{"type":{"type":"keyword"}}}}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := string(reduceTemplate([]byte(c.in)))
			if c.in == "{" {
				assert.Equal(t, c.want, got)
				return
			}
			assert.JSONEq(t, c.want, got)
			assert.Equal(t, strings.Contains(c.want, "9007199254740993"), strings.Contains(got, "9007199254740993"))
		})
	}
}

func TestHashPassword(t *testing.T) {
	hash, err := hashPassword("correct horse")
	require.NoError(t, err)
	parts := strings.Split(strings.TrimPrefix(hash, "{PBKDF2}1000$"), "$")
	require.Len(t, parts, 2)
	salt, err := base64.StdEncoding.DecodeString(parts[0])
	require.NoError(t, err)
	key, err := pbkdf2.Key(sha512.New, "correct horse", salt, 1000, 32)
	require.NoError(t, err)
	assert.Equal(t, base64.StdEncoding.EncodeToString(key), parts[1])
}

func TestMissing(t *testing.T) {
	var missing *engine.MissingError
	t.Setenv("PATH", t.TempDir())
	_, err := unpackFromMaven(t.Context(), t.TempDir(), V8)
	require.ErrorAs(t, err, &missing)
	assert.Equal(t, "no Elasticsearch 8.18.0 can be run here: Maven (mvn) is not in PATH", err.Error())

	_, err = provide(t.Context(), "1.0.0")
	require.ErrorContains(t, err, "estest does not know Elasticsearch 1.0.0")
}
