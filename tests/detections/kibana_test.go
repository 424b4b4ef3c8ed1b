// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A run of a rule: the searches that Kibana makes of it, by the source of 8.12 and the description of the rule types in
// Elastic's documentation. Where Elasticsearch takes a runtime field for the time of arrival, OpenSearch takes a script.

package detections

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"onepasswordbeat/detections"
	"onepasswordbeat/dev-tools/generate/dashboards/kql"
	"onepasswordbeat/tests/ostest"
)

type (
	object = map[string]any
	list   = []any
)

// alert is what a run reports: the values that an analyst sees, by field.
type alert object

// runner runs rules on the documents of one index pattern.
type runner struct {
	node  *ostest.Node
	eql   *eqlEngine
	index string
	docs  []document // the same documents, for EQL
	more  list       // further conditions of every search
}

// run is the rule's run at a moment.
func (r runner) run(t *testing.T, rule detections.Rule, now time.Time) []alert {
	t.Helper()
	switch rule.Kind {
	case detections.EQL:
		return r.sequences(t, rule, now)
	case detections.Threshold:
		return r.threshold(t, rule, now, nil)
	case detections.NewTerms:
		return r.newTerms(t, rule, now)
	default:
		found := r.search(t, object{"size": 100, "query": r.query(t, rule, now, span(t, rule.LookBack))})
		var alerts []alert
		for _, hit := range at[list](found, "hits.hits") {
			alerts = append(alerts, alert(flat(at[object](hit, "_source"))))
		}
		return alerts
	}
}

func span(t testing.TB, text string) time.Duration {
	t.Helper()
	d, err := detections.Span(text)
	require.NoError(t, err)
	return d
}

// query is the rule's query for the documents that arrived in the time before now.
func (r runner) query(t *testing.T, rule detections.Rule, now time.Time, back time.Duration) object {
	t.Helper()
	q, err := kql.Parse(rule.Query)
	require.NoError(t, err, rule.Slug)
	filter := append(list{q.DSL(), arrived(now.Add(-back), now), created(now)}, r.more...)
	return object{"bool": object{"filter": filter}}
}

// arrived is a time range of event.ingested, or of @timestamp where that is missing: the fallback is on.
func arrived(from, to time.Time) object {
	within := func(field string) object {
		return object{"range": object{field: object{"gte": stamp(from), "lte": stamp(to), "format": "strict_date_optional_time"}}}
	}
	return object{"bool": object{"minimum_should_match": 1, "should": list{
		within("event.ingested"),
		object{"bool": object{"filter": list{within("@timestamp"), object{"bool": object{"must_not": object{"exists": object{"field": "event.ingested"}}}}}}},
	}}}
}

// created leaves out what was not there yet.
func created(now time.Time) object {
	return object{"range": object{"event.created": object{"lte": stamp(now)}}}
}

