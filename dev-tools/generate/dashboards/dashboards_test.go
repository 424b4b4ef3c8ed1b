// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Tests of the written files: up to date, stable, and in the form that Kibana 8.18 imports. Kibana itself says little
// about a wrong file: a panel shows an error, or is dropped, or the whole package is rejected.

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/png"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"onepasswordbeat/dev-tools/generate/dashboards/boards"
	"onepasswordbeat/dev-tools/generate/output"
	"onepasswordbeat/dev-tools/generate/output/outputtest"
)

const root = "../../.."

type object = map[string]any

// savedObject is one file.
type savedObject struct {
	Attributes           object
	CoreMigrationVersion string
	ID                   string
	References           []struct{ ID, Name, Type string }
	Type                 string
	TypeMigrationVersion string
}

func TestGeneratedFilesAreUpToDate(t *testing.T) {
	outputtest.UpToDate(t, root, generate)
}

func TestOutputIsStable(t *testing.T) {
	first, err := objects()
	require.NoError(t, err)
	for range 5 {
		again, err := objects()
		require.NoError(t, err)
		require.Equal(t, first, again)
	}
}

func TestStaleFilesAreRemoved(t *testing.T) {
	dir := t.TempDir()
	stale := filepath.Join(dir, packageDir, "kibana", "dashboard", "1password-old.json")
	require.NoError(t, os.MkdirAll(filepath.Dir(stale), 0o700))
	require.NoError(t, os.WriteFile(stale, []byte("{}"), 0o600))
	files, err := generate(dir)
	require.NoError(t, err)
	require.NoError(t, output.Write(dir, files))
	assert.NoFileExists(t, stale)
	assert.FileExists(t, filepath.Join(dir, packageDir, "kibana", "tags.yml"))
}

// savedObjects reads the generated objects, by type and id.
func savedObjects(t *testing.T) map[string]savedObject {
	files, err := objects()
	require.NoError(t, err)
	out := make(map[string]savedObject)
	for name, content := range files {
		if path.Ext(name) != ".json" {
			continue
		}
		var o savedObject
		d := json.NewDecoder(strings.NewReader(string(content)))
		d.DisallowUnknownFields()
		require.NoError(t, d.Decode(&o), name)
		assert.Equal(t, name, "kibana/"+strings.ReplaceAll(o.Type, "-", "_")+"/"+o.ID+".json")
		out[o.Type+"/"+o.ID] = o
	}
	return out
}

func dashboardsOf(t *testing.T) map[string]savedObject {
	out := savedObjects(t)
	for key, o := range out {
		if o.Type != "dashboard" {
			delete(out, key)
		}
	}
	return out
}

func TestEnvelopes(t *testing.T) {
	versions := map[string]string{"dashboard": "10.2.0", "search": "10.5.0", "index-pattern": "8.0.0", "alerting_rule_template": "10.1.0"}
	titles := make(map[string]bool)
	for key, o := range savedObjects(t) {
		assert.Regexp(t, `^1password-[a-z0-9-]+$`, o.ID)
		assert.Equal(t, "8.8.0", o.CoreMigrationVersion, key)
		assert.Equal(t, versions[o.Type], o.TypeMigrationVersion, key)
		if o.Type != "dashboard" && o.Type != "search" {
			continue
		}
		title, _ := o.Attributes["title"].(string)
		assert.True(t, strings.HasPrefix(title, "[Logs 1Password] "), title)
		assert.False(t, titles[o.Type+title], "two have the title %s", title)
		titles[o.Type+title] = true
		assert.NotEmpty(t, o.Attributes["description"], key)
		// The first visit is to the last week: the default of Kibana, a quarter of an hour, shows nothing.
		assert.Equal(t, o.Type == "dashboard", o.Attributes["timeRestore"], key)
		if o.Type == "dashboard" {
			assert.Equal(t, "now-7d", o.Attributes["timeFrom"], key)
			assert.Equal(t, "now", o.Attributes["timeTo"], key)
		}
	}
}

