// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package boards declares the dashboards and saved searches of the integration package: which question a panel
// answers, from which events, and how it is drawn. It knows nothing of Kibana's file formats. A new panel is a few
// lines in overview.go, signins.go, usages.go or audits.go.
package boards

import "strings"

// The datasets of the three event types.
const (
	Audit  = "1password.audit_events"
	Usage  = "1password.item_usages"
	SignIn = "1password.signin_attempts"
)

// Dashboard is a page of panels about one or more datasets.
type Dashboard struct {
	ID          string // of the saved object
	Name        string // short, for links and file names
	Title       string
	Description string
	Datasets    []string
	Controls    []Control
	Rows        []Row
	Searches    []string // ids of the saved searches that its text links to
}

// MostPanels is how many panels a dashboard may have. Kibana asks one search or more for each as soon as it opens, and
// more is not read; what is left is a saved search that a link opens.
const MostPanels = 14

// Row is panels side by side. Their widths add up to [Columns].
type Row struct {
	Height int
	Panels []Panel
}

// Columns is the width of a dashboard.
const Columns = 48

// Control lets the reader choose among the values of a field.
type Control struct {
	ID, Label, Field string
}

// Kind is how a panel is drawn.
type Kind string

// The kinds of panels.
const (
	Number   Kind = "number"   // one figure: Show[0]; a second, smaller one: Show[1]
	Bars     Kind = "bars"     // stacked over time: By is what the bars consist of, then a time
	Curves   Kind = "curves"   // lines over time: By is what the lines are, then a time
	Arrivals Kind = "arrivals" // one line for each time in By: the same events counted by different times
	Ranking  Kind = "ranking"  // horizontal bars: By[0]
	Donut    Kind = "donut"    // shares: By[0]
	Heatmap  Kind = "heatmap"  // By[0] upwards, By[1] to the right
	Table    Kind = "table"    // By, then Show
	Map      Kind = "map"      // circles at the coordinates in source.geo.location
	Events   Kind = "events"   // the saved search Search
	Text     Kind = "text"     // Markdown
	Links    Kind = "links"    // to all dashboards
)

// Panel is one question and how it is answered.
type Panel struct {
	ID       string // unique in the dashboard, without a colon
	Question string // its title
	Hint     string // how to read it, if the title does not say
	Kind     Kind
	Width    int
	Datasets []string // those of the dashboard, if empty
	Where    string   // KQL: which of these events
	By       []Bucket
	Show     []Measure
	Leads    []string          // ids of the dashboards to which a click leads
	Colors   map[string]string // fixed colours of values
	Behind   string            // id of the panel or saved search with the events behind a figure, on which there is nothing to click
	Rule     string            // of a figure: the detection rule about the same, as its anchor in docs/detections.md
	Alarm    bool              // of a Map: of what went wrong, in yellow to red; others are blue
	Search   string            // of Events: id of the saved search
	Markdown string            // of Text
}

// Bucket divides events: by the values of a field, by time, or by conditions.
type Bucket struct {
	Label   string
	Field   string
	And     []string // further fields: their combinations are the values
	Size    int      // how many values
	Other   bool     // show the rest as one value
	Missing bool     // show events without the field as one value; needs Other
	Time    bool     // Field is a date
	Every   string   // of a time: the interval, else as many as fit
	Cases   []Case
}

// Case is a condition with a name.
type Case struct{ Label, Where string }

// Op is what a measure computes.
type Op string

// The operations.
const (
	Count  Op = "count"
	Unique Op = "unique_count"
	First  Op = "min"        // of a date
	Latest Op = "max"        // of a date
	Recent Op = "last_value" // the field's value in the latest event that has it
	Median Op = "median"     // of a number
	P95    Op = "percentile" // the 95th, of a number
)

// Measure is a figure about the events of a bucket.
type Measure struct {
	Label  string
	Op     Op
	Field  string
	Where  string // KQL: only these events
	Span   bool   // a number of seconds, shown as a duration
	Before bool   // of the period of the same length before the chosen one; not beside values of a field, where Lens rejects it
	Last   string // only the end of the chosen period: "1d"
	Sort   bool   // buckets and table are in the descending order of this; else of the first
	Color  string
}

// Search is a saved search.
type Search struct {
	ID, Title, Description string
	Datasets               []string
	Where                  string
	Columns                []string
}

// SortedBy is the measure that orders buckets and rows: the one that is marked, else the first that can.
func (p Panel) SortedBy() int {
	first := -1
	for i, m := range p.Show {
		if m.Sort {
			return i
		}
		if first < 0 && m.Op != Recent && !m.Before {
			first = i
		}
	}
	return first
}

// Query is the KQL of a panel: the datasets that it counts, also where the dashboard's own filter says so, and which
// of their events.
func (d Dashboard) Query(p Panel) string {
	sources := d.Datasets
	if len(p.Datasets) > 0 {
		sources = p.Datasets
	}
	return Condition(sources, p.Where)
}

