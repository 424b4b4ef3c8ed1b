// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Tests of the generator: what it made is up to date, and documents are typed alike with and without Fleet.

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/elastic/beats/v7/libbeat/asset"
	"github.com/elastic/beats/v7/libbeat/beat"
	"github.com/elastic/beats/v7/libbeat/template"
	"github.com/elastic/beats/v7/libbeat/version"
	"github.com/elastic/elastic-agent-libs/logp/logptest"
	"github.com/elastic/elastic-agent-libs/mapstr"
	libversion "github.com/elastic/elastic-agent-libs/version"

	"onepasswordbeat/dev-tools/generate/fields/ecsdefs"
	"onepasswordbeat/dev-tools/generate/fields/fielddefs"
	"onepasswordbeat/dev-tools/generate/output/outputtest"
	_ "onepasswordbeat/include"
	"onepasswordbeat/module"
)

const root = "../../.."

func TestGeneratedFilesAreUpToDate(t *testing.T) {
	require.Contains(t, outputtest.UpToDate(t, root, generate), pkg+"/docs/README.md")
}

// TestFieldsAreTypedAlikeWithAndWithoutFleet compares, field by field and in both directions, the index template that
// libbeat makes for a beat of its own with the mapping that Fleet makes of the package.
func TestFieldsAreTypedAlikeWithAndWithoutFleet(t *testing.T) {
	alone := standaloneTypes(t)
	everywhere := map[string]bool{}
	for _, m := range module.All() {
		t.Run(m.Name, func(t *testing.T) {
			fleet := fleetTypes(t, m.Name)
			for name, typ := range fleet {
				everywhere[name] = true
				switch {
				case slices.Contains(constants, name):
					assert.Equal(t, "constant_keyword", typ, name)
					assert.Equal(t, "keyword", alone[name], name)
				case slices.ContainsFunc(fromElsewhere, func(f field) bool { return name == f.Name || strings.HasPrefix(name, f.Name+".") }):
					assert.Empty(t, alone[name], "%s is a field of the beat, and needs no other definition", name)
				default:
					assert.Equal(t, alone[name], typ, name)
				}
			}
			for _, name := range documented(t, m.Path) {
				assert.NotEmpty(t, fleet[name], "%s is not in the data stream", name)
			}
		})
	}
	for name := range alone {
		assert.True(t, everywhere[name], "%s is in no data stream", name)
	}
}

// fleetTypes is the mapping that Fleet makes of a data stream's fields: name to type for a field, and name, star and
// JSON type for what has no definition of its own.
func fleetTypes(t *testing.T, stream string) map[string]string {
	t.Helper()
	types := map[string]string{}
	ecs, err := ecsdefs.Load(root)
	require.NoError(t, err)
	names, err := filepath.Glob(filepath.Join(root, pkg, "data_stream", stream, "fields", "*.yml"))
	require.NoError(t, err)
	for _, name := range names {
		raw, err := os.ReadFile(name)
		require.NoError(t, err)
		raw, err = ecs.Resolve(raw)
		require.NoError(t, err, name)
		var list []field
		require.NoError(t, yaml.Unmarshal(raw, &list))
		for _, f := range list {
			for _, m := range f.MultiFields {
				types[f.Name+"."+m.Name] = m.Type
			}
			key, typ := f.Name, f.Type
			if f.Type == "object" {
				// Fleet names the dynamic template after the field; Elasticsearch takes several stars for one.
				jsonType := f.ObjectMappingType
				if jsonType == "" {
					jsonType = "string"
				}
				key, typ = strings.TrimRight(f.Name, "*")+"* "+jsonType, f.ObjectType
			}
			require.NotContains(t, types, key, "defined once")
			types[key] = typ
		}
	}
	return types
}