// TestIdsOfTodaysPackage: an upgrade replaces what has the same id and leaves the rest behind.
func TestIdsOfTodaysPackage(t *testing.T) {
	have := savedObjects(t)
	for _, key := range []string{
		"dashboard/1password-audit-events-full-dashboard", "dashboard/1password-item-usages-full-dashboard",
		"dashboard/1password-signin-attempts-full-dashboard", "search/1password-all-events", "search/1password-audit-events",
		"search/1password-item-usages", "search/1password-signin-attempts",
	} {
		assert.Contains(t, have, key)
	}
}

// TestReferences: every reference is used and every use has one, by the names that Kibana gives them.
func TestReferences(t *testing.T) {
	all := savedObjects(t)
	for key, o := range all {
		var have []string
		for _, r := range o.References {
			have = append(have, r.Name+" = "+r.Type+"/"+r.ID)
			if r.Type == "index-pattern" {
				if o.Type != "search" { // a search of one data stream has the data view with the labels
					assert.Equal(t, "logs-*", r.ID)
				}
				continue
			}
			assert.Contains(t, all, r.Type+"/"+r.ID, "%s refers to it", key)
			assert.Contains(t, []string{"dashboard", "search"}, r.Type, "%s must not refer to a %s", key, r.Type)
		}
		names := slices.Clone(have)
		slices.Sort(names)
		assert.Len(t, slices.Compact(names), len(have), "%s has a reference twice", key)
		assert.ElementsMatch(t, uses(t, o), have, key)
	}
}

const byFilter = "kibanaSavedObjectMeta.searchSourceJSON.filter[0].meta.index"

// uses are the references that an object needs, found by its contents alone.
func uses(t *testing.T, o savedObject) []string {
	const data = " = index-pattern/logs-*"
	switch o.Type {
	case "index-pattern", "alerting_rule_template":
		return nil
	case "search":
		data := data
		for _, v := range boards.DataViews() {
			if datasets := datasetsOf(t, o); len(datasets) == 1 && datasets[0] == v.Dataset {
				data = " = index-pattern/" + v.ID
			}
		}
		return []string{byFilter + data, "kibanaSavedObjectMeta.searchSourceJSON.index" + data}
	}
	want := []string{byFilter + data}
	for id := range at[object](t, o.Attributes, "controlGroupInput", "panelsJSON") {
		want = append(want, "controlGroup_"+id+":optionsListDataView"+data)
	}
	for _, p := range panelsOf(t, o) {
		id := as[string](t, p["panelIndex"])
		for _, u := range panelUses(t, o.ID, p) {
			want = append(want, id+":"+u)
		}
	}
	return want
}

// panelUses are the references that a panel needs, without the panel's id.
func panelUses(t *testing.T, dashboard string, p object) []string {
	const data = " = index-pattern/logs-*"
	var want []string
	switch p["type"] {
	case "lens":
		layers := at[object](t, p, "embeddableConfig", "attributes", "state", "datasourceStates", "formBased", "layers")
		var inside []string
		for id := range layers {
			inside = append(inside, "indexpattern-datasource-layer-"+id)
		}
		var own []string
		for _, r := range at[[]any](t, p, "embeddableConfig", "attributes", "references") {
			own = append(own, as[string](t, as[object](t, r)["name"]))
		}
		assert.ElementsMatch(t, inside, own, p["panelIndex"])
		for _, name := range inside {
			want = append(want, name+data)
		}
	case "map":
		for i, l := range at[[]any](t, p, "embeddableConfig", "attributes", "layerListJSON") {
			if ref, ok := at[object](t, as[object](t, l), "sourceDescriptor")["indexPatternRefName"].(string); ok {
				assert.Equal(t, "layer_"+string(rune('0'+i))+"_source_index_pattern", ref)
				want = append(want, ref+data)
			}
		}
	case "search":
		id := as[string](t, p["panelIndex"])
		assert.Equal(t, "panel_"+id, p["panelRefName"])
		want = append(want, "panel_"+id+" = search/"+searchOf(dashboard, id))
	case "links":
		for i, l := range at[[]any](t, p, "embeddableConfig", "attributes", "links") {
			want = append(want, as[string](t, as[object](t, l)["destinationRefName"])+" = dashboard/"+order[i])
			assert.False(t, at[bool](t, as[object](t, l), "options", "useCurrentFilters"))
		}
	}
	return append(want, drilldownUses(t, p)...)
}

