// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Reads the written panels back: tests/dashboards asks a search engine what the declaration says, so the files have to
// say the same to Kibana.

package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/dev-tools/generate/dashboards/boards"
)

func TestFilesSayWhatIsDeclared(t *testing.T) {
	saved := savedObjects(t)
	for _, d := range boards.All() {
		panels := panelsOf(t, saved["dashboard/"+d.ID])
		for i, p := range d.Panels() {
			written := panels[i]
			assert.Equal(t, p.Question, written["title"])
			switch written["type"] {
			case "lens":
				checkLens(t, d, p, at[object](t, written, "embeddableConfig", "attributes"))
			case "map":
				layer := as[object](t, at[[]any](t, written, "embeddableConfig", "attributes", "layerListJSON")[1])
				assert.Equal(t, d.Query(p), at[string](t, layer, "query", "query"))
				assert.Equal(t, boards.Place, at[string](t, layer, "sourceDescriptor", "geoField"))
			}
		}
	}
	for _, s := range boards.Searches() {
		written := at[object](t, saved["search/"+s.ID].Attributes, "kibanaSavedObjectMeta", "searchSourceJSON")
		assert.Equal(t, s.Where, at[string](t, written, "query", "query"))
	}
}

func checkLens(t *testing.T, d boards.Dashboard, p boards.Panel, attributes object) {
	state := at[object](t, attributes, "state")
	where := d.ID + " " + p.ID
	assert.Equal(t, d.Query(p), at[string](t, state, "query", "query"), where)
	assert.Empty(t, state["filters"], where)
	layers := at[object](t, state, "datasourceStates", "formBased", "layers")
	if p.Kind == boards.Arrivals {
		for i, by := range p.By {
			got, lines := readLayer(t, as[object](t, layers["data"+string(rune('0'+i))]))
			assert.Equal(t, []boards.Measure{{Label: by.Label, Op: boards.Count}}, lines, where)
			by.Label = "Time"
			assert.Equal(t, []boards.Bucket{by}, got, where)
		}
		return
	}
	buckets, measures := readLayer(t, as[object](t, layers["data"]))
	assert.Equal(t, p.By, buckets, where)
	declared := append([]boards.Measure(nil), p.Show...)
	for i := range declared { // what only the visualization says
		declared[i].Color, declared[i].Sort = "", false
	}
	assert.Equal(t, declared, measures, where)
	for _, column := range at[object](t, as[object](t, layers["data"]), "columns") {
		if column := as[object](t, column); column["operationType"] == "terms" {
			assert.Equal(t, p.Accurate(), at[bool](t, column, "params", "accuracyMode"), where)
		}
	}
	if p.Kind == boards.Table {
		for i, c := range at[[]any](t, state, "visualization", "columns") {
			width, _ := as[object](t, c)["width"].(float64)
			assert.InDelta(t, p.Widths()[i], width, 0, where)
		}
		sorted := at[string](t, state, "visualization", "sorting", "columnId")
		assert.Equal(t, p.Show[p.SortedBy()].Label, at[string](t, as[object](t, layers["data"]), "columns", sorted, "label"), where)
	}
}

// readLayer reads columns as what they were declared as.
func readLayer(t *testing.T, layer object) (buckets []boards.Bucket, measures []boards.Measure) {
	for _, id := range as[[]any](t, layer["columnOrder"]) {
		column := as[object](t, as[object](t, layer["columns"])[as[string](t, id)])
		if as[bool](t, column["isBucketed"]) {
			buckets = append(buckets, readBucket(t, column))
		} else {
			measures = append(measures, readMeasure(t, column))
		}
	}
	return buckets, measures
}

func readBucket(t *testing.T, column object) boards.Bucket {
	params := as[object](t, column["params"])
	b := boards.Bucket{Label: as[string](t, column["label"])}
	if column["operationType"] != "filters" {
		b.Field = as[string](t, column["sourceField"])
	}
	switch column["operationType"] {
	case "date_histogram":
		b.Time = true
		if every := as[string](t, params["interval"]); every != "auto" {
			b.Every = every
		}
	case "filters":
		for _, f := range as[[]any](t, params["filters"]) {
			b.Cases = append(b.Cases, boards.Case{Label: as[string](t, as[object](t, f)["label"]), Where: at[string](t, as[object](t, f), "input", "query")})
		}
	case "terms":
		b.Size, b.Other, b.Missing = int(as[float64](t, params["size"])), as[bool](t, params["otherBucket"]), as[bool](t, params["missingBucket"])
		assert.Equal(t, "desc", params["orderDirection"])
		if more, ok := params["secondaryFields"].([]any); ok {
			for _, f := range more {
				b.And = append(b.And, as[string](t, f))
			}
		}
		assert.Equal(t, len(b.And) > 0, at[string](t, params, "parentFormat", "id") == "multi_terms")
	default:
		require.Fail(t, "unknown bucket", column["operationType"])
	}
	return b
}

func readMeasure(t *testing.T, column object) boards.Measure {
	m := boards.Measure{Label: as[string](t, column["label"]), Op: boards.Op(as[string](t, column["operationType"])), Field: as[string](t, column["sourceField"])}
	if m.Op == boards.Count {
		assert.Equal(t, "___records___", m.Field)
		m.Field = ""
	}
	if filter, ok := column["filter"].(object); ok {
		m.Where = as[string](t, filter["query"])
	}
	if m.Op == boards.Recent { // it asks for a value, too
		exists := m.Field + ": *"
		if m.Where == exists {
			m.Where = ""
		} else {
			assert.Equal(t, exists+" and (", m.Where[:len(exists)+6])
			m.Where = m.Where[len(exists)+6 : len(m.Where)-1]
		}
	}
	m.Before = column["timeShift"] == "previous"
	m.Span = column["params"] != nil && strings.Contains(fmt.Sprint(column["params"]), "id:duration")
	m.Last, _ = column["reducedTimeRange"].(string)
	if m.Op == boards.P95 {
		assert.InDelta(t, 95, at[float64](t, column, "params", "percentile"), 0)
	}
	return m
}