// standaloneTypes is the same of the index template for a beat without Fleet.
func standaloneTypes(t *testing.T) map[string]string {
	t.Helper()
	linked, err := asset.GetFields("onepasswordbeat")
	require.NoError(t, err)
	tmpl, err := template.New(false, version.GetDefaultVersion(), "onepasswordbeat", true, *libversion.MustNew("8.18.0"),
		template.DefaultConfig(beat.Info{Beat: "onepasswordbeat", Version: "0.1.0"}), false, logptest.NewTestingLogger(t, ""))
	require.NoError(t, err)
	body, err := tmpl.LoadBytes(linked)
	require.NoError(t, err)
	raw, err := json.Marshal(body)
	require.NoError(t, err)
	var parsed struct {
		Template struct {
			Mappings struct {
				Properties map[string]any
				Dynamic    []map[string]struct {
					Path    string `json:"path_match"`
					JSON    string `json:"match_mapping_type"`
					Mapping struct{ Type string }
				} `json:"dynamic_templates"`
			}
		}
	}
	require.NoError(t, json.Unmarshal(raw, &parsed))
	types := map[string]string{}
	flatten(types, "", parsed.Template.Mappings.Properties)
	for _, entry := range parsed.Template.Mappings.Dynamic {
		for _, rule := range entry {
			// Booleans are others with Fleet: see dynamicKeys.
			if rule.Path != "" && rule.JSON != "boolean" {
				types[rule.Path+" "+rule.JSON] = rule.Mapping.Type
			}
		}
	}
	return types
}

// flatten lists the fields of a mapping by their dotted names.
func flatten(types map[string]string, prefix string, properties map[string]any) {
	for name, value := range properties {
		object, _ := value.(map[string]any)
		if below, ok := object["properties"].(map[string]any); ok {
			flatten(types, prefix+name+".", below)
		} else if typ, _ := object["type"].(string); typ != "object" && typ != "" {
			types[prefix+name] = typ
			if multi, ok := object["fields"].(map[string]any); ok {
				flatten(types, prefix+name+".", multi)
			}
		}
	}
}

// documented are the names of the fields that a module describes, but of objects, which only say how what is in them
// is typed.
func documented(t *testing.T, folder string) []string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, "module", folder, "_meta", "fields.yml"))
	require.NoError(t, err)
	var parts []struct{ Fields []field }
	require.NoError(t, yaml.Unmarshal(raw, &parts))
	var names []string
	for _, part := range parts {
		for _, f := range part.Fields {
			if f.Type != "object" {
				names = append(names, f.Name)
			}
		}
	}
	require.NotEmpty(t, names)
	return names
}

// TestFieldsOfECSAreDeclaredByReference: the fields of ECS that the package has are those of the ECS version that the
// documents name, none is a copy, and none differs.
func TestFieldsOfECSAreDeclaredByReference(t *testing.T) {
	ecs, err := ecsdefs.Load(root)
	require.NoError(t, err)
	assert.Equal(t, "git@v"+module.SharedTables().ECSVersion, ecs.Reference)
	used := map[string]bool{}
	for _, m := range module.All() {
		for _, file := range []string{"base-fields.yml", "ecs.yml"} {
			raw, err := os.ReadFile(filepath.Join(root, pkg, "data_stream", m.Name, "fields", file))
			require.NoError(t, err)
			var list []field
			require.NoError(t, yaml.Unmarshal(raw, &list))
			for _, f := range list {
				theirs, known := ecs.Fields[f.Name]
				if !known {
					assert.Contains(t, []string{"input.type", "elastic_agent.id", "elastic_agent.snapshot", "elastic_agent.version", "fields.*", "labels.*"},
						f.Name, "ECS has it: add it to dev-tools/integration/ecs.yml; or it has not: name it here")
					continue
				}
				used[f.Name] = true
				assert.Equal(t, ecsdefs.External, f.External, f.Name)
				if f.Type != "" {
					assert.Equal(t, "keyword, constant_keyword", theirs.Type+", "+f.Type, "%s: the only other type that elastic-package takes", f.Name)
				}
			}
		}
	}
	for name := range ecs.Fields {
		assert.True(t, used[name], "no data stream has %s", name)
	}
	_, err = byReference([]field{{Name: "source.ip", Type: "keyword"}}, ecs)
	require.ErrorContains(t, err, "source.ip is defined otherwise than in ECS")
	_, err = ecs.Resolve([]byte("- {name: source.port, external: ecs}"))
	require.ErrorContains(t, err, `no field "source.port"`)
}