func drilldownUses(t *testing.T, p object) []string {
	enhancements := at[object](t, p, "embeddableConfig", "enhancements")
	if len(enhancements) == 0 {
		return nil
	}
	var want []string
	for _, e := range at[[]any](t, enhancements, "dynamicActions", "events") {
		name := at[string](t, as[object](t, e), "action", "name")
		target := order[slices.Index(names, strings.TrimPrefix(name, "Go to "))]
		assert.False(t, at[bool](t, as[object](t, e), "action", "config", "useCurrentFilters"), "the target has another dataset")
		assert.True(t, at[bool](t, as[object](t, e), "action", "config", "useCurrentDateRange"))
		assert.Equal(t, []any{"FILTER_TRIGGER"}, as[object](t, e)["triggers"])
		want = append(want, "drilldown:DASHBOARD_TO_DASHBOARD_DRILLDOWN:"+as[string](t, as[object](t, e)["eventId"])+":dashboardId = dashboard/"+target)
	}
	return want
}

// The dashboards as the links show them.
var (
	order = []string{
		"1password-overview-full-dashboard", "1password-signin-attempts-full-dashboard",
		"1password-item-usages-full-dashboard", "1password-audit-events-full-dashboard",
	}
	names = []string{"Overview", "Sign-in attempts", "Item usages", "Audit events"}
)

// at is the value at a path.
func at[T any](t testing.TB, o object, keys ...string) T {
	t.Helper()
	var value any = o
	for _, key := range keys {
		value = as[object](t, value)[key]
	}
	return as[T](t, value)
}

// as is a value of a type that it has to have.
func as[T any](t testing.TB, value any) T {
	t.Helper()
	out, ok := value.(T)
	require.True(t, ok, "%v is a %T", value, value)
	return out
}

func panelsOf(t *testing.T, o savedObject) []object {
	var out []object
	for _, p := range at[[]any](t, o.Attributes, "panelsJSON") {
		out = append(out, as[object](t, p))
	}
	return out
}

// TestGrid: panels are within the page, none lies on another, and no place is left empty.
func TestGrid(t *testing.T) {
	for key, o := range dashboardsOf(t) {
		taken := make(map[[2]int]string)
		bottom := 0
		for _, p := range panelsOf(t, o) {
			g := as[object](t, p["gridData"])
			id := as[string](t, p["panelIndex"])
			assert.Equal(t, id, g["i"])
			assert.NotContains(t, id, ":")
			x, y, w, h := int(as[float64](t, g["x"])), int(as[float64](t, g["y"])), int(as[float64](t, g["w"])), int(as[float64](t, g["h"]))
			bottom = max(bottom, y+h)
			assert.LessOrEqual(t, x+w, 48)
			for i := range w * h {
				cell := [2]int{x + i%w, y + i/w}
				assert.Empty(t, taken[cell], "%s: %s lies on it", key, id)
				taken[cell] = id
			}
		}
		assert.Len(t, taken, 48*bottom, "%s has gaps", key)
	}
}

// TestCharts: what a chart shows is among its columns, and every column is in the order, buckets first.
func TestCharts(t *testing.T) {
	for key, o := range dashboardsOf(t) {
		for _, p := range panelsOf(t, o) {
			if p["type"] != "lens" {
				continue
			}
			where := key + " " + as[string](t, p["panelIndex"])
			state := at[object](t, p, "embeddableConfig", "attributes", "state")
			columns := make(map[string]bool)
			for _, l := range at[object](t, state, "datasourceStates", "formBased", "layers") {
				checkLayer(t, where, as[object](t, l), columns)
			}
			var used []string
			accessors(at[object](t, state, "visualization"), &used)
			for _, id := range used {
				assert.True(t, columns[id], "%s shows %s, which is not a column", where, id)
			}
			for id := range columns {
				assert.Contains(t, used, id, "%s does not show a column", where)
			}
			assert.Contains(t, at[string](t, state, "query", "query"), "data_stream.dataset: ", where)
		}
	}
}