func stamp(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000Z") }

// combined is the time of arrival as a script.
var combined = object{"script": object{"source": "doc[doc['event.ingested'].size() > 0 ? 'event.ingested' : '@timestamp'].value.toInstant().toEpochMilli()"}}

func composite(fields []string, aggs object) object {
	var sources list
	for _, f := range fields {
		sources = append(sources, object{f: object{"terms": object{"field": f}}})
	}
	return object{"found": object{"composite": object{"size": 10000, "sources": sources}, "aggs": aggs}}
}

// threshold counts; not are conditions for what earlier alerts were about.
func (r runner) threshold(t *testing.T, rule detections.Rule, now time.Time, not list) []alert {
	t.Helper()
	l := rule.Threshold
	aggs := object{
		"last":  object{"max": combined},
		"count": object{"bucket_selector": object{"buckets_path": object{"docs": "_count"}, "script": fmt.Sprintf("params.docs >= %d", l.AtLeast)}},
	}
	if l.Distinct != nil {
		aggs["distinct"] = object{"cardinality": object{"field": l.Distinct.Field}}
		aggs["check"] = object{"bucket_selector": object{"buckets_path": object{"values": "distinct"}, "script": fmt.Sprintf("params.values >= %d", l.Distinct.AtLeast)}}
	}
	query := r.query(t, rule, now, span(t, rule.LookBack))
	if len(not) > 0 {
		at[object](query, "bool")["must_not"] = not
	}
	return alerts(r.search(t, object{"size": 0, "query": query, "aggs": composite(l.By, aggs)}))
}

// alerts are the buckets of an answer, with the time of the last document.
func alerts(found object) (out []alert) {
	for _, b := range at[list](found, "aggregations.found.buckets") {
		a := alert(maps.Clone(at[object](b, "key")))
		a["last"] = at[json.Number](b, "last.value")
		out = append(out, a)
	}
	return out
}

// newTerms takes the combinations of the look-back, and asks for each whether the history has it.
func (r runner) newTerms(t *testing.T, rule detections.Rule, now time.Time) []alert {
	t.Helper()
	back := span(t, rule.LookBack)
	recent := alerts(r.search(t, object{"size": 0, "query": r.query(t, rule, now, back), "aggs": composite(rule.New, object{"last": object{"max": combined}})}))
	var out []alert
	for batch := range slices.Chunk(recent, 500) {
		var any list
		for _, a := range batch {
			var all list
			for _, f := range rule.New {
				all = append(all, object{"match": object{f: a[f]}})
			}
			any = append(any, object{"bool": object{"must": all}})
		}
		query := r.query(t, rule, now, span(t, rule.History))
		bool := at[object](query, "bool")
		bool["filter"] = append(at[list](bool, "filter"), object{"bool": object{"should": any, "minimum_should_match": 1}})
		out = append(out, alerts(r.search(t, object{"size": 0, "query": query, "aggs": composite(rule.New, object{
			"last":  object{"max": combined},
			"first": object{"min": combined},
			"new": object{"bucket_selector": object{"buckets_path": object{"first": "first"}, "script": object{
				"source": "params.first > params.start", "params": object{"start": now.Add(-back).UnixMilli()}}}},
		})}))...)
	}
	return out
}

// sequences runs EQL on the documents of the look-back.
func (r runner) sequences(t *testing.T, rule detections.Rule, now time.Time) []alert {
	t.Helper()
	from := now.Add(-span(t, rule.LookBack))
	fields := rule.Fields()
	var events []eqlEvent
	byID := make(map[string]document)
	for _, d := range r.docs {
		if at := d.arrival(); at.Before(from) || at.After(now) || d.created.After(now) {
			continue
		}
		byID[d.ID] = d
		all, some := flat(d.Source), object{}
		for _, name := range fields {
			some[name] = all[name]
		}
		events = append(events, eqlEvent{d.ID, float64(d.time.UnixMilli()) / 1000, some})
	}
	slices.SortStableFunc(events, func(a, b eqlEvent) int { return byID[a.ID].time.Compare(byID[b.ID].time) })
	var out []alert
	for _, match := range r.eql.run(t, rule.Query, events) {
		a := alert{} // with the values of all events: of the last one where they differ
		for _, id := range match {
			maps.Copy(a, flat(byID[id].Source))
		}
		out = append(out, a)
	}
	return out
}

func (r runner) search(t *testing.T, body object) object {
	t.Helper()
	var found object
	r.node.Must(t, http.MethodPost, "/"+r.index+"/_search", body, &found)
	return found
}

// at is a value at a dotted path, zero where it is missing or of another type.
func at[T any](in any, path string) (value T) {
	for key := range strings.SplitSeq(path, ".") {
		o, _ := in.(object)
		in = o[key]
	}
	value, _ = in.(T)
	return value
}

// flat are a document's values by dotted names.
func flat(source object) object {
	out := object{}
	var walk func(prefix string, v any)
	walk = func(prefix string, v any) {
		o, ok := v.(object)
		if !ok {
			out[prefix] = v
			return
		}
		for key, inner := range o {
			walk(strings.TrimPrefix(prefix+"."+key, "."), inner)
		}
	}
	walk("", source)
	return out
}
