// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What Kibana asks for a panel: a search with the dashboard's filter, the panel's query and the time range, and
// aggregations of buckets within buckets with the measures in the innermost.

package dashboards

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"onepasswordbeat/dev-tools/generate/dashboards/boards"
	"onepasswordbeat/dev-tools/generate/dashboards/kql"
)

type (
	object = map[string]any
	list   = []any
)

// missing stands for events without the field in the answers of the engine, as Kibana asks for them.
const missing = "__missing__"

// question is one search for one panel.
type question struct {
	t     testing.TB
	board boards.Dashboard
	panel boards.Panel
}

func (q question) kql(text string) object {
	q.t.Helper()
	parsed, err := kql.Parse(text)
	require.NoError(q.t, err)
	return parsed.DSL()
}

// within is a condition for a time range.
func within(field string, from, to time.Time) object {
	return object{"range": object{field: object{"gte": from.Format(time.RFC3339), "lt": to.Format(time.RFC3339)}}}
}

// filters are what every event that a panel counts has to meet; more is a control that the reader has set, or nil.
func (q question) filters(more object) list {
	var datasets list
	for _, d := range q.board.Datasets {
		datasets = append(datasets, object{"match_phrase": object{"data_stream.dataset": d}})
	}
	out := list{object{"bool": object{"should": datasets, "minimum_should_match": 1}}, q.kql(q.board.Query(q.panel))}
	if more != nil {
		out = append(out, more)
	}
	return append(out, q.times()...)
}

// times are the conditions of the time range: for the times that the panel divides by, else for that of the event.
func (q question) times() list {
	start := since
	if q.compares() {
		start = before
	}
	var out list
	for _, by := range q.panel.By {
		if by.Time {
			out = append(out, within(by.Field, start, until))
		}
	}
	if len(out) == 0 {
		out = list{within("@timestamp", start, until)}
	}
	return out
}

// compares says whether the panel shows the period before, too.
func (q question) compares() bool {
	for _, m := range q.panel.Show {
		if m.Before {
			return true
		}
	}
	return false
}

// body is the search for a chart.
func (q question) body(more object) object {
	return object{
		"size": 0, "track_total_hits": true,
		"query": object{"bool": object{"filter": q.filters(more)}},
		"aggs":  q.level(0),
	}
}

// level is the aggregation of a bucket with those inside it, or the measures.
func (q question) level(i int) object {
	if i == len(q.panel.By) {
		return q.measures()
	}
	by := q.panel.By[i]
	inner := q.level(i + 1)
	var agg object
	switch {
	case by.Time:
		agg = object{"date_histogram": object{"field": by.Field, "fixed_interval": interval(by), "min_doc_count": 1}}
	case len(by.Cases) > 0:
		cases := object{}
		for n, c := range by.Cases {
			cases[fmt.Sprintf("%02d", n)] = q.kql(c.Where)
		}
		agg = object{"filters": object{"filters": cases}}
	default:
		sorted := q.panel.SortedBy()
		agg = terms(by, q.orderBy(sorted), q.panel.Accurate())
		if i+1 < len(q.panel.By) {
			inner = with(inner, fmt.Sprintf("m%d", sorted), q.measure(sorted))
		}
	}
	if len(inner) > 0 {
		agg["aggs"] = inner
	}
	return object{fmt.Sprintf("b%d", i): agg}
}

// with adds an aggregation; one that is nil is a plain count, which needs none.
func with(aggs object, name string, agg object) object {
	out := object{}
	for k, v := range aggs {
		out[k] = v
	}
	if agg != nil {
		out[name] = agg
	}
	return out
}

// interval is what Kibana's "auto" comes to for a week.
func interval(by boards.Bucket) string {
	if by.Every != "" {
		return by.Every
	}
	return "3h"
}

