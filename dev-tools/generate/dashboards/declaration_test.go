// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Tests of the declaration: titles are questions, and fields exist with a type that allows what is asked of them.

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"onepasswordbeat/dev-tools/generate/dashboards/boards"
	"onepasswordbeat/dev-tools/generate/dashboards/kql"
	"onepasswordbeat/dev-tools/generate/fields/fielddefs"
	"onepasswordbeat/module"
)

// searchOf is the saved search that a panel shows.
func searchOf(dashboard, panel string) string {
	for _, d := range boards.All() {
		for _, p := range d.Panels() {
			if d.ID == dashboard && p.ID == panel {
				return p.Search
			}
		}
	}
	return ""
}

func TestPanelsAreQuestions(t *testing.T) {
	total := 0
	for _, d := range boards.All() {
		ids, titles := make(map[string]bool), make(map[string]bool)
		for _, p := range d.Panels() {
			assert.False(t, ids[p.ID], "%s has two panels %s", d.ID, p.ID)
			assert.False(t, titles[p.Question], "%s asks twice: %s", d.ID, p.Question)
			ids[p.ID], titles[p.Question] = true, true
			if p.Kind == boards.Text || p.Kind == boards.Links {
				continue
			}
			total++
			assert.True(t, strings.HasSuffix(p.Question, "?"), p.Question)
			assert.LessOrEqual(t, len(p.Question), p.Width*titleLength/titleWidth, "Kibana cuts the title %q", p.Question)
		}
		assert.NotEmpty(t, d.Controls, d.ID)
		assert.NotEmpty(t, d.Description, d.ID)
		assert.True(t, ids["links"] && ids["read-me"], d.ID)
		assert.NotEmpty(t, d.Searches, "%s has no link to its events", d.ID)
	}
	assert.GreaterOrEqual(t, total, 40)
}

// TestDashboardsAreSmall: a dashboard of 24 panels takes Kibana half a minute, and is too long to read.
func TestDashboardsAreSmall(t *testing.T) {
	for _, d := range boards.All() {
		assert.LessOrEqual(t, len(d.Panels()), boards.MostPanels, d.ID)
	}
}

// Kibana cuts a title of more characters where a panel of this width is on a screen of 1600 pixels.
const titleLength, titleWidth = 34, 8

// TestTablesHaveRoom: columns without a width of their own share what is left, and Kibana makes none narrower than
// 100 pixels; the table would then be wider than its panel.
func TestTablesHaveRoom(t *testing.T) {
	const screen, least = 1560, 112
	for _, d := range boards.All() {
		for _, p := range d.Panels() {
			if p.Kind != boards.Table {
				continue
			}
			left, sharing := p.Width*screen/boards.Columns, 0
			for _, width := range p.Widths() {
				left -= width
				if width == 0 {
					sharing++
				}
			}
			assert.GreaterOrEqual(t, left, sharing*least, "%s %s: %d pixels for %d columns", d.ID, p.ID, left, sharing)
		}
	}
}

// TestFigures: there is nothing to click on a figure, so its hint names the panel that shows the events behind it. One
// has a colour if it is about what went wrong or left.
func TestFigures(t *testing.T) {
	colors := make(map[string]string)
	for _, d := range boards.All() {
		panels := make(map[string]boards.Panel)
		for _, p := range d.Panels() {
			panels[p.ID] = p
		}
		for _, p := range d.Panels() {
			if p.Kind != boards.Number {
				assert.Empty(t, p.Behind, p.ID)
				continue
			}
			if behind, ok := panels[p.Behind]; ok {
				assert.Contains(t, []boards.Kind{boards.Events, boards.Table}, behind.Kind, "%s %s", d.ID, p.ID)
				assert.Contains(t, d.HintOf(p), behind.Question)
			} else {
				assert.Contains(t, d.Searches, p.Behind, "%s %s: no panel and no link", d.ID, p.ID)
				assert.Contains(t, d.HintOf(p), titleOf(t, p.Behind))
			}
			about := p.Where
			if color, ok := colors[about]; ok {
				assert.Equal(t, color, p.Show[0].Color, "%s: %s has two colours", d.ID, about)
			}
			colors[about] = p.Show[0].Color
		}
	}
}

// titleOf is the title of a saved search.
func titleOf(t *testing.T, search string) string {
	for _, s := range boards.Searches() {
		if s.ID == search {
			return s.Title
		}
	}
	require.Fail(t, "no such search", search)
	return ""
}

// TestSearchesCanBeReached: a dashboard shows or links to every saved search.
func TestSearchesCanBeReached(t *testing.T) {
	reached := make(map[string]bool)
	for _, d := range boards.All() {
		for _, id := range d.Searches {
			assert.NotEmpty(t, titleOf(t, id))
			reached[id] = true
		}
		for _, p := range d.Panels() {
			reached[p.Search] = true
		}
	}
	for _, s := range boards.Searches() {
		assert.True(t, reached[s.ID], s.ID)
	}
}

// TestSubjects: every action that no app does automatically is counted in one of the subjects over time.
func TestSubjects(t *testing.T) {
	content, err := os.ReadFile(filepath.Join(root, "module", "auditevents", "actions.yml"))
	require.NoError(t, err)
	var actions map[string]map[string]any
	require.NoError(t, yaml.Unmarshal(content, &actions))
	assert.Greater(t, len(actions), 20)
	panel := panelOf(t, "1password-audit-events-full-dashboard", "over-time")
	where, err := kql.Parse(panel.Where)
	require.NoError(t, err)
	for object, names := range actions {
		for action := range names {
			document := map[string]string{"onepassword.object_type": object, "event.action": action}
			var in []string
			for _, c := range panel.By[0].Cases {
				q, err := kql.Parse(c.Where)
				require.NoError(t, err)
				if q.Match(document) {
					in = append(in, c.Label)
				}
			}
			assert.Len(t, in, 1, "%s of %s: %v", action, object, in)
			byItself := object == "dlgdsess" || object == "ssotkn"
			assert.Equal(t, !byItself, where.Match(document), "%s of %s", action, object)
		}
	}
}

