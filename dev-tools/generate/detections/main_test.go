// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/detections"
	"onepasswordbeat/dev-tools/generate/dashboards/kql"
	"onepasswordbeat/dev-tools/generate/fields/fielddefs"
	"onepasswordbeat/dev-tools/generate/output/outputtest"
	"onepasswordbeat/module"
)

type object = map[string]any

// rules are the lines of the generated file.
func rules(t *testing.T) []object {
	t.Helper()
	files, err := generate("../../..")
	require.NoError(t, err)
	var all []object
	lines := bufio.NewScanner(bytes.NewReader(files[importFile]))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var rule object
		require.NoError(t, json.Unmarshal(lines.Bytes(), &rule))
		all = append(all, rule)
	}
	return all
}

func TestFilesAreUpToDate(t *testing.T) { outputtest.UpToDate(t, "../../..", generate) }

// What Kibana's import accepts, by its API reference for 8.18: fields of all rules, and those of a type. What is required is in need.
var (
	common = []string{
		"rule_id", "version", "name", "description", "type", "language", "query", "index", "filters", "interval", "from", "to", "timestamp_override",
		"timestamp_override_fallback_disabled", "severity", "severity_mapping", "risk_score", "risk_score_mapping", "max_signals", "enabled", "author",
		"license", "tags", "false_positives", "references", "threat", "required_fields", "related_integrations", "investigation_fields", "note",
		"setup", "actions", "exceptions_list",
	}
	special = map[string][]string{
		detections.Query:     nil,
		detections.EQL:       nil,
		detections.Threshold: {"threshold"},
		detections.NewTerms:  {"new_terms_fields", "history_window_start"},
	}
)

// TestKeysThatKibanaImports: no key is missing, and none is there that the type of the rule does not have.
func TestKeysThatKibanaImports(t *testing.T) {
	for _, rule := range rules(t) {
		kind := str(rule, "type")
		require.Contains(t, special, kind)
		want := slices.Sorted(slices.Values(append(slices.Clone(common), special[kind]...)))
		assert.Equal(t, want, slices.Sorted(maps.Keys(rule)), rule["name"])
	}
}

func str(o object, key string) string { s, _ := o[key].(string); return s }

// shapes are the forms of values, as the API reference describes them.
var shapes = map[string]*regexp.Regexp{
	"rule_id": regexp.MustCompile(`^[0-9a-f-]{36}$`), "interval": regexp.MustCompile(`^[1-9]\d*[smh]$`), "from": regexp.MustCompile(`^now-[1-9]\d*[smh]$`),
	"to": regexp.MustCompile(`^now$`), "severity": regexp.MustCompile(`^(low|medium|high|critical)$`), "language": regexp.MustCompile(`^(kuery|eql)$`),
	"timestamp_override": regexp.MustCompile(`^event\.ingested$`), "description": regexp.MustCompile(`^[A-Z](?s:.)*\.$`),
}

// TestValuesThatKibanaImports: the shapes of values, and what Kibana checks beyond its schema.
func TestValuesThatKibanaImports(t *testing.T) {
	for _, rule := range rules(t) {
		for key, shape := range shapes {
			assert.Regexp(t, shape, rule[key], "%s of %s", key, rule["name"])
		}
		assert.Equal(t, []any{detections.Index}, rule["index"])
		assert.Equal(t, false, rule["timestamp_override_fallback_disabled"], "the fallback is on")
		assert.Equal(t, false, rule["enabled"])
		assert.Equal(t, str(rule, "type") == detections.EQL, rule["language"] == "eql")
		for key, value := range rule {
			assert.NotNil(t, value, "%s of %s: Kibana takes no null", key, rule["name"])
		}
		if limit, ok := rule["threshold"].(object); ok {
			fields, _ := limit["field"].([]any)
			cardinality, _ := limit["cardinality"].([]any)
			assert.LessOrEqual(t, len(fields), 3)
			for _, c := range cardinality {
				c, _ := c.(object)
				assert.NotContains(t, fields, c["field"], "the cardinality of a field that is counted by is 1")
			}
		}
	}
}