// TestSampleEvents: a sample event has no field that its data stream does not define.
func TestSampleEvents(t *testing.T) {
	for _, m := range module.All() {
		raw, err := sampleEvent(root, m)
		require.NoError(t, err)
		var doc mapstr.M
		require.NoError(t, json.Unmarshal(raw, &doc))
		fleet := fleetTypes(t, m.Name)
		for name := range doc.Flatten() {
			name = strings.TrimSuffix(strings.TrimSuffix(name, ".lat"), ".lon")
			assert.NotEmpty(t, fleet[name], "%s of the sample event of %s", name, m.Name)
		}
		assert.Equal(t, m.Dataset, doc.Flatten()["data_stream.dataset"])
	}
}

// TestRetentionIsLong: an audit trail must not be deleted earlier than an auditor asks for it.
func TestRetentionIsLong(t *testing.T) {
	for _, m := range module.All() {
		raw, err := os.ReadFile(filepath.Join(root, pkg, "data_stream", m.Name, "lifecycle.yml"))
		require.NoError(t, err)
		var got struct {
			Retention string `yaml:"data_retention"`
		}
		require.NoError(t, yaml.Unmarshal(raw, &got))
		days, err := strconv.Atoi(strings.TrimSuffix(got.Retention, "d"))
		require.NoError(t, err, got.Retention)
		assert.GreaterOrEqual(t, days, 3650, m.Name)
	}
}

func TestTemplatesThatAreWrongAreReported(t *testing.T) {
	for source, want := range map[string]string{
		`{{ fields "events" }}`:   `no data stream "events"`,
		`{{ event "events" }}`:    `no data stream "events"`,
		`{{ something }}`:         "something",
		`{{ fields "audit_events`: "README.md",
	} {
		dir := t.TempDir()
		name := filepath.Join(dir, filepath.FromSlash(templates), "README.md")
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o700))
		require.NoError(t, os.WriteFile(name, []byte(source), 0o600))
		_, err := (&packageDocs{root: dir}).render()
		assert.ErrorContains(t, err, want, source)
	}
}

// TestRenderedAsByElasticPackage pins what `elastic-package lint` compares the README with: each of its functions, to
// the byte.
func TestRenderedAsByElasticPackage(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"_dev/build/docs/README.md":  "# Title\n\n{{ generatedHeader }}\n\n{{ fields \"a\" }}\n\n{{- /* gone */ -}}\n{{event \"a\"}}\n{{ inputDocs }}\n\n\n",
		"data_stream/a/manifest.yml": "streams: [{input: onepassword}, {input: cel}]",
		"data_stream/b/manifest.yml": "streams: [{input: cel}]",
	} {
		file := filepath.Join(dir, filepath.FromSlash(pkg), filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o700))
		require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
	}
	got, err := (&packageDocs{root: dir, samples: map[string][]byte{"a": []byte("{\n    \"a\": 1\n}\n")}, fields: map[string][]field{"b": nil, "a": {
		{Name: "b.*", Type: "object", ObjectType: "keyword", Description: "Any <key> of {b}, such as b.*."},
		{Name: "a", Type: "keyword", Description: " Two\nlines | and a bar.\n", MultiFields: []fielddefs.MultiField{{Name: "text", Type: "match_only_text"}}},
		{Name: "a", Type: "long", Description: "Again."},
	}}}).render()
	require.NoError(t, err)
	assert.Equal(t, "# Title\n\n"+
		"<!-- NOTICE: Do not edit this file manually.-->\n<!-- This file is automatically generated by Elastic Package -->\n\n"+
		"**Exported fields**\n\n| Field | Description | Type |\n|---|---|---|\n"+
		"| a | Two lines | and a bar. | keyword |\n"+
		"| a.text | Multi-field of `a`. | match_only_text |\n"+
		`| b.\* | Any \<key\> of \{b\}, such as b.\*. | object |`+"\n"+
		"An example event for `a` looks as following:\n\n```json\n{\n    \"a\": 1\n}\n```\n"+
		"These inputs can be used with this integration:\n<details>\n<summary>cel</summary>\n\n"+strings.TrimSpace(celDocs)+"\n</details>\n\n\n\n",
		string(got[pkg+"/docs/README.md"]))
}