func panelOf(t *testing.T, dashboard, id string) boards.Panel {
	for _, d := range boards.All() {
		for _, p := range d.Panels() {
			if d.ID == dashboard && p.ID == id {
				return p
			}
		}
	}
	require.Fail(t, "no such panel", id)
	return boards.Panel{}
}

// types are the fields of an event type with their types.
func fieldTypes(t *testing.T) map[string]map[string]string {
	set, err := fielddefs.Load(root, module.All())
	require.NoError(t, err)
	out := make(map[string]map[string]string)
	for _, m := range module.All() {
		fields := make(map[string]string)
		for _, f := range set.Fields {
			if slices.Contains(f.Owners, m.Name) || slices.Contains(f.Owners, fielddefs.Common) {
				fields[f.Name] = f.Type
			}
		}
		out[m.Dataset] = fields
	}
	return out
}

// allowed are the types of fields that an operation takes.
var allowed = map[boards.Op][]string{
	boards.Unique: {"keyword", "ip", "constant_keyword"},
	boards.First:  {"date"},
	boards.Latest: {"date"},
	boards.Recent: {"keyword", "ip"},
	boards.Median: {"long"},
	boards.P95:    {"long"},
}

// checker knows the fields and says what uses one.
type checker struct {
	*testing.T
	types map[string]map[string]string
}

// typed requires a field in one of the datasets, or in all, and one of the types.
func (c checker) typed(where string, datasets []string, everywhere bool, field string, types ...string) {
	found := 0
	for _, d := range datasets {
		if typ, ok := c.types[d][field]; ok {
			found++
			assert.Contains(c, types, typ, "%s: %s", where, field)
		}
	}
	if everywhere {
		assert.Equal(c, len(datasets), found, "%s: not all of %v have %s", where, datasets, field)
	} else {
		assert.NotZero(c, found, "%s: none of %v has %s", where, datasets, field)
	}
}

func (c checker) query(where string, datasets []string, text string) {
	q, err := kql.Parse(text)
	require.NoError(c, err, where)
	for _, field := range q.Fields() {
		c.typed(where, datasets, false, field, "keyword", "text", "match_only_text", "ip", "date")
	}
}

func TestFieldsExist(t *testing.T) {
	c := checker{t, fieldTypes(t)}
	for _, d := range boards.All() {
		for _, control := range d.Controls {
			c.typed(d.ID+" "+control.ID, d.Datasets, true, control.Field, "keyword", "ip")
		}
		for _, p := range d.Panels() {
			c.panel(d, p)
		}
	}
	for _, s := range boards.Searches() {
		c.query(s.ID, s.Datasets, boards.Condition(s.Datasets, s.Where))
		for _, column := range s.Columns {
			c.typed(s.ID, s.Datasets, true, column, "keyword", "ip", "text", "match_only_text", "date")
		}
	}
}

func (c checker) panel(d boards.Dashboard, p boards.Panel) {
	where := d.ID + " " + p.ID
	datasets := d.Datasets
	if len(p.Datasets) > 0 {
		datasets = p.Datasets
	}
	switch p.Kind {
	case boards.Text, boards.Links, boards.Events:
		return
	case boards.Map:
		c.typed(where, datasets, true, boards.Place, "geo_point")
	default: // charts, by their fields
	}
	c.query(where, datasets, d.Query(p))
	for _, by := range p.By {
		c.bucket(where, datasets, by)
		for _, target := range p.Leads {
			c.leads(where, target, by)
		}
	}
	for _, m := range p.Show {
		c.query(where, datasets, m.Where)
		if m.Op != boards.Count {
			c.typed(where, datasets, true, m.Field, allowed[m.Op]...)
		}
	}
	if len(p.Show) > 0 {
		sorted := p.SortedBy()
		require.GreaterOrEqual(c, sorted, 0, "%s is in no order", where)
		assert.NotEqual(c, boards.Recent, p.Show[sorted].Op, "%s cannot be in the order of a value", where)
	}
}

func (c checker) bucket(where string, datasets []string, by boards.Bucket) {
	switch {
	case by.Time:
		c.typed(where, datasets, true, by.Field, "date")
	case len(by.Cases) > 0:
		for _, one := range by.Cases {
			c.query(where, datasets, one.Where)
		}
	default:
		for _, field := range append([]string{by.Field}, by.And...) {
			c.typed(where, datasets, true, field, "keyword", "ip")
		}
		assert.Positive(c, by.Size, where)
	}
}

// leads requires that the value that was clicked can be found where the click leads to.
func (c checker) leads(where, target string, by boards.Bucket) {
	i := slices.IndexFunc(boards.All(), func(d boards.Dashboard) bool { return d.ID == target })
	require.GreaterOrEqual(c, i, 0, "%s leads to %s", where, target)
	for _, field := range append([]string{by.Field}, by.And...) {
		c.typed(where+" to "+target, boards.All()[i].Datasets, true, field, "keyword", "ip", "date")
		assert.NotContains(c, []string{"event.dataset", "data_stream.dataset"}, field, "%s: the target has one event type only", where)
	}
}
