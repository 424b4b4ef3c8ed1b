// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Attributes that the files have because a real Kibana (8.12.2, with the package installed by Fleet) showed something wrong
// without them. Each is pinned here with what was wrong.

package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/dev-tools/generate/dashboards/boards"
)

// eachPanel runs a check for the panels of a type.
func eachPanel(t *testing.T, typ string, check func(where string, config object)) {
	n := 0
	for key, o := range dashboardsOf(t) {
		for _, p := range panelsOf(t, o) {
			if p["type"] == typ {
				check(key+" "+as[string](t, p["panelIndex"]), at[object](t, p, "embeddableConfig"))
				n++
			}
		}
	}
	assert.Positive(t, n, "no panel of the type %s", typ)
}

// eachChart runs a check for the Lens charts of a type.
func eachChart(t *testing.T, typ string, check func(where string, config, look object)) {
	eachPanel(t, "lens", func(where string, config object) {
		attributes := at[object](t, config, "attributes")
		if attributes["visualizationType"] == typ {
			check(where, config, at[object](t, attributes, "state", "visualization"))
		}
	})
}

// The title took the room of the fourth link.
func TestLinksHaveNoTitle(t *testing.T) {
	eachPanel(t, "links", func(where string, config object) {
		assert.Equal(t, true, config["hidePanelTitles"], where)
		assert.Equal(t, "vertical", at[string](t, config, "attributes", "layout"), where)
		assert.Len(t, at[[]any](t, config, "attributes", "links"), 4, where)
	})
	for _, d := range boards.All() {
		assert.GreaterOrEqual(t, d.Rows[0].Height, 6, "four links need six rows")
	}
}

// Five controls of medium width wrapped into a second row.
func TestControlsFitIntoOneRow(t *testing.T) {
	for key, o := range dashboardsOf(t) {
		controls := at[object](t, o.Attributes, "controlGroupInput", "panelsJSON")
		assert.LessOrEqual(t, len(controls), 5, key)
		for id, c := range controls {
			assert.Equal(t, "small", as[object](t, c)["width"], "%s %s", key, id)
			assert.Equal(t, true, as[object](t, c)["grow"], "%s %s: without it they leave the row half empty", key, id)
		}
	}
}

// A search panel showed two events of three lines each.
func TestSearchesShowOneLineForEachEvent(t *testing.T) {
	for key, o := range savedObjects(t) {
		if o.Type == "search" {
			assert.InDelta(t, 1, as[float64](t, o.Attributes["rowHeight"]), 0, key)
		}
	}
}

// The columns of a search panel had the names of fields, cut in the middle.
func TestSearchesOfOneDataStreamHaveLabels(t *testing.T) {
	for _, s := range boards.Searches() {
		for _, v := range boards.DataViews() {
			if len(s.Datasets) != 1 || s.Datasets[0] != v.Dataset {
				continue
			}
			for _, column := range s.Columns {
				label := v.Labels[column]
				assert.NotEmpty(t, label, "%s: %s", s.ID, column)
				assert.LessOrEqual(t, len(label), 14, "%s: Kibana cuts %q", s.ID, label)
			}
		}
	}
}

// The map cut off Tokyo, Sydney and Auckland.
func TestMapsShowTheWorld(t *testing.T) {
	eachPanel(t, "map", func(where string, config object) {
		state := at[object](t, config, "attributes", "mapStateJSON")
		for _, center := range []object{state, at[object](t, config, "mapCenter")} {
			assert.InDelta(t, 0.3, as[float64](t, center["zoom"]), 0.1, where)
		}
		assert.InDelta(t, 20, at[float64](t, state, "center", "lat"), 0, where)
		assert.InDelta(t, 0, at[float64](t, state, "center", "lon"), 0, where)
	})
}

// Times were cut to "Nov 26, 2026 @ 23:08:2", labels to "Succeede", "Addresse" and "Sensiti", and a first column of
// several terms stood at the right.
func TestColumnsAreWideEnough(t *testing.T) {
	eachChart(t, "lnsDatatable", func(where string, config, look object) {
		layers := at[object](t, config, "attributes", "state", "datasourceStates", "formBased", "layers")
		columns := at[object](t, as[object](t, layers["data"]), "columns")
		for _, c := range at[[]any](t, look, "columns") {
			shown := as[object](t, c)
			id := as[string](t, shown["columnId"])
			column := as[object](t, columns[id])
			width, _ := shown["width"].(float64)
			switch column["dataType"] {
			case "date":
				assert.GreaterOrEqual(t, width, 225.0, "%s %s", where, id)
			case "number":
				assert.GreaterOrEqual(t, width, 112.0, "%s %s", where, id)
			}
			if as[bool](t, column["isBucketed"]) {
				assert.Equal(t, "left", shown["alignment"], "%s %s", where, id)
			}
		}
	})
}

// Tiles about what went wrong were red although nothing had; and a tile said twice what it is.
func TestTilesAreCalmAtZero(t *testing.T) {
	colored := 0
	eachChart(t, "lnsMetric", func(where string, config, look object) {
		assert.Equal(t, true, config["hidePanelTitles"], where)
		assert.NotContains(t, look, "color", "%s has a colour whatever its value", where)
		if look["palette"] == nil {
			return
		}
		colored++
		params := at[object](t, look, "palette", "params")
		stops := as[[]any](t, params["colorStops"])
		require.NotEmpty(t, stops, where)
		assert.InDelta(t, 1, at[float64](t, as[object](t, stops[0]), "stop"), 0, where)
		assert.InDelta(t, 1, as[float64](t, params["rangeMin"]), 0, where)
		assert.Equal(t, "above", params["continuity"], where)
	})
	assert.Positive(t, colored)
}

// The legend of a heatmap said "61 – 108.8".
func TestHeatmapsHaveNoLegend(t *testing.T) {
	eachChart(t, "lnsHeatmap", func(where string, _, look object) {
		assert.Equal(t, false, at[object](t, look, "legend")["isVisible"], where)
		assert.Equal(t, true, at[object](t, look, "gridConfig")["isCellLabelVisible"], where)
	})
}

// A delay was "250,000".
func TestDelaysAreDurations(t *testing.T) {
	n := 0
	eachPanel(t, "lens", func(where string, config object) {
		for _, l := range at[object](t, config, "attributes", "state", "datasourceStates", "formBased", "layers") {
			for id, c := range at[object](t, as[object](t, l), "columns") {
				column := as[object](t, c)
				if column["sourceField"] == boards.Delay {
					assert.Equal(t, "duration", at[string](t, column, "params", "format", "id"), "%s %s", where, id)
					assert.Equal(t, "seconds", at[string](t, column, "params", "format", "params", "fromUnit"), "%s %s", where, id)
					n++
				}
			}
		}
	})
	assert.Positive(t, n)
}

// The page of the integration tells people to select these data views, and only that of all logs was there.
func TestDataViews(t *testing.T) {
	all := savedObjects(t)
	for _, stream := range []string{"audit_events", "item_usages", "signin_attempts"} {
		found := false
		for _, o := range all {
			if o.Type == "index-pattern" && o.Attributes["title"] == "logs-1password."+stream+"-*" {
				found = true
				assert.Equal(t, o.Attributes["title"], o.Attributes["name"], "people look for the pattern")
				assert.Equal(t, "@timestamp", o.Attributes["timeFieldName"])
			}
		}
		assert.True(t, found, stream)
	}
}
