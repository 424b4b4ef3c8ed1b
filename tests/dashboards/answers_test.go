// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Answers of the engine as tables: what Kibana draws charts of.

package dashboards

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"onepasswordbeat/dev-tools/generate/dashboards/boards"
	"onepasswordbeat/tests/ostest"
)

// answer is a table: the buckets, then the measures.
type answer struct {
	Columns []string
	Rows    [][]any
	Total   int // events that the search met, in both periods if it compares
}

// asker asks the node.
type asker struct {
	t    testing.TB
	node *ostest.Node
	more object // what a control adds, or nil
}

// ask answers a panel; nil for one that asks nothing.
func (a asker) ask(d boards.Dashboard, p boards.Panel) *answer {
	q := question{a.t, d, p}
	switch p.Kind {
	case boards.Text, boards.Links:
		return nil
	case boards.Events:
		return a.events(d, p)
	case boards.Map:
		return a.places(q)
	case boards.Arrivals:
		return a.arrivals(d, p)
	default:
		return a.chart(q)
	}
}

func (a asker) chart(q question) *answer {
	p := q.panel
	out := &answer{}
	for _, by := range p.By {
		out.Columns = append(out.Columns, by.Label)
	}
	for _, m := range p.Show {
		out.Columns = append(out.Columns, m.Label)
	}
	found := a.search(q.body(a.more))
	out.Total = total(found)
	r := reader{q: q, out: out}
	r.read(0, aggregations(found), nil)
	if len(p.By) > 0 && p.By[0].Other {
		a.rest(q, r)
	}
	return out
}

func (a asker) search(body object) object {
	a.t.Helper()
	var found object
	a.node.Must(a.t, http.MethodPost, "/logs-*/_search", body, &found)
	return found
}

func aggregations(found object) object {
	aggs, _ := found["aggregations"].(object)
	if aggs == nil {
		aggs = object{}
	}
	aggs["doc_count"] = value(found, "hits.total.value")
	return aggs
}

func total(found object) int { return number(value(found, "hits.total.value")) }

// number is a count, or a time in milliseconds: both are whole.
func number(v any) int {
	return int(degrees(v))
}

func degrees(v any) float64 {
	n, ok := v.(json.Number)
	if !ok {
		return 0
	}
	f, err := n.Float64()
	if err != nil {
		return 0
	}
	return f
}

// reader reads nested buckets into rows.
type reader struct {
	q   question
	out *answer
}

func (r reader) read(level int, in object, keys []any) {
	if level == len(r.q.panel.By) {
		r.row(in, keys)
		return
	}
	agg := as[object](r.q.t, in[fmt.Sprintf("b%d", level)])
	by := r.q.panel.By[level]
	if level > 0 && by.Other {
		require.Zero(r.q.t, number(agg["sum_other_doc_count"]), "a rest within buckets is not asked for")
	}
	if named, ok := agg["buckets"].(object); ok { // of conditions
		for n, c := range by.Cases {
			r.read(level+1, as[object](r.q.t, named[fmt.Sprintf("%02d", n)]), append(slices.Clone(keys), c.Label))
		}
		return
	}
	for _, b := range as[list](r.q.t, agg["buckets"]) {
		r.read(level+1, as[object](r.q.t, b), append(slices.Clone(keys), key(as[object](r.q.t, b))))
	}
}

// key is a bucket's value as Kibana shows it; a time is in milliseconds.
func key(b object) any {
	switch k := b["key"].(type) {
	case list:
		var parts []string
		for _, part := range k {
			parts = append(parts, fmt.Sprint(part))
		}
		return strings.Join(parts, " › ")
	case json.Number:
		return number(k)
	case string:
		if k == missing {
			return "(missing value)"
		}
		// OpenSearch 2.19 takes the name of the index for the value of a constant_keyword, as event.dataset is.
		if backing := backingIndex.FindStringSubmatch(k); backing != nil {
			return backing[1]
		}
	}
	return b["key"]
}

var backingIndex = regexp.MustCompile(`^\.ds-logs-(1password\.[a-z_]+)-default-\d+$`)

