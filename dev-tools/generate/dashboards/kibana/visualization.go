// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What the kinds of Lens charts look like.

package kibana

import (
	"fmt"
	"maps"
	"slices"

	"onepasswordbeat/dev-tools/generate/dashboards/boards"
)

// visualization returns Lens's type of a chart and its settings.
func visualization(p boards.Panel) (string, object, error) {
	switch p.Kind {
	case boards.Number:
		return "lnsMetric", number(p), nil
	case boards.Bars:
		return "lnsXY", xy(true, "hide", overTime(p, "bar_stacked")), nil
	case boards.Curves:
		look := xy(true, "hide", overTime(p, "line"))
		look["fittingFunction"] = "Linear" // where nothing happened there is no value
		return "lnsXY", look, nil
	case boards.Arrivals:
		return "lnsXY", arrivals(p), nil
	case boards.Ranking:
		l := xyLayer(mainLayer, "bar_horizontal", 0)
		if color := p.Show[0].Color; color != "" {
			l["yConfig"] = list{object{"axisMode": "left", "color": color, "forAccessor": measureID(mainLayer, 0)}}
		}
		return "lnsXY", xy(false, "show", l), nil
	case boards.Donut:
		return "lnsPie", donut(p), nil
	case boards.Heatmap:
		return "lnsHeatmap", heatmap(p), nil
	case boards.Table:
		return "lnsDatatable", table(p), nil
	default:
		return "", nil, fmt.Errorf("the kind %q is not known", p.Kind)
	}
}

func number(p boards.Panel) object {
	out := object{"layerId": mainLayer, "layerType": "data", "metricAccessor": measureID(mainLayer, 0)}
	if color := p.Show[0].Color; color != "" {
		out["palette"] = fromOne(color)
	}
	if len(p.Show) > 1 {
		out["secondaryMetricAccessor"] = measureID(mainLayer, 1)
	}
	return out
}

// fromOne is the palette of a figure that is coloured unless it is 0.
func fromOne(color string) object {
	stops := list{object{"color": color, "stop": 1}}
	return object{
		"name": "custom", "type": "palette",
		"params": object{
			"colorStops": stops, "continuity": "above", "maxSteps": 5, "name": "custom", "progression": "fixed",
			"rangeMax": nil, "rangeMin": 1, "rangeType": "number", "reverse": false, "steps": 1, "stops": stops,
		},
	}
}

// xyLayer shows the first measure; x is the bucket of the horizontal axis.
func xyLayer(id, series string, x int) object {
	return object{
		"accessors": list{measureID(id, 0)}, "layerId": id, "layerType": "data", "position": "top", "seriesType": series,
		"showGridlines": false, "xAccessor": bucketID(id, x),
	}
}

// overTime is one series for each value of the first bucket over the time of the second.
func overTime(p boards.Panel, series string) object {
	l := xyLayer(mainLayer, series, 1)
	l["splitAccessor"], l["colorMapping"] = bucketID(mainLayer, 0), colors(p.Colors)
	return l
}

func xy(legend bool, values string, layers ...object) object {
	var all list
	for _, l := range layers {
		all = append(all, l)
	}
	return object{
		"axisTitlesVisibilitySettings": object{"x": false, "yLeft": false, "yRight": false},
		"fittingFunction":              "None",
		"layers":                       all,
		"legend":                       object{"isVisible": legend, "position": "bottom", "shouldTruncate": true},
		"preferredSeriesType":          layers[0]["seriesType"], "title": "Empty XY chart", "valueLabels": values,
	}
}

func arrivals(p boards.Panel) object {
	var layers []object
	for i := range p.By {
		l := xyLayer(arrivalID(i), "line", 0)
		l["yConfig"] = list{object{"axisMode": "left", "color": boards.LineColors[i%len(boards.LineColors)], "forAccessor": measureID(arrivalID(i), 0)}}
		layers = append(layers, l)
	}
	return xy(true, "hide", layers...)
}

// colors gives values their fixed colours, and all others one; without any, the palette decides.
func colors(fixed map[string]string) object {
	assignments, rest := list{}, object{"type": "loop"}
	if len(fixed) > 0 {
		rest = object{"colorCode": boards.RestColor, "type": "colorCode"} // Kibana 8.12 draws a loop in red
	}
	for _, value := range slices.Sorted(maps.Keys(fixed)) {
		assignments = append(assignments, object{
			"color": object{"colorCode": fixed[value], "type": "colorCode"},
			"rule":  object{"type": "matchExactly", "values": list{value}}, "touched": true,
		})
	}
	return object{
		"assignments": assignments, "colorMode": object{"type": "categorical"}, "paletteId": "eui_amsterdam_color_blind",
		"specialAssignments": list{object{"color": rest, "rule": object{"type": "other"}, "touched": false}},
	}
}

func donut(p boards.Panel) object {
	return object{
		"layers": list{object{
			"categoryDisplay": "default", "colorMapping": colors(p.Colors), "layerId": mainLayer, "layerType": "data",
			"legendDisplay": "show", "metrics": list{measureID(mainLayer, 0)}, "nestedLegend": false, "numberDisplay": "percent",
			"primaryGroups": list{bucketID(mainLayer, 0)},
		}},
		"shape": "donut",
	}
}

func heatmap(p boards.Panel) object {
	titles := p.By[0].Time && p.By[1].Time // two times need their names
	var begin, end list
	steps := boards.HeatColors
	for i, color := range steps {
		begin = append(begin, object{"color": color, "stop": i * 100 / len(steps)})
		end = append(end, object{"color": color, "stop": (i + 1) * 100 / len(steps)})
	}
	return object{
		"gridConfig": object{
			"isCellLabelVisible": true, "isXAxisLabelVisible": true, "isXAxisTitleVisible": titles, "isYAxisLabelVisible": true,
			"isYAxisTitleVisible": titles, "type": "heatmap_grid",
		},
		"layerId": mainLayer, "layerType": "data",
		// The cells have their numbers. A legend would say "61 – 108.8".
		"legend": object{"isVisible": false, "position": "right", "type": "heatmap_legend"},
		"palette": object{
			"accessor": measureID(mainLayer, 0), "name": "custom", "type": "palette",
			"params": object{
				"colorStops": begin, "continuity": "none", "maxSteps": len(steps), "name": "custom", "progression": "fixed",
				"rangeMax": 100, "rangeMin": 0, "rangeType": "percent", "reverse": false, "stops": end,
			},
		},
		"shape": "heatmap", "valueAccessor": measureID(mainLayer, 0), "xAccessor": bucketID(mainLayer, 1), "yAccessor": bucketID(mainLayer, 0),
	}
}

// table shows buckets, then measures, with headers as high as their words need.
func table(p boards.Panel) object {
	var columns list
	widths := p.Widths()
	add := func(column object) {
		if width := widths[len(columns)]; width > 0 {
			column["width"] = width
		}
		columns = append(columns, column)
	}
	for i := range p.By {
		// Lens puts several terms in one column to the right.
		add(object{"alignment": "left", "columnId": bucketID(mainLayer, i), "isTransposed": false})
	}
	for i, m := range p.Show {
		column := object{"columnId": measureID(mainLayer, i), "isMetric": true, "isTransposed": false}
		if !m.IsNumber() {
			column["alignment"] = "left"
		}
		add(column)
	}
	return object{
		"columns": columns, "headerRowHeight": "auto", "layerId": mainLayer, "layerType": "data",
		"paging":    object{"enabled": true, "size": 10},
		"rowHeight": "single",
		"sorting":   object{"columnId": measureID(mainLayer, p.SortedBy()), "direction": "desc"},
	}
}
