// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A strict reading of the generated pipelines: only documented processors and options. Not all of them can be run on the engine of tests/pipelines, so what
// that engine lacks is checked here alone.

package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"onepasswordbeat/dev-tools/generate/fields/fielddefs"
	"onepasswordbeat/dev-tools/generate/output/outputtest"
	"onepasswordbeat/module"
)

const root = "../../.."

func TestGeneratedFilesAreUpToDate(t *testing.T) { outputtest.UpToDate(t, root, generate) }

// options are those of a processor in the reference of Elasticsearch 8.18.
type options struct {
	required, optional []string
	elasticsearchOnly  bool // not in the OpenSearch that the pipelines are tested on
}

// common are options that every processor has.
var common = []string{"description", "if", "ignore_failure", "on_failure", "tag"}

// processors are those that the pipelines may use.
var processors = map[string]options{
	"append": {required: []string{"field", "value"}, optional: []string{"allow_duplicates", "media_type"}},
	"fail":   {required: []string{"message"}},
	"geoip": {required: []string{"field"}, optional: []string{"target_field", "database_file", "properties", "ignore_missing", "first_only",
		"download_database_on_pipeline_creation"}, elasticsearchOnly: true},
	"remove": {required: []string{"field"}, optional: []string{"ignore_missing", "keep"}},
	"script": {required: []string{"source"}, optional: []string{"lang", "params"}},
	"set":    {required: []string{"field", "value"}, optional: []string{"copy_from", "override", "ignore_empty_value", "media_type"}},
}

// openSearchLacks are options of the other processors that OpenSearch 2.19 does not have.
var openSearchLacks = map[string][]string{
	"append": {"media_type"},
	"remove": {"keep"},
	"set":    {"copy_from", "media_type"},
}

// properties are what the geoip processor finds in a database, by the database's name; the empty one is the default.
var properties = map[string][]string{
	"": {"ip", "country_in_european_union", "country_iso_code", "country_name", "continent_code", "continent_name", "region_iso_code", "region_name", "city_name",
		"timezone", "location", "postal_code", "accuracy_radius", "registered_country_in_european_union", "registered_country_iso_code", "registered_country_name"},
	"GeoLite2-ASN.mmdb": {"ip", "asn", "organization_name", "network"},
}

// generated returns the pipelines, by their event types.
func generated(t *testing.T) map[string]map[string]any {
	t.Helper()
	set, err := fielddefs.Load(root, module.All())
	require.NoError(t, err)
	all := map[string]map[string]any{}
	for _, m := range module.All() {
		text, err := pipeline(m, set)
		require.NoError(t, err)
		again, err := pipeline(m, set)
		require.NoError(t, err)
		require.Equal(t, string(text), string(again))
		var parsed map[string]any
		require.NoError(t, yaml.Unmarshal(text, &parsed))
		all[m.Name] = parsed
	}
	return all
}

// each calls visit with every processor of a pipeline, those for failures included.
func each(t *testing.T, list any, visit func(kind string, settings map[string]any)) {
	t.Helper()
	all, ok := list.([]any)
	require.True(t, ok, "%v is not a list of processors", list)
	for _, p := range all {
		processor, ok := p.(map[string]any)
		require.True(t, ok && len(processor) == 1, "%v is not a processor", p)
		for kind, settings := range processor {
			settings, ok := settings.(map[string]any)
			require.True(t, ok, "%v has no settings", p)
			visit(kind, settings)
			if nested := settings["on_failure"]; nested != nil {
				each(t, nested, visit)
			}
		}
	}
}

func TestEveryProcessorIsAsDocumented(t *testing.T) {
	for name, p := range generated(t) {
		tags := map[any]bool{}
		visit := func(kind string, settings map[string]any) {
			known, ok := processors[kind]
			require.True(t, ok, "%s: a processor %s", name, kind)
			for option := range settings {
				all := slices.Concat(common, known.required, known.optional)
				assert.Contains(t, all, option, "%s: %v", name, settings["tag"])
				if !known.elasticsearchOnly {
					assert.NotContains(t, openSearchLacks[kind], option, "%s: %v", name, settings["tag"])
				}
			}
			for _, option := range known.required {
				assert.Contains(t, settings, option, "%s: %v", name, settings["tag"])
			}
			assert.NotEmpty(t, settings["tag"])
			assert.False(t, tags[settings["tag"]], "%s: the tag %v twice", name, settings["tag"])
			tags[settings["tag"]] = true
			if kind == "geoip" {
				database, _ := settings["database_file"].(string)
				wanted, _ := settings["properties"].([]any)
				assert.Subset(t, properties[database], wanted)
				assert.Equal(t, true, settings["ignore_missing"], "an event without an address is not a failure")
			}
		}
		each(t, p["processors"], visit)
		each(t, p["on_failure"], visit)
		assert.ElementsMatch(t, []string{"description", "processors", "on_failure"}, keysOf(p))
	}
}

func keysOf(m map[string]any) (keys []string) {
	for key := range m {
		keys = append(keys, key)
	}
	return keys
}

func TestFailuresSayWhatFailed(t *testing.T) {
	for name, p := range generated(t) {
		said := ""
		each(t, p["on_failure"], func(_ string, settings map[string]any) {
			if settings["field"] == "error.message" {
				said, _ = settings["value"].(string)
			}
		})
		for _, what := range []string{"on_failure_processor_type", "on_failure_processor_tag", "on_failure_message", "pipeline"} {
			assert.Contains(t, said, "{{{_ingest."+what+"}}}", name)
		}
	}
}

// TestScriptsUseTheTables: a param that no script reads, or a value that no schema has, is a mistake.
func TestScriptsUseTheTables(t *testing.T) {
	named := regexp.MustCompile(`params\.(\w+)`)
	value := regexp.MustCompile(`values\.(?:get\(')?(\w+)`)
	for name, p := range generated(t) {
		m, _ := module.ByName(name)
		known := valuesOf(module.Keys(m), map[string]bool{"get": true})
		each(t, p["processors"], func(kind string, settings map[string]any) {
			if kind != "script" {
				return
			}
			source, _ := settings["source"].(string)
			assert.LessOrEqual(t, len(source), maxScript)
			params, _ := settings["params"].(map[string]any)
			used := map[string]bool{}
			for _, match := range named.FindAllStringSubmatch(source, -1) {
				used[match[1]] = true
			}
			for param := range params {
				assert.True(t, used[param], "%s: %v does not read the param %s", name, settings["tag"], param)
			}
			// Functions that are shared read more.
			own := source[strings.LastIndex(source, "Map record = new HashMap();")+1:]
			for _, match := range value.FindAllStringSubmatch(own, -1) {
				assert.True(t, known[match[1]], "%s: no key has the value %s", name, match[1])
			}
		})
	}
}

func valuesOf(keys map[string]module.Key, into map[string]bool) map[string]bool {
	for _, k := range keys {
		into[k.Value] = true
		valuesOf(k.Keys, into)
	}
	return into
}