func (r reader) row(in object, keys []any) {
	row := slices.Clone(keys)
	for i := range r.q.panel.Show {
		row = append(row, r.measure(i, in))
	}
	r.out.Rows = append(r.out.Rows, row)
}

func (r reader) measure(i int, in object) any {
	m := r.q.panel.Show[i]
	agg, _ := in[fmt.Sprintf("m%d", i)].(object)
	if agg == nil {
		return number(in["doc_count"])
	}
	if m.Op == boards.Count {
		return number(agg["doc_count"])
	}
	if inner, ok := agg["v"].(object); ok {
		agg = inner
	}
	if m.Op == boards.Recent {
		hits, _ := value(agg, "hits.hits").(list)
		if len(hits) == 0 {
			return nil
		}
		return value(as[object](r.q.t, hits[0])["_source"], m.Field)
	}
	if percentiles, ok := agg["values"].(object); ok {
		return percentile(percentiles)
	}
	if agg["value"] == nil {
		return nil
	}
	return number(agg["value"])
}

// percentile is the only one that was asked for, as a whole number; nil if there is none.
func percentile(of object) any {
	for _, v := range of {
		if n, ok := v.(json.Number); ok {
			return int(math.Round(degrees(n)))
		}
	}
	return nil
}

// rest adds what the top values leave.
func (a asker) rest(q question, r reader) {
	var keys list
	for _, row := range r.out.Rows {
		if !slices.Contains(keys, row[0]) && row[0] != "(missing value)" {
			keys = append(keys, row[0])
		}
	}
	found := a.search(q.rest(a.more, keys))
	if total(found) > 0 {
		r.read(1, aggregations(found), []any{"Other"})
	}
}

// arrivals counts by each of the times, one after the other.
func (a asker) arrivals(d boards.Dashboard, p boards.Panel) *answer {
	out := &answer{Columns: []string{"Line", "Time", "Events"}}
	for _, by := range p.By {
		one := p
		one.Kind, one.By = boards.Bars, []boards.Bucket{by}
		line := a.ask(d, one)
		out.Total = max(out.Total, line.Total)
		for _, row := range line.Rows {
			out.Rows = append(out.Rows, append([]any{by.Label}, row...))
		}
	}
	return out
}

func (a asker) places(q question) *answer {
	found := a.search(q.mapBody(a.more))
	out := &answer{Columns: []string{"Latitude", "Longitude", "Events"}, Total: total(found)}
	buckets, _ := value(found, "aggregations.places.buckets").(list)
	for _, b := range buckets {
		at := value(b, "at.location")
		out.Rows = append(out.Rows, []any{degrees(value(at, "lat")), degrees(value(at, "lon")), number(value(b, "doc_count"))})
	}
	return out
}

func (a asker) events(d boards.Dashboard, p boards.Panel) *answer {
	searches := boards.Searches()
	s := searches[slices.IndexFunc(searches, func(s boards.Search) bool { return s.ID == p.Search })]
	found := a.search(searchBody(a.t, d, s, a.more))
	out := &answer{Columns: append([]string{"@timestamp"}, s.Columns...), Total: total(found)}
	for _, hit := range as[list](a.t, value(found, "hits.hits")) {
		var row []any
		for _, column := range out.Columns {
			row = append(row, value(as[object](a.t, hit)["_source"], column))
		}
		out.Rows = append(out.Rows, row)
	}
	return out
}

// as is a value of a type that it has to have.
func as[T any](t testing.TB, value any) T {
	t.Helper()
	out, ok := value.(T)
	require.True(t, ok, "%v is a %T", value, value)
	return out
}

// find is the row whose first column has the value.
func (a *answer) find(t testing.TB, key any) map[string]any {
	t.Helper()
	for _, row := range a.Rows {
		if row[0] == key {
			out := make(map[string]any)
			for i, c := range a.Columns {
				out[c] = row[i]
			}
			return out
		}
	}
	t.Fatalf("no row %v in %v", key, a.Rows)
	return nil
}

func millis(at time.Time) int { return int(at.UnixMilli()) }