func checkLayer(t *testing.T, where string, layer object, seen map[string]bool) {
	columns := as[object](t, layer["columns"])
	order := as[[]any](t, layer["columnOrder"])
	assert.Len(t, order, len(columns), where)
	assert.Equal(t, false, layer["ignoreGlobalFilters"], where)
	bucketed := true
	labels := make(map[any]bool)
	for _, id := range order {
		column, ok := columns[id.(string)].(object)
		require.True(t, ok, "%s has no column %s", where, id)
		assert.False(t, seen[as[string](t, id)], "%s has two columns %s", where, id)
		seen[as[string](t, id)] = true
		assert.False(t, as[bool](t, column["isBucketed"]) && !bucketed, "%s has a bucket after a measure", where)
		bucketed = as[bool](t, column["isBucketed"])
		assert.NotEmpty(t, column["label"], where)
		assert.False(t, labels[column["label"]], "%s has two columns of the name %s", where, column["label"])
		labels[column["label"]] = true
		if column["operationType"] == "terms" {
			by := at[string](t, column, "params", "orderBy", "columnId")
			require.Contains(t, columns, by, where)
			assert.NotEqual(t, "last_value", as[object](t, columns[by])["operationType"], where)
			assert.False(t, at[bool](t, column, "params", "missingBucket") && !at[bool](t, column, "params", "otherBucket"), where)
		}
	}
}

// TestTimesOfColumns: Lens does not compare with a shifted time beside values of a field, and a reduced one beside
// a division by time.
func TestTimesOfColumns(t *testing.T) {
	for key, o := range dashboardsOf(t) {
		for _, p := range panelsOf(t, o) {
			if p["type"] != "lens" {
				continue
			}
			for _, l := range at[object](t, p, "embeddableConfig", "attributes", "state", "datasourceStates", "formBased", "layers") {
				checkTimes(t, key+" "+as[string](t, p["panelIndex"]), at[object](t, as[object](t, l), "columns"))
			}
		}
	}
}

func checkTimes(t *testing.T, where string, columns object) {
	operations, shifts, reduced := make(map[any]bool), make(map[any]bool), false
	for _, c := range columns {
		column := as[object](t, c)
		operations[column["operationType"]] = true
		if !as[bool](t, column["isBucketed"]) {
			shifts[column["timeShift"]] = true
			reduced = reduced || column["reducedTimeRange"] != nil
		}
	}
	if operations["terms"] {
		assert.Len(t, shifts, 1, where)
	}
	assert.False(t, reduced && operations["date_histogram"], where)
}

// link is one in Markdown.
var link = regexp.MustCompile(`\]\(([^)]*)\)`)

// TestTexts: a link to Discover is relative, since only the browser knows where Kibana is and in which space: the page is
// .../app/dashboards#/..., and so the link leads to .../app/discover#/.... Others lead to the description of a rule.
func TestTexts(t *testing.T) {
	all := savedObjects(t)
	for key, o := range dashboardsOf(t) {
		for _, p := range panelsOf(t, o) {
			if p["type"] != "visualization" {
				continue
			}
			links := link.FindAllStringSubmatch(at[string](t, p, "embeddableConfig", "savedVis", "params", "markdown"), -1)
			assert.NotEmpty(t, links, key)
			for _, l := range links {
				if search, ok := strings.CutPrefix(l[1], "discover#/view/"); ok {
					search, time, _ := strings.Cut(search, "?")
					assert.Equal(t, "_g=(time:(from:now-7d,to:now", time, "Discover shows the last quarter of an hour otherwise")
					assert.Contains(t, all, "search/"+search, key)
				} else {
					assert.Regexp(t, `^https://github\.com/onepasswordbeat/onepasswordbeat/blob/main/docs/detections\.md#[a-z-]+$`, l[1], key)
				}
			}
		}
	}
}

// accessors collects the columns that a visualization names.
func accessors(v any, found *[]string) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			accessors(e, found)
		}
	case object:
		for key, e := range v {
			switch key {
			case "accessors", "xAccessor", "yAccessor", "splitAccessor", "metricAccessor", "secondaryMetricAccessor", "valueAccessor",
				"accessor", "forAccessor", "columnId", "metrics", "primaryGroups":
				*found = append(*found, texts(e)...)
			}
			accessors(e, found)
		}
	}
}

