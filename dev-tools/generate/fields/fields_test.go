// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Tests of the generator: what it made is up to date, and libbeat makes the intended index template of it.

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/elastic/beats/v7/libbeat/asset"
	"github.com/elastic/beats/v7/libbeat/beat"
	"github.com/elastic/beats/v7/libbeat/template"
	"github.com/elastic/beats/v7/libbeat/version"
	"github.com/elastic/elastic-agent-libs/logp/logptest"
	"github.com/elastic/elastic-agent-libs/mapstr"
	libversion "github.com/elastic/elastic-agent-libs/version"

	"onepasswordbeat/dev-tools/generate/fields/fielddefs"
	"onepasswordbeat/dev-tools/generate/output/outputtest"
	_ "onepasswordbeat/include"
	"onepasswordbeat/module"
)

const root = "../../.."

func TestGeneratedFilesAreUpToDate(t *testing.T) {
	outputtest.UpToDate(t, root, generate)
}

func TestConflictsAreRejected(t *testing.T) {
	dir := t.TempDir()
	write := func(path, content string) {
		path = filepath.Join(dir, path)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	}
	write("_meta/fields.common.yml", "- {key: common, title: C, description: d, fields: [{name: a, type: keyword, description: x}]}")
	write("module/m/_meta/fields.yml", "- {key: m, title: M, description: d, fields: [{name: a, type: keyword, description: y}]}")
	modules := []module.Module{{Name: "m", Path: "m"}}
	set, err := fielddefs.Load(dir, modules)
	require.NoError(t, err, "descriptions may differ")
	assert.Equal(t, []string{"common", "m"}, set.Fields[0].Owners)

	write("module/m/_meta/fields.yml", "- {key: m, title: M, description: d, fields: [{name: a, type: long, description: x}]}")
	_, err = fielddefs.Load(dir, modules)
	require.ErrorContains(t, err, "m defines a otherwise than common")

	write("module/m/_meta/fields.yml", "- {key: m, title: M, description: d, fields: [{name: b, kind: long}]}")
	_, err = fielddefs.Load(dir, modules)
	require.ErrorContains(t, err, "kind")
}

// TestTemplate makes libbeat's index template of the fields that are linked into the binary.
func TestTemplate(t *testing.T) {
	linked, err := asset.GetFields("onepasswordbeat")
	require.NoError(t, err)
	tmpl, err := template.New(false, version.GetDefaultVersion(), "onepasswordbeat", true, *libversion.MustNew("8.18.0"),
		template.DefaultConfig(beat.Info{Beat: "onepasswordbeat", Version: "0.1.0"}), false, logptest.NewTestingLogger(t, ""))
	require.NoError(t, err)
	body, err := tmpl.LoadBytes(linked)
	require.NoError(t, err)
	value, err := body.GetValue("template.mappings.properties")
	require.NoError(t, err)
	properties, ok := value.(mapstr.M)
	require.True(t, ok)

	set, err := fielddefs.Load(root, module.All())
	require.NoError(t, err)
	for _, f := range set.Fields {
		got, err := properties.GetValue(path(f.Name) + ".type")
		require.NoError(t, err, f.Name)
		assert.Equal(t, f.Type, got, f.Name)
	}
	name, err := properties.GetValue("user.properties.name.fields.text.type")
	require.NoError(t, err)
	assert.Equal(t, "match_only_text", name)
	original, err := properties.GetValue("event.properties.original")
	require.NoError(t, err)
	assert.Subset(t, original, mapstr.M{"index": false, "doc_values": false})

	dynamic, err := body.GetValue("template.mappings.dynamic_templates")
	require.NoError(t, err)
	assert.Contains(t, dynamic, mapstr.M{"onepassword_long": mapstr.M{
		"path_match": "onepassword.*", "match_mapping_type": "long", "mapping": mapstr.M{"type": "keyword"},
	}})
	assert.Contains(t, dynamic, mapstr.M{"onepassword.unexpected": mapstr.M{
		"path_match": "onepassword.unexpected.*", "match_mapping_type": "string", "mapping": mapstr.M{"type": "text"},
	}})
}

// path is where a field is in a mapping: a.b is in a.properties.b.
func path(name string) string {
	out := ""
	for i := range name {
		if name[i] == '.' {
			out += ".properties."
		} else {
			out += name[i : i+1]
		}
	}
	return out
}