// TestHeaderStandsBelowTheTitle: Kibana 8.12 shows a comment above the title as text.
func TestHeaderStandsBelowTheTitle(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, pkg, "docs", "README.md"))
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(string(page), "# 1Password Integration for Elastic\n\n"+generatedHeader+"\n"))
}

// TestNoImages: Kibana asks its registry for an image of the README and gets a 404. The pane of screenshots shows them.
func TestNoImages(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, pkg, "docs", "README.md"))
	require.NoError(t, err)
	assert.NotContains(t, string(page), "![")
	assert.NotContains(t, string(page), "<img")
}

// TestSettingsTables: the template has the tables of settings as text, and they are those of the manifests.
func TestSettingsTables(t *testing.T) {
	source, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(templates), "README.md"))
	require.NoError(t, err)
	docs := &packageDocs{root: root, fields: map[string][]field{}}
	for _, m := range module.All() {
		docs.fields[m.Name] = nil
	}
	inputs, err := docs.inputs()
	require.NoError(t, err)
	require.Len(t, inputs, 2)
	for _, in := range inputs {
		assert.Contains(t, string(source), "### Input `"+in.Type+"`\n\n"+in.settingsTable()+"\n", "copy the table into the template")
	}
}

func TestSettingsTable(t *testing.T) {
	got := input{Vars: []variable{
		{Name: "token", Required: true},
		{Name: "url", Title: "URL", Description: "Where|to", Default: "https://events.example.com"},
		{Name: "tags", Default: []any{"a", "b"}},
		{Name: "by", Default: otherByStream{}},
		{Name: "x", Default: "1\n2"},
	}}.settingsTable()
	assert.Equal(t, strings.Join([]string{
		"| Setting | Default | Description |", "|---|---|---|",
		"| token | required |  |",
		"| URL | `https://events.example.com` | Where\\|to |",
		"| tags | `a`, `b` |  |",
		"| by | by data stream |  |",
		"| x |  |  |",
	}, "\n"), got)
}

// TestOnboardingNamesTheSettings: the steps call the settings what Kibana calls them.
func TestOnboardingNamesTheSettings(t *testing.T) {
	source, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(templates), "README.md"))
	require.NoError(t, err)
	inputs, err := (&packageDocs{root: root}).inputs()
	require.NoError(t, err)
	require.NotEmpty(t, inputs)
	for _, v := range inputs[0].Vars {
		if v.Name == "url" || v.Name == "token" {
			assert.Contains(t, string(source), "*   **"+v.Title+"**:")
		}
	}
}

// TestOutline: the page keeps the outline that readers of Elastic's integrations know.
func TestOutline(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, pkg, "docs", "README.md"))
	require.NoError(t, err)
	headings := map[string]int{}
	at := 0
	for line := range strings.Lines(string(page)) {
		if strings.HasPrefix(line, "#") {
			headings[strings.TrimSpace(line)] = at
			at++
		}
	}
	previous := -1
	for _, want := range []string{
		"# 1Password Integration for Elastic", "## Overview", "### Compatibility", "### How it works",
		"## What data does this integration collect?", "### Supported use cases",
		"## What do I need to use this integration?", "## How do I deploy this integration?",
		"### Agent-based deployment", "### Agentless deployment", "### Onboard / configure",
		"#### 1. Configure 1Password", "#### 2. Configure the Elastic Integration", "### Validation",
		"## Troubleshooting", "## Scaling", "## Reference",
		"### audit_events", "#### audit_events fields", "#### audit_events event sample",
		"### item_usages", "#### item_usages fields", "#### item_usages event sample",
		"### signin_attempts", "#### signin_attempts fields", "#### signin_attempts event sample",
		"### Inputs used", "### API usage",
	} {
		position, there := headings[want]
		if assert.True(t, there, "%s is missing", want) {
			assert.Greater(t, position, previous, "%s is out of order", want)
			previous = position
		}
	}
}