func texts(v any) []string {
	var out []string
	switch v := v.(type) {
	case string:
		out = append(out, v)
	case []any:
		for _, e := range v {
			out = append(out, texts(e)...)
		}
	}
	return out
}

// TestDatasets: a dashboard and a search show their own datasets only.
func TestDatasets(t *testing.T) {
	want := map[string]any{
		"1password-audit-events-full-dashboard":    "1password.audit_events",
		"1password-item-usages-full-dashboard":     "1password.item_usages",
		"1password-signin-attempts-full-dashboard": "1password.signin_attempts",
		"1password-overview-full-dashboard":        []any{"1password.audit_events", "1password.item_usages", "1password.signin_attempts"},
	}
	for _, o := range savedObjects(t) {
		if o.Type != "dashboard" && o.Type != "search" {
			continue
		}
		filters := at[[]any](t, o.Attributes, "kibanaSavedObjectMeta", "searchSourceJSON", "filter")
		require.Len(t, filters, 1, o.ID)
		meta := as[object](t, as[object](t, filters[0])["meta"])
		assert.Equal(t, "data_stream.dataset", meta["key"], o.ID)
		params := meta["params"]
		if one, ok := params.(object); ok {
			params = one["query"]
		}
		if o.Type == "dashboard" {
			assert.Equal(t, want[o.ID], params)
		}
	}
}

func TestTags(t *testing.T) {
	files, err := objects()
	require.NoError(t, err)
	var tags []struct {
		Text   string
		Types  []string `yaml:"asset_types"`
		Assets []string `yaml:"asset_ids"`
	}
	require.NoError(t, yaml.Unmarshal(files["kibana/tags.yml"], &tags))
	have := savedObjects(t)
	tagged := make(map[string]bool)
	texts := make(map[string]bool)
	for _, tag := range tags {
		assert.False(t, texts[tag.Text], tag.Text)
		texts[tag.Text] = true
		assert.NotEqual(t, len(tag.Types) > 0, len(tag.Assets) > 0, "%s has types or assets, not both", tag.Text)
		for _, id := range tag.Assets {
			_, dashboard := have["dashboard/"+id]
			_, search := have["search/"+id]
			assert.True(t, dashboard || search, id)
			tagged[id] = true
		}
	}
	every := []string{"1password-all-events", "1password-external-users", "1password-service-accounts"}
	for _, o := range have {
		if o.Type == "dashboard" || o.Type == "search" {
			assert.True(t, tagged[o.ID] || slices.Contains(every, o.ID), "%s has no tag of its subject", o.ID)
		}
	}
}

// TestScreenshots: Kibana shows a picture of another shape as a thumbnail that is too small to read.
func TestScreenshots(t *testing.T) {
	dir := filepath.Join(root, packageDir)
	content, err := os.ReadFile(filepath.Join(dir, "manifest.yml"))
	require.NoError(t, err)
	var manifest struct {
		Screenshots []struct{ Src, Title, Size, Type string }
	}
	require.NoError(t, yaml.Unmarshal(content, &manifest))
	require.Len(t, manifest.Screenshots, len(order))
	for i, s := range manifest.Screenshots {
		assert.Equal(t, "/img/1password-"+strings.ReplaceAll(strings.ToLower(names[i]), " ", "-")+"-dashboard.png", s.Src)
		assert.Equal(t, "1600x900", s.Size, s.Src)
		picture, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(s.Src)))
		require.NoError(t, err)
		assert.Less(t, len(picture), 500<<10, "%s is big", s.Src)
		config, err := png.DecodeConfig(bytes.NewReader(picture))
		require.NoError(t, err)
		assert.Equal(t, fmt.Sprintf("%dx%d", config.Width, config.Height), s.Size, s.Src)
	}
}

// datasetsOf are the datasets that the filter of a saved search lets through.
func datasetsOf(t *testing.T, o savedObject) []string {
	filter := as[object](t, at[[]any](t, o.Attributes, "kibanaSavedObjectMeta", "searchSourceJSON", "filter")[0])
	switch params := at[object](t, filter, "meta")["params"].(type) {
	case object:
		return []string{as[string](t, params["query"])}
	default:
		return texts(params)
	}
}
