// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The declarations hold for the struct: no key without an option, no option without a key, values that are accepted.

package config

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	conf "github.com/elastic/elastic-agent-libs/config"

	"onepasswordbeat/module"
)

func TestEventTypesAreTheModules(t *testing.T) {
	var names []string
	for _, m := range module.All() {
		names = append(names, m.Name)
	}
	assert.ElementsMatch(t, names, EventTypes())
}

// structKeys lists the keys of a struct, with those of inlined and nested structs.
func structKeys(t reflect.Type, prefix string) []string {
	var keys []string
	for i := range t.NumField() {
		key, inline := fieldKey(t.Field(i))
		fieldType := t.Field(i).Type
		if fieldType.Kind() == reflect.Pointer {
			fieldType = fieldType.Elem()
		}
		switch {
		case inline:
			keys = append(keys, structKeys(fieldType, prefix)...)
		case fieldType.Kind() == reflect.Struct && fieldType.NumField() > 0 && hasKeys(fieldType):
			keys = append(keys, structKeys(fieldType, prefix+key+".")...)
		default:
			keys = append(keys, prefix+key)
		}
	}
	return keys
}

func hasKeys(t reflect.Type) bool {
	_, tagged := t.Field(0).Tag.Lookup("config")
	return tagged
}

func TestEachKeyHasAnOption(t *testing.T) {
	keys := structKeys(reflect.TypeFor[Config](), "")
	keys = slices.DeleteFunc(keys, func(key string) bool { return strings.HasPrefix(key, "auth.") }) // rejected by Validate
	var declared []string
	for _, option := range Options() {
		declared = append(declared, option.Key)
		assert.True(t, strings.HasSuffix(option.Summary, "."), "%s: a summary is a sentence", option.Key)
		assert.NotEmpty(t, option.Value(), option.Key)
		assert.NotContains(t, option.Summary+option.Detail, "\n", option.Key)
	}
	assert.ElementsMatch(t, keys, declared)
}

// TestDefaultsAreWhatDefaultSays: an option's default, written into a configuration, changes nothing.
func TestDefaultsAreWhatDefaultSays(t *testing.T) {
	setTokens(t)
	for _, option := range Options() {
		if option.Default == "" || strings.HasPrefix(option.Key, "ssl.") {
			continue
		}
		cfg, err := conf.NewConfigFrom("token: ${" + TokenVariable + "}\n" + option.Key + ": " + option.Default)
		require.NoError(t, err)
		got, err := Unpack(cfg)
		require.NoError(t, err, option.Key)
		want := Default()
		want.Token = Secret(testToken)
		got.Transport.Proxy.Headers = want.Transport.Proxy.Headers
		assert.Equal(t, want, got, option.Key)
	}
}
