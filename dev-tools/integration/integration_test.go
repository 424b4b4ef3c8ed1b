// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The package passes the validator, and the zip holds what Kibana needs.

package main

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

const sources = "../../packages/1password"

func TestPackageIsValid(t *testing.T) { require.NoError(t, checkSources(sources)) }

func TestBrokenPackageIsRejected(t *testing.T) {
	tests := map[string]struct {
		file, content string // what is put into a copy of the package
		want          string
	}{
		"unknown key of the manifest":  {"manifest.yml", "format_version: 3.4.0\nname: 1password\nversion: 2.0.0\ntype: integration\nnonsense: 1\n", "nonsense is not allowed"},
		"field of an unknown type":     {"data_stream/audit_events/fields/more.yml", "- name: a.b\n  type: word\n  description: x\n", "more.yml"},
		"changelog of another version": {"changelog.yml", "- version: 1.0.0\n  changes:\n    - {description: x, type: bugfix, link: https://example.com/}\n", "changelog"},
		"excluded rules":               {"validation.yml", "errors:\n  exclude_checks: [SVR00002]\n", "has a validation.yml"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "1password")
			require.NoError(t, os.CopyFS(folder, os.DirFS(sources)))
			require.NoError(t, os.WriteFile(filepath.Join(folder, filepath.FromSlash(test.file)), []byte(test.content), 0o600))
			assert.ErrorContains(t, checkSources(folder), test.want)
		})
	}
}

func TestBuildIsReproducible(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	var out bytes.Buffer
	require.NoError(t, run([]string{"build", sources, first}, &out))
	require.NoError(t, run([]string{"build", sources, second}, io.Discard))
	built := strings.TrimSpace(out.String())
	require.Equal(t, filepath.Join(first, "1password-2.1.0.zip"), built)
	one, err := os.ReadFile(built)
	require.NoError(t, err)
	two, err := os.ReadFile(filepath.Join(second, filepath.Base(built)))
	require.NoError(t, err)
	assert.True(t, bytes.Equal(one, two), "two builds of the same sources are the same bytes")
}

// TestZip compares the zip with the sources: nothing is missing, nothing is there that is not meant for Kibana, and
// only saved objects and references to ECS differ.
func TestZip(t *testing.T) {
	folder := os.DirFS(sources)
	entries := unpack(t, folder, "1password-2.1.0")
	require.NoError(t, fs.WalkDir(folder, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		packed, there := entries["1password-2.1.0/"+name]
		delete(entries, "1password-2.1.0/"+name)
		if strings.Contains("/"+name, "/_dev/") {
			assert.False(t, there, "%s is for developers", name)
			return nil
		}
		if !assert.True(t, there, "%s is missing", name) {
			return nil
		}
		content, err := fs.ReadFile(folder, name)
		require.NoError(t, err)
		if strings.HasPrefix(name, "kibana/") && path.Ext(name) == ".json" {
			requireEncoded(t, name, packed)
			packed, err = decodeAsset(packed)
			require.NoError(t, err, name)
			assert.JSONEq(t, string(content), string(packed), name)
			return nil
		}
		if path.Base(path.Dir(name)) == "fields" {
			requireResolved(t, name, content, packed)
			return nil
		}
		assert.True(t, bytes.Equal(content, packed), "%s differs", name)
		return nil
	}))
	assert.Empty(t, entries, "only what the sources have")
}

// requireResolved fails unless the zip has what the sources say of each field, and of a field of ECS what that says.
func requireResolved(t *testing.T, name string, source, packed []byte) {
	t.Helper()
	var want, got []definition
	require.NoError(t, yaml.Unmarshal(source, &want))
	require.NoError(t, yaml.Unmarshal(packed, &got))
	require.Len(t, got, len(want), name)
	for i, f := range got {
		where := fmt.Sprintf("%s: %v", name, f["name"])
		assert.NotContains(t, f, "external", where)
		assert.NotContains(t, f, "validation", where)
		assert.NotEmpty(t, f["type"], where)
		for key, value := range want[i] {
			if key != "external" {
				assert.Equal(t, value, f[key], "%s: %s", where, key)
			}
		}
		if want[i]["external"] == nil {
			assert.Equal(t, want[i], f, where)
		}
	}
}

// TestFieldsOfECSAreResolved: the options of ECS are there, and the package's own description and type count.
func TestFieldsOfECSAreResolved(t *testing.T) {
	ecs, err := loadECS(os.DirFS(sources))
	require.NoError(t, err)
	got, err := resolveFields([]byte("- {name: event.original, external: ecs, description: mine}\n"+
		"- {name: event.module, external: ecs, type: constant_keyword, value: x}\n"+
		"- {name: user.name, external: ecs}\n- {name: a, type: long}\n"), ecs)
	require.NoError(t, err)
	assert.YAMLEq(t, `
- {name: event.original, type: keyword, index: false, doc_values: false, description: mine}
- {name: event.module, type: constant_keyword, value: x}
- {name: user.name, type: keyword, multi_fields: [{name: text, type: match_only_text}]}
- {name: a, type: long}`, string(got))

	_, err = resolveFields([]byte("- {name: nothing.known, external: ecs}"), ecs)
	require.ErrorContains(t, err, "nothing.known")
	_, err = resolveFields([]byte("- {name: user.name, external: other}"), ecs)
	require.ErrorContains(t, err, "user.name is a field of other")
	_, err = loadECS(fstest.MapFS{"_dev/build/build.yml": {Data: []byte("dependencies: {ecs: {reference: git@v1.0.0}}")}})
	require.ErrorContains(t, err, `names ECS "git@v1.0.0"`)
}