// Condition is the KQL for the events of some datasets that a further condition holds for.
func Condition(datasets []string, where string) string {
	names := `"` + strings.Join(datasets, `" or "`) + `"`
	if len(datasets) > 1 {
		names = "(" + names + ")"
	}
	if where == "" {
		return "data_stream.dataset: " + names
	}
	return "data_stream.dataset: " + names + " and (" + where + ")"
}

// Accurate says whether an engine has to look at more values than it shows, because they are not in the order of their
// number of events: a value that is high in that order may be low among those of one index.
func (p Panel) Accurate() bool {
	i := p.SortedBy()
	return i >= 0 && (p.Show[i].Op != Count || p.Show[i].Where != "" || p.Show[i].Last != "")
}

// IsNumber says whether a measure is a number, as opposed to a time or a text.
func (m Measure) IsNumber() bool { return m.Op != Recent && m.Op != First && m.Op != Latest }

// Widths are those of a table's columns in pixels. Columns with 0 share what is left. Without widths all would be
// equal, and addresses and ids cut to their first letters.
func (p Panel) Widths() []int {
	const (
		number   = 112 // "Succeeded"
		arrow    = 16  // of the column that orders
		date     = 225 // "Nov 26, 2026 @ 23:08:23.123"; with 205, Kibana cuts the last digits
		key      = 220 // an email address
		id       = 245 // 26 characters
		pair     = 280
		widePair = 430 // an id and an email address
	)
	widths := make([]int, len(p.By)+len(p.Show))
	for i, by := range p.By {
		switch {
		case len(by.And) > 0 && p.Width > Columns/2:
			widths[i] = widePair
		case len(by.And) > 0:
			widths[i] = pair
		case by.Time:
			widths[i] = date
		case i == 0 && (strings.HasSuffix(by.Field, "_uuid") || strings.HasSuffix(by.Field, ".id")):
			widths[i] = id
		case i == 0 && len(by.Cases) == 0 && !strings.HasPrefix(by.Field, "source."):
			widths[i] = key
		}
	}
	for i, m := range p.Show {
		switch {
		case m.IsNumber():
			widths[len(p.By)+i] = number
			if i == p.SortedBy() {
				widths[len(p.By)+i] += arrow
			}
		case m.Op != Recent:
			widths[len(p.By)+i] = date
		}
	}
	return widths
}

// HintOf is how to read a panel, and where the events behind a figure are.
func (d Dashboard) HintOf(p Panel) string {
	if p.Behind == "" {
		return p.Hint
	}
	for _, other := range d.Panels() {
		if other.ID == p.Behind {
			return strings.TrimSpace(p.Hint + ` Behind the figure: "` + other.Question + `"`)
		}
	}
	for _, s := range Searches() {
		if s.ID == p.Behind {
			return strings.TrimSpace(p.Hint + ` Behind the figure: the saved search "` + s.Title + `"`)
		}
	}
	return p.Hint
}

// Text is the Markdown of a panel: what is written, then the links to the rules about its figures and to the saved searches.
func (d Dashboard) Text(p Panel) string {
	text := p.Markdown
	var rules, searches []string
	seen := make(map[string]bool)
	for _, other := range d.Panels() {
		if other.Rule != "" && !seen[other.Rule] {
			seen[other.Rule] = true
			rules = append(rules, "["+other.Show[0].Label+"]("+rulesPage+"#"+other.Rule+")")
		}
	}
	for _, id := range d.Searches {
		searches = append(searches, "["+shortTitle(id)+"](discover#/view/"+id+linkedTime+")")
	}
	if len(rules) > 0 {
		text += "\n\n**Detection rules:** " + strings.Join(rules, ", ")
	}
	if len(searches) > 0 {
		text += "\n\n**Events in Discover:** " + strings.Join(searches, ", ")
	}
	return text
}

// linkedTime is the time range of a link to Discover, which would show the last quarter of an hour otherwise.
const linkedTime = "?_g=(time:(from:now-7d,to:now))"

// rulesPage describes the detection rules.
const rulesPage = "https://github.com/onepasswordbeat/onepasswordbeat/blob/main/docs/detections.md"

// shortTitle is the title of a saved search without the part that all have in common.
func shortTitle(id string) string {
	for _, s := range Searches() {
		if s.ID == id {
			return strings.TrimPrefix(s.Title, "[Logs 1Password] ")
		}
	}
	return id
}

// Panels are all panels, row by row.
func (d Dashboard) Panels() []Panel {
	var all []Panel
	for _, r := range d.Rows {
		all = append(all, r.Panels...)
	}
	return all
}

// All returns the dashboards in the order in which they link to each other.
func All() []Dashboard { return []Dashboard{overview(), signIns(), usages(), audits()} }
