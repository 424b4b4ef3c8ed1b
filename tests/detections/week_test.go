// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// How often the rules report what is normal.

package detections

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/detections"
	"onepasswordbeat/detections/detectionstest"
)

// week is where the documents of the normal week are.
const week = "week"

// handful is how many alerts of a rule an analyst accepts in a normal week.
const handful = 10

// testNormalWeek counts the alerts of each rule as if it had run all week, and compares with the numbers in the documentation.
func (s suite) testNormalWeek(t *testing.T, rules []detections.Rule, world *detectionstest.World) {
	normal := detectionstest.NewWeek(world, time.Date(2026, 9, 28, 0, 0, 0, 0, time.UTC))
	require.Len(t, normal.Events, detectionstest.WeekEvents)
	t.Log(normal.Count())
	docs := mapped(t, s.node, byBeat, slices.Concat(normal.Before, normal.Events), week)
	store(t, s.node, week, docs)
	want, err := detections.NormalWeek()
	require.NoError(t, err)
	r := runner{s.node, s.eql, "logs-1password.*-" + week, docs, nil}
	for _, rule := range rules {
		t.Run(rule.Slug, func(t *testing.T) {
			alerts := r.all(t, rule, normal)
			for _, a := range alerts {
				t.Log(a)
			}
			assert.LessOrEqual(t, len(alerts), handful)
			assert.Len(t, alerts, want[rule.Slug], "correct detections/normal_week.yml, and run go tool mage update")
		})
	}
}

// all are the different alerts of all runs of the week, and of the day after it, when the last late events arrive.
func (r runner) all(t *testing.T, rule detections.Rule, w detectionstest.Week) (out []string) {
	t.Helper()
	end := w.End.Add(24 * time.Hour)
	switch rule.Kind {
	case detections.NewTerms:
		for now := w.Begin.Add(6 * time.Hour); !now.After(end); now = now.Add(6 * time.Hour) {
			for _, a := range r.run(t, rule, now) {
				out = append(out, name(a, rule.New))
			}
		}
	case detections.Threshold:
		return r.thresholds(t, rule, w.Begin, end)
	default: // a run over all of it finds each event, or sequence, once
		rule.LookBack = end.Sub(w.Begin).String()
		for i, a := range r.run(t, rule, end) {
			out = append(out, fmt.Sprint(i, " ", a["message"]))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// thresholds runs again and again. As in Kibana, what an alert was about does not count any more.
func (r runner) thresholds(t *testing.T, rule detections.Rule, begin, end time.Time) (out []string) {
	t.Helper()
	step := min(span(t, rule.LookBack)/4, time.Hour)
	var seen list
	for now := begin.Add(step); !now.After(end); now = now.Add(step) {
		for _, a := range r.threshold(t, rule, now, seen) {
			out = append(out, fmt.Sprint(now, " ", name(a, rule.Threshold.By)))
			number, _ := a["last"].(json.Number)
			last, err := number.Float64()
			require.NoError(t, err)
			before := list{arrived(time.Time{}.AddDate(1999, 0, 0), time.UnixMilli(int64(last)))}
			for _, f := range rule.Threshold.By {
				before = append(before, object{"term": object{f: a[f]}})
			}
			seen = append(seen, object{"bool": object{"filter": before}})
		}
	}
	return out
}

// name is the values of an alert's fields.
func name(a alert, fields []string) string {
	var parts []string
	for _, f := range fields {
		parts = append(parts, fmt.Sprint(a[f]))
	}
	return cmp.Or(fmt.Sprint(parts), "nothing")
}