// TestFieldsAreFilledByEverySource: what a rule searches, counts and shows is defined for the documents of the beat and of the
// integration, and no field is one that only an engine's pipelines add.
func TestFieldsAreFilledByEverySource(t *testing.T) {
	set, err := fielddefs.Load("../../..", module.All())
	require.NoError(t, err)
	defined := make(map[string]string)
	for _, f := range set.Fields {
		defined[f.Name] = f.Type
	}
	all, err := detections.All()
	require.NoError(t, err)
	for _, rule := range all {
		names := append(rule.Fields(), rule.Highlight...)
		if rule.Kind != detections.EQL {
			names = append(names, fields(t, rule.Query)...)
			assert.Subset(t, rule.Fields(), fields(t, rule.Query), rule.Slug)
		}
		for _, step := range rule.Investigate {
			names = append(names, fields(t, step.Fill(func(string) string { return "x" }))...)
			step.Fill(func(field string) string { names = append(names, field); return "" })
		}
		for _, name := range names {
			assert.NotEmpty(t, defined[name], "%s: %s", rule.Slug, name)
		}
		for _, name := range rule.Fields() {
			assert.NotContains(t, []string{"match_only_text", "text", "object"}, defined[name], "%s: %s cannot be searched as a whole", rule.Slug, name)
			assert.NotRegexp(t, `^(source\.as\.|source\.geo\.(continent|region_iso)|onepassword\.ingest_delay)`, name, "only pipelines set it")
		}
	}
}

func fields(t *testing.T, query string) []string {
	t.Helper()
	q, err := kql.Parse(query)
	require.NoError(t, err)
	return q.Fields()
}

// stable are the ids and slugs that were published. A rule always keeps both; a new rule is a new line.
var stable = []string{
	"signin-failures-from-one-address d6b959c0-dffe-5061-8b2b-f218fe73ae06", "signin-failures-then-success b00d0fc8-2d0e-5786-9f04-85294e7a2f76",
	"signin-from-new-country 795b4abe-ac89-5713-92d4-e4270dfdd8c6", "signin-with-new-device 6099ff19-d496-5e5b-9dea-4f7faaa706b6",
	"signin-reported-by-firewall 77031518-9afc-5b95-8d6e-6b0c2e3f144d", "signin-without-second-factor 32dbfd63-58ad-5b0b-9732-c8f00fe06a08",
	"vault-exported 8d2bfe85-b9d3-5123-b4f8-05aad645eb24", "many-secrets-read f45350a2-5a96-53f6-9e98-3222db97b139",
	"items-exported-or-shared cd157b73-e1ce-5e88-9a3c-21fe4d6837f3", "vault-access-granted-to-oneself bc20f2f1-eb83-57bb-a35a-fb8a99fec8d7",
	"vault-access-then-secrets-taken 5b63b3c2-d9ef-56f5-ab99-d113f6e184f5", "administrator-added 77f022b0-23d4-5d30-a9d4-7607527aa418",
	"second-factor-disabled 55930827-be22-556c-8df8-ccb14d815a52", "signin-policy-changed 83dc98a2-ca97-55f2-80ef-7206bd91d8a9",
	"service-account-created 73b580a7-66ff-58a6-9cfe-eb7a7eb026fb", "service-account-from-new-address f48e39fd-051e-544e-b7a2-c1199f30bc38",
	"export-then-suspension a7a47bd8-b797-5265-9c9c-1099bad62592", "recovery-completed-quickly 201ab96c-a096-50e4-869d-99b5a78727b3",
	"events-not-processed 5c345dbe-b31f-5a6d-95e7-599a187ac657",
}

func TestIDsAndSlugsAreStable(t *testing.T) {
	all, err := detections.All()
	require.NoError(t, err)
	have := make([]string, 0, len(all))
	for _, rule := range all {
		have = append(have, fmt.Sprintf("%s %s", rule.Slug, rule.ID))
	}
	assert.Equal(t, stable, have)
}

// TestLinksFromDashboards: each link to this page goes to the anchor of a rule.
func TestLinksFromDashboards(t *testing.T) {
	all, err := detections.All()
	require.NoError(t, err)
	links := 0
	err = filepath.WalkDir("../../../packages/1password/kibana", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(name)
		for _, m := range regexp.MustCompile(`detections\.md#([a-z-]+)`).FindAllStringSubmatch(string(content), -1) {
			links++
			assert.True(t, slices.ContainsFunc(all, func(r detections.Rule) bool { return r.Slug == m[1] }), "%s: %s", name, m[1])
		}
		return err
	})
	require.NoError(t, err)
	assert.Positive(t, links)
}

// TestPage: each rule has its anchor and the number of its alerts in a normal week.
func TestPage(t *testing.T) {
	files, err := generate("../../..")
	require.NoError(t, err)
	alerts, err := detections.NormalWeek()
	require.NoError(t, err)
	all, err := detections.All()
	require.NoError(t, err)
	require.Len(t, alerts, len(all))
	page := string(files[pageFile])
	for _, rule := range all {
		assert.Equal(t, 1, strings.Count(page, `<a id="`+rule.Slug+`"></a>`), rule.Slug)
		assert.Contains(t, page, fmt.Sprintf("(#%s) | %s | %s | %d |", rule.Slug, kinds[rule.Kind], rule.Severity, alerts[rule.Slug]))
	}
}