func unpack(t *testing.T, from fs.FS, top string) map[string][]byte {
	t.Helper()
	var zipped bytes.Buffer
	require.NoError(t, pack(&zipped, from, top))
	archive, err := zip.NewReader(bytes.NewReader(zipped.Bytes()), int64(zipped.Len()))
	require.NoError(t, err)
	entries := map[string][]byte{}
	previous := ""
	for _, f := range archive.File {
		assert.Less(t, previous, f.Name, "sorted")
		previous = f.Name
		assert.True(t, epoch.Equal(f.Modified), "%s has the time of the build", f.Name)
		r, err := f.Open()
		require.NoError(t, err)
		entries[f.Name], err = io.ReadAll(r)
		require.NoError(t, err)
		require.NoError(t, r.Close())
	}
	return entries
}

// requireEncoded fails where a key ends in JSON and its value is not a string.
func requireEncoded(t *testing.T, name string, raw []byte) {
	t.Helper()
	value, err := decode(raw)
	require.NoError(t, err, name)
	var walk func(where string, value any)
	walk = func(where string, value any) {
		switch value := value.(type) {
		case map[string]any:
			for key, below := range value {
				if strings.HasSuffix(key, "JSON") || key == "visState" {
					text, encoded := below.(string)
					require.True(t, encoded, "%s: %s.%s is not encoded", name, where, key)
					inner, err := decode([]byte(text))
					require.NoError(t, err, "%s: %s.%s", name, where, key)
					walk(where+"."+key, inner)
					continue
				}
				walk(where+"."+key, below)
			}
		case []any:
			for _, below := range value {
				walk(where+"[]", below)
			}
		}
	}
	walk("", value)
}

const dashboard = `{
  "attributes": {
    "controlGroupInput": {"chainingSystem": "NONE", "ignoreParentSettingsJSON": {"ignoreQuery": false}, "panelsJSON": {"c1": {"order": 0}}},
    "kibanaSavedObjectMeta": {"searchSourceJSON": {"filter": [{"query": {"match_phrase": {"a": "<b> & \"c\""}}}]}},
    "optionsJSON": {"useMargins": true},
    "panelsJSON": [
      {"type": "map", "embeddableConfig": {"attributes": {"layerListJSON": [{"id": "l", "alpha": 0.75}], "mapStateJSON": {"zoom": 1.0}, "state": {"query": {}}}}},
      {"type": "search", "embeddableConfig": {"attributes": {"kibanaSavedObjectMeta": {"searchSourceJSON": {"filter": []}}}}},
      {"type": "visualization", "embeddableConfig": {"savedVis": {"params": {"fontSize": 12}}}},
      {"type": "links"}
    ],
    "version": 12345678901234567890
  },
  "id": "x", "references": [], "type": "dashboard"
}`

func TestEncoding(t *testing.T) {
	encoded, err := encodeAsset([]byte(dashboard))
	require.NoError(t, err)
	requireEncoded(t, "dashboard", encoded)
	assert.Contains(t, string(encoded), `"optionsJSON": "{\"useMargins\":true}"`, "compact, without a line end")
	assert.Contains(t, string(encoded), `12345678901234567890`, "numbers keep their digits")
	assert.Contains(t, string(encoded), `1.0`)
	assert.Contains(t, string(encoded), `<b> &`)
	assert.Contains(t, string(encoded), `\"layerListJSON\":\"[{\\\"alpha\\\":0.75`, "a string in the string of the panels")

	again, err := encodeAsset(encoded)
	require.NoError(t, err)
	assert.Equal(t, string(encoded), string(again), "what is encoded stays")

	decoded, err := decodeAsset(encoded)
	require.NoError(t, err)
	assert.JSONEq(t, dashboard, string(decoded))
}

func TestEncodingOfOtherShapes(t *testing.T) {
	for name, test := range map[string]struct{ raw, problem string }{
		"no attributes":         {`{"id":"x"}`, ""},
		"attributes are a list": {`{"attributes":[]}`, ""},
		"panels are a string":   {`{"attributes":{"panelsJSON":"[]"}}`, ""},
		"panels are odd":        {`{"attributes":{"panelsJSON":[1,null,{"embeddableConfig":[]}]}}`, ""},
		"a list":                {`[]`, "not a JSON object"},
		"no JSON":               {`{`, "unexpected EOF"},
		"two values":            {`{} {}`, "something after"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := encodeAsset([]byte(test.raw))
			if test.problem == "" {
				assert.NoError(t, err)
			} else {
				assert.ErrorContains(t, err, test.problem)
			}
		})
	}
}

func TestFilesOfRejectsWhatCannotBePacked(t *testing.T) {
	files, err := filesOf(fstest.MapFS{
		"b.yml": {}, "a/b.yml": {}, "a/_dev/test.yml": {}, "_dev/build/docs/README.md": {}, ".DS_Store": {}, ".git/HEAD": {},
	})
	require.NoError(t, err)
	assert.Equal(t, []string{"a/b.yml", "b.yml"}, files)
	_, err = filesOf(fstest.MapFS{"a.yml.link": {}})
	require.ErrorContains(t, err, "a.yml.link")
	_, err = filesOf(fstest.MapFS{"a": {Mode: fs.ModeSymlink}})
	require.ErrorContains(t, err, "not a regular file")
}

func TestUsage(t *testing.T) {
	require.ErrorContains(t, run(nil, io.Discard), "usage")
	require.ErrorContains(t, run([]string{"build", t.TempDir(), t.TempDir()}, io.Discard), "not valid")
}
