// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Lens charts by value: columns and what surrounds them. What a chart looks like is in visualization.go.

package kibana

import (
	"fmt"

	"onepasswordbeat/dev-tools/generate/dashboards/boards"
)

// layer is a set of columns: buckets first, outermost first, then measures.
type layer struct {
	id      string
	columns object
	order   []string
}

// mainLayer is the only layer of most charts.
const mainLayer = "data"

// Columns have ids of their own also across the layers of a chart: Lens finds them by the id alone.
func bucketID(layer string, i int) string  { return fmt.Sprintf("%s-b%d", layer, i) }
func measureID(layer string, i int) string { return fmt.Sprintf("%s-m%d", layer, i) }

// lens is the state of a chart. Every reference is named twice: here, and with the panel's id in the dashboard.
func (b *builder) lens(p boards.Panel) (object, error) {
	layers, err := layersOf(p)
	if err != nil {
		return nil, err
	}
	typ, look, err := visualization(p)
	if err != nil {
		return nil, err
	}
	var references []reference
	data := object{}
	for _, l := range layers {
		data[l.id] = object{
			"columnOrder": l.order, "columns": l.columns, "ignoreGlobalFilters": false, "incompleteColumns": object{}, "sampling": 1,
		}
		name := "indexpattern-datasource-layer-" + l.id
		references = append(references, toData(name))
		b.refer(toData(p.ID + ":" + name))
	}
	return object{
		"references": references,
		"state": object{
			"adHocDataViews": object{},
			"datasourceStates": object{
				"formBased": object{"layers": data}, "indexpattern": object{"layers": object{}}, "textBased": object{"layers": object{}},
			},
			"filters": list{}, "internalReferences": list{}, "query": kuery(b.Query(p)), "visualization": look,
		},
		"title": "", "type": "lens", "visualizationType": typ,
	}, nil
}

func layersOf(p boards.Panel) ([]layer, error) {
	if p.Kind != boards.Arrivals {
		l, err := newLayer(mainLayer, p)
		return []layer{l}, err
	}
	var layers []layer
	for i, by := range p.By {
		one := p
		line := by.Label
		by.Label = "Time"
		one.By, one.Show = []boards.Bucket{by}, []boards.Measure{{Label: line, Op: boards.Count}}
		l, err := newLayer(arrivalID(i), one)
		if err != nil {
			return nil, err
		}
		layers = append(layers, l)
	}
	return layers, nil
}

func arrivalID(i int) string { return fmt.Sprintf("data%d", i) }

func newLayer(id string, p boards.Panel) (layer, error) {
	l := layer{id: id, columns: object{}}
	for i, by := range p.By {
		l.add(bucketID(id, i), bucketColumn(by, measureID(id, p.SortedBy()), p.Accurate()))
	}
	for i, m := range p.Show {
		column, err := measureColumn(m)
		if err != nil {
			return l, err
		}
		l.add(measureID(id, i), column)
	}
	return l, nil
}

func (l *layer) add(id string, column object) {
	l.columns[id], l.order = column, append(l.order, id)
}

// bucketColumn divides events. Values of a field are in the order of the column sortedBy.
func bucketColumn(by boards.Bucket, sortedBy string, accurate bool) object {
	switch {
	case by.Time:
		every := by.Every
		if every == "" {
			every = "auto"
		}
		return object{
			"customLabel": true, "dataType": "date", "isBucketed": true, "label": by.Label, "operationType": "date_histogram",
			"params": object{"dropPartials": false, "includeEmptyRows": by.Every == "", "interval": every},
			"scale":  "interval", "sourceField": by.Field,
		}
	case len(by.Cases) > 0:
		var filters list
		for _, c := range by.Cases {
			filters = append(filters, object{"input": kuery(c.Where), "label": c.Label})
		}
		return object{
			"customLabel": true, "dataType": "string", "isBucketed": true, "label": by.Label, "operationType": "filters",
			"params": object{"filters": filters}, "scale": "ordinal",
		}
	default:
		return termsColumn(by, sortedBy, accurate)
	}
}

func termsColumn(by boards.Bucket, sortedBy string, accurate bool) object {
	format := "terms"
	params := object{
		"accuracyMode": accurate, "exclude": list{}, "excludeIsRegex": false, "include": list{}, "includeIsRegex": false, "missingBucket": by.Missing,
		"orderBy": object{"columnId": sortedBy, "type": "column"}, "orderDirection": "desc",
		"otherBucket": by.Other, "size": by.Size,
	}
	if len(by.And) > 0 {
		format, params["secondaryFields"] = "multi_terms", by.And
	}
	params["parentFormat"] = object{"id": format}
	return object{
		"customLabel": true, "dataType": dataType(by.Field), "isBucketed": true, "label": by.Label, "operationType": "terms",
		"params": params, "scale": "ordinal", "sourceField": by.Field,
	}
}

// records is what Lens counts if it counts events.
const records = "___records___"

func measureColumn(m boards.Measure) (object, error) {
	column := object{
		"customLabel": true, "isBucketed": false, "label": m.Label, "operationType": string(m.Op), "dataType": "number",
		"scale": "ratio", "sourceField": m.Field,
	}
	condition := m.Where
	switch m.Op {
	case boards.Count:
		column["sourceField"], column["params"] = records, object{"emptyAsNull": false}
	case boards.Unique:
		column["params"] = object{"emptyAsNull": false}
	case boards.First, boards.Latest:
		column["dataType"], column["params"] = "date", object{"emptyAsNull": true}
	case boards.Recent:
		column["dataType"], column["scale"] = dataType(m.Field), "ordinal"
		column["params"] = object{"showArrayValues": false, "sortField": "@timestamp"}
		if condition = m.Field + ": *"; m.Where != "" {
			condition += " and (" + m.Where + ")"
		}
	case boards.Median:
		column["params"] = object{"emptyAsNull": true, "format": format(m)}
	case boards.P95:
		column["params"] = object{"format": format(m), "percentile": 95}
	default:
		return nil, fmt.Errorf("the operation %q is not known", m.Op)
	}
	if condition != "" {
		column["filter"] = kuery(condition)
	}
	if m.Before {
		column["timeShift"] = "previous"
	}
	if m.Last != "" {
		column["reducedTimeRange"] = m.Last
	}
	return column, nil
}

// format is how a number is written. A delay of 250,000 seconds is three days.
func format(m boards.Measure) object {
	if m.Span {
		return object{"id": "duration", "params": object{"compact": true, "decimals": 0, "fromUnit": "seconds", "toUnit": "humanizePrecise"}}
	}
	return object{"id": "number", "params": object{"decimals": 0}}
}
