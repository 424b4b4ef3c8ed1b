// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package detections runs the detection rules on events: on OpenSearch the searches that Kibana makes of them, and EQL on an
// EQL engine. What is tried comes from detections/detectionstest.
package detections

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/detections"
	"onepasswordbeat/detections/detectionstest"
	"onepasswordbeat/dev-tools/generate/dashboards/kql"
	sim "onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/tests/ostest"
)

// begin is when stories begin.
var begin = time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC)

// tried is a story with its documents of one way.
type tried struct {
	detectionstest.Story
	label, way string
	docs       []document
}

func TestRules(t *testing.T) {
	node := ostest.Start(t)
	rules, err := detections.All()
	require.NoError(t, err)
	world, err := detectionstest.NewWorld(begin)
	require.NoError(t, err)
	install(t, node)
	s := suite{node, startEQL(t)}
	told := s.tell(t, rules, detectionstest.Stories(world))
	for _, rule := range rules {
		t.Run(rule.Slug, func(t *testing.T) {
			for _, x := range told[rule.Slug] {
				t.Run(x.Name+"/"+x.way, func(t *testing.T) { s.testStory(t, rule, x) })
			}
		})
	}
	t.Run("normal week", func(t *testing.T) { s.testNormalWeek(t, rules, world) })
}

type suite struct {
	node *ostest.Node
	eql  *eqlEngine
}

// tell makes the documents of all stories by both ways, and returns the stories by rule. Each rule has at least one that it
// must report, and three that it must not.
func (s suite) tell(t *testing.T, rules []detections.Rule, stories []detectionstest.Story) map[string][]tried {
	told := make(map[string][]tried)
	for _, rule := range rules {
		mine := slices.DeleteFunc(slices.Clone(stories), func(x detectionstest.Story) bool { return x.Rule != rule.Slug })
		matching := len(slices.DeleteFunc(slices.Clone(mine), func(x detectionstest.Story) bool { return !x.Match }))
		require.GreaterOrEqual(t, matching, 1, rule.Slug)
		require.GreaterOrEqual(t, len(mine)-matching, 3, rule.Slug)
		if late, ok := lateUsages(rule, mine); ok {
			mine = append(mine, late)
		}
		for i, story := range mine {
			label := rule.Slug + strconv.Itoa(i)
			for _, way := range ways {
				told[rule.Slug] = append(told[rule.Slug], tried{story, label, way, mapped(t, s.node, way, story.Events, label)})
			}
		}
	}
	for _, way := range ways {
		var all []document
		for _, list := range told {
			for _, x := range list {
				if x.way == way {
					all = append(all, x.docs...)
				}
			}
		}
		store(t, s.node, way, all)
	}
	return told
}

// lateness is how much later than they happened item usages may arrive.
const lateness = 48 * time.Hour

// lateUsages is the first story with item usages that the rule has to report, with these arriving two days late.
func lateUsages(rule detections.Rule, stories []detectionstest.Story) (late detectionstest.Story, ok bool) {
	if !rule.Uses("1password.item_usages") {
		return late, false
	}
	isUsage := func(e detectionstest.Event) bool { return e.Type == sim.ItemUsages }
	i := slices.IndexFunc(stories, func(x detectionstest.Story) bool { return x.Match && slices.ContainsFunc(x.Events, isUsage) })
	if i < 0 {
		return late, false
	}
	late = stories[i]
	late.Name, late.Events = "two days late: "+late.Name, slices.Clone(late.Events)
	for i := range late.Events {
		if isUsage(late.Events[i]) {
			late.Events[i].Arrived = late.Events[i].At.Add(lateness)
		}
	}
	return late, true
}

func (s suite) testStory(t *testing.T, rule detections.Rule, x tried) {
	r := runner{s.node, s.eql, "logs-1password.*-" + x.way, x.docs, list{object{"term": object{"labels.story": x.label}}}}
	var found []alert
	var at time.Time
	for _, at = range runs(t, rule, x.Events) {
		if found = r.run(t, rule, at); len(found) > 0 {
			break
		}
	}
	require.Equal(t, x.Match, len(found) > 0, "%v", found)
	if x.Match {
		r.testGuide(t, rule, found[0], at)
	}
}

// runs are the moments at which the rule runs after events have arrived: as late as its interval allows.
func runs(t *testing.T, rule detections.Rule, events []detectionstest.Event) (at []time.Time) {
	every := span(t, rule.Every)
	for _, e := range events {
		at = append(at, e.Arrived.Truncate(every).Add(every))
	}
	slices.SortFunc(at, time.Time.Compare)
	at = slices.Compact(at)
	if rule.Kind == detections.NewTerms { // whatever comes first is new
		return at[len(at)-1:]
	}
	return at
}

// testGuide runs the queries of the investigation guide with the values of the alert: each finds something.
func (r runner) testGuide(t *testing.T, rule detections.Rule, a alert, now time.Time) {
	full := r.documentOf(t, rule, a, now)
	for _, step := range rule.Investigate {
		text := step.Fill(func(field string) string {
			value := a[field]
			if value == nil {
				value = full[field]
			}
			require.NotNil(t, value, "the alert has no %s", field)
			return fmt.Sprint(value)
		})
		q, err := kql.Parse(text)
		require.NoError(t, err)
		found := r.search(t, object{"size": 1, "query": object{"bool": object{"filter": append(list{q.DSL()}, r.more...)}}})
		assert.NotEmpty(t, at[list](found, "hits.hits"), text)
	}
}

// documentOf is a document that the alert is about.
func (r runner) documentOf(t *testing.T, rule detections.Rule, a alert, now time.Time) object {
	if rule.Kind != detections.Threshold && rule.Kind != detections.NewTerms {
		return object(a)
	}
	query := r.query(t, rule, now, span(t, rule.LookBack))
	for field, value := range a {
		if field != "last" {
			filter := at[list](query, "bool.filter")
			at[object](query, "bool")["filter"] = append(filter, object{"match": object{field: value}})
		}
	}
	found := r.search(t, object{"size": 1, "query": query})
	return flat(at[object](at[list](found, "hits.hits")[0], "_source"))
}