// terms are values of a field. Of each index an engine takes half as many more as it shows; Lens asks for more of them
// in what it calls accuracy mode.
func terms(by boards.Bucket, order object, accurate bool) object {
	more := object{"size": by.Size, "order": order}
	if accurate {
		more["shard_size"] = max(1000, by.Size*3/2+10)
	}
	if len(by.And) > 0 {
		fields := list{object{"field": by.Field}}
		for _, f := range by.And {
			fields = append(fields, object{"field": f})
		}
		more["terms"] = fields
		return object{"multi_terms": more}
	}
	more["field"] = by.Field
	if by.Missing {
		more["missing"] = missing
	}
	return object{"terms": more}
}

func (q question) orderBy(sorted int) object {
	path := fmt.Sprintf("m%d", sorted)
	switch agg := q.measure(sorted); {
	case agg == nil:
		path = "_count"
	case agg["filter"] != nil && q.panel.Show[sorted].Op != boards.Count:
		path += ">v"
	}
	return object{path: "desc"}
}

func (q question) measures() object {
	out := object{}
	for i := range q.panel.Show {
		if agg := q.measure(i); agg != nil {
			out[fmt.Sprintf("m%d", i)] = agg
		}
	}
	return out
}

// measure is the aggregation of a measure, nil for a plain count.
func (q question) measure(i int) object {
	m := q.panel.Show[i]
	inner := inside(m)
	var conditions list
	if m.Where != "" {
		conditions = append(conditions, q.kql(m.Where))
	}
	if m.Op == boards.Recent {
		conditions = append(conditions, object{"exists": object{"field": m.Field}})
	}
	if q.compares() {
		from, to := since, until
		if m.Before {
			from, to = before, since
		}
		conditions = append(conditions, within("@timestamp", from, to))
	}
	if m.Last != "" {
		require.Equal(q.t, "1d", m.Last)
		conditions = append(conditions, within("@timestamp", until.Add(-24*time.Hour), until))
	}
	if len(conditions) == 0 {
		return inner
	}
	out := object{"filter": object{"bool": object{"filter": conditions}}}
	if inner != nil {
		out["aggs"] = object{"v": inner}
	}
	return out
}

func inside(m boards.Measure) object {
	switch m.Op {
	case boards.Unique:
		return object{"cardinality": object{"field": m.Field}}
	case boards.First, boards.Latest:
		return object{string(m.Op): object{"field": m.Field}}
	case boards.Recent:
		return object{"top_hits": object{"size": 1, "_source": list{m.Field}, "sort": list{object{"@timestamp": "desc"}}}}
	case boards.Median:
		return object{"percentiles": object{"field": m.Field, "percents": list{50}}}
	case boards.P95:
		return object{"percentiles": object{"field": m.Field, "percents": list{95}}}
	default:
		return nil
	}
}

// rest is the search for what the top values of the first bucket leave: "Other".
func (q question) rest(more object, keys list) object {
	by := q.panel.By[0]
	others := object{"bool": object{"must_not": list{object{"terms": object{by.Field: keys}}}, "filter": list{object{"exists": object{"field": by.Field}}}}}
	return object{
		"size": 0, "track_total_hits": true,
		"query": object{"bool": object{"filter": append(q.filters(more), others)}},
		"aggs":  q.level(1),
	}
}

// mapBody is the search for the circles of a map.
func (q question) mapBody(more object) object {
	return object{
		"size": 0, "track_total_hits": true,
		"query": object{"bool": object{"filter": q.filters(more)}},
		"aggs": object{"places": object{
			"geotile_grid": object{"field": boards.Place, "precision": 8, "size": 1000},
			"aggs":         object{"at": object{"geo_centroid": object{"field": boards.Place}}},
		}},
	}
}

// searchBody is the search of a saved search on a dashboard.
func searchBody(t testing.TB, d boards.Dashboard, s boards.Search, more object) object {
	q := question{t, boards.Dashboard{Datasets: d.Datasets}, boards.Panel{Datasets: s.Datasets, Where: s.Where}}
	return object{
		"size": 50, "track_total_hits": true, "sort": list{object{"@timestamp": "desc"}},
		"query": object{"bool": object{"filter": q.filters(more)}},
	}
}

// value is what a document has at a dotted name.
func value(document any, name string) any {
	for _, key := range strings.Split(name, ".") {
		m, ok := document.(object)
		if !ok {
			return nil
		}
		document = m[key]
	}
	return document
}
