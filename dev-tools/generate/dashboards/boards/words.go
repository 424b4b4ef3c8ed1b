// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The words in which panels are declared: buckets, measures, colours.

package boards

// Colours that mean something. They can be told apart by colour-blind readers.
const (
	good    = "#54b399"
	bad     = "#cc5642"
	neutral = "#6092c0"
	unsure  = "#d6bf57"
	change  = "#9170b8"
	// worry is that of a figure that one should look at if it rises: failures, and what left the vaults. It fills the
	// whole tile, so it is pale. Other figures have none.
	worry = "#f9d9d3"
)

// many is how many values a table has that looks for new ones among pairs, newestLimit what the reader has to know
// about its order: each index names the newest thousand of its own.
const (
	many        = 200
	newestLimit = "With more than 1,000 pairs an old one can look new: choose people or a shorter time."
)

// Top is the n most frequent values of a field.
func Top(n int, label, field string) Bucket { return Bucket{Label: label, Field: field, Size: n} }

// TopPairs is the n most frequent combinations of fields. Events that lack one of them are left out.
func TopPairs(n int, label, field string, and ...string) Bucket {
	return Bucket{Label: label, Field: field, And: and, Size: n}
}

// Rest adds one more value for all that is not among the top ones.
func (b Bucket) Rest() Bucket { b.Other = true; return b }

// Over divides by time; every is an interval such as "1d", or empty for as many as fit.
func Over(label, field, every string) Bucket {
	return Bucket{Label: label, Field: field, Time: true, Every: every}
}

// OverTime divides by the time of the events.
func OverTime() Bucket { return Over("Time", "@timestamp", "") }

// ByCase divides by conditions.
func ByCase(cases ...Case) Bucket { return Bucket{Label: "Cases", Cases: cases} }

// EventCount counts events.
func EventCount() Measure { return Measure{Label: "Events", Op: Count} }

// CountIf counts the events that a condition holds for.
func CountIf(label, where string) Measure { return Measure{Label: label, Op: Count, Where: where} }

// UniqueOf counts different values.
func UniqueOf(label, field string) Measure { return Measure{Label: label, Op: Unique, Field: field} }

// UniqueIf counts different values among the events that a condition holds for.
func UniqueIf(label, field, where string) Measure {
	return Measure{Label: label, Op: Unique, Field: field, Where: where}
}

// LastOf is the value in the latest event that has one.
func LastOf(label, field string) Measure { return Measure{Label: label, Op: Recent, Field: field} }

// FirstSeen is the time of the first event.
func FirstSeen() Measure { return Measure{Label: "First seen", Op: First, Field: "@timestamp"} }

// LastSeen is the time of the last event.
func LastSeen() Measure { return Measure{Label: "Last seen", Op: Latest, Field: "@timestamp"} }

// LastIf is the time of the last event that a condition holds for.
func LastIf(label, where string) Measure {
	return Measure{Label: label, Op: Latest, Field: "@timestamp", Where: where}
}

// Before is the measure of the period before.
func Before(m Measure) Measure { m.Label, m.Before = "Period before", true; return m }

// LastDay is the measure of the last 24 hours of the chosen time.
func LastDay(m Measure) Measure { m.Label, m.Last = "Last 24 h", "1d"; return m }

// MedianOf is the value that half of the events do not exceed.
func MedianOf(label, field string) Measure { return Measure{Label: label, Op: Median, Field: field} }

// AsDuration shows a number of seconds as a duration.
func (m Measure) AsDuration() Measure { m.Span = true; return m }

// P95Of is the value that 95 of 100 events do not exceed.
func P95Of(label, field string) Measure { return Measure{Label: label, Op: P95, Field: field} }

// LastIfOf is the value in the latest of the events that a condition holds for.
func LastIfOf(label, field, where string) Measure {
	return Measure{Label: label, Op: Recent, Field: field, Where: where}
}

// Sorted makes the measure the one that orders.
func (m Measure) Sorted() Measure { m.Sort = true; return m }

// Colored gives the measure a colour.
func (m Measure) Colored(color string) Measure { m.Color = color; return m }

// heads is the row that every dashboard begins with.
func heads(markdown string) Row { return Row{7, []Panel{linksTo(), readMe(markdown)}} }

// who identifies people: by the address, which every event type has; name and id stand beside it.
func who(n int) Bucket { return Top(n, "User", "user.email") }

// programs identifies service accounts: by the name that somebody gave them, and by the address, which is random.
func programs(n int) Bucket { return TopPairs(n, "Service account", "user.full_name", "user.email") }

// byType divides by event type. One that is silent is there, too.
func byType() Bucket {
	b := ByCase(Case{"Audit events", of(Audit, "")}, Case{"Item usages", of(Usage, "")}, Case{"Sign-in attempts", of(SignIn, "")})
	b.Label = "Event type"
	return b
}

// subjectColors are those of the subjects of audit events, usageColors those of what is done with items. Without colours of
// their own, Kibana 8.12 draws all values in red.
var (
	subjectColors = map[string]string{
		"Access": neutral, "Groups": "#ca8eae", "People": good, "Own credentials and profile": "#b9a888", "Security settings": bad,
		"Service accounts and tokens": "#da8b45", "Vaults and items": change, "Devices and passkeys": unsure, "Everything else": RestColor,
	}
	usageColors = map[string]string{
		"Item filled in": "#7b8b8e", "Item fetched": "#b9a888", "Secret revealed": neutral, "Secret copied": change, "Item exported": bad,
		"Item shared": "#da8b45", "Item created": good, "Item updated": "#ca8eae", "Item used": "#d3dae6", "Item opened for editing": unsure,
	}
)

// RestColor is that of all values that have none.
const RestColor = "#c2c8d0"

// typeColors are those of the event types.
var typeColors = map[string]string{"Audit events": change, "Item usages": neutral, "Sign-in attempts": good}

// The names of vaults and items are there if the collector adds them. The id stands beside each.
func vaultName() Measure { return LastOf("Vault", "onepassword.vault.name") }
func itemTitle() Measure { return LastOf("Item", "onepassword.item.title") }

func name() Measure   { return LastOf("Name", "user.full_name") }
func userID() Measure { return LastOf("User id", "user.id") }

// figure is a tile of a number with that of the period before; behind is the panel that shows its events.
func figure(id, question string, m Measure, behind string) Panel {
	return Panel{
		ID: id, Question: question, Kind: Number, Width: 8, Behind: behind,
		Hint: "The small figure is that of the period before, of the same length.",
		Show: []Measure{m, Before(m)},
	}
}

// compared is a figure of events. Its condition is the panel's.
func compared(id, question, label, where, behind string) Panel {
	p := figure(id, question, Measure{Label: label, Op: Count}, behind)
	p.Where = where
	return p
}

// distinct is a figure of different values.
func distinct(id, question, label, field, where, behind string) Panel {
	p := figure(id, question, UniqueOf(label, field), behind)
	p.Where = where
	return p
}

// Worrying gives a figure the colour of what one should look at.
func (p Panel) Worrying() Panel { p.Show[0] = p.Show[0].Colored(worry); return p }

// Ruled names the detection rule about the same.
func (p Panel) Ruled(slug string) Panel { p.Rule = slug; return p }

// Wide gives the panel another width.
func (p Panel) Wide(width int) Panel { p.Width = width; return p }

// From counts events of some of the dashboard's datasets only.
func (p Panel) From(datasets ...string) Panel { p.Datasets = datasets; return p }

// linksTo is the panel of links between the dashboards.
func linksTo() Panel {
	return Panel{ID: "links", Question: "Dashboards", Kind: Links, Width: 8}
}

// readMe is the panel that says how to read the dashboard.
func readMe(markdown string) Panel {
	return Panel{ID: "read-me", Question: "How to read this dashboard", Kind: Text, Width: Columns - 8, Markdown: markdown}
}

// events is a saved search that follows the filters of the dashboard.
func events(id, question, search string, width int) Panel {
	return Panel{ID: id, Question: question, Kind: Events, Width: width, Search: search}
}

// The controls, by what they choose.
var (
	controlUser    = Control{"user", "User", "user.email"}
	controlCountry = Control{"country", "Country", "source.geo.country_name"}
	controlOutcome = Control{"outcome", "Outcome", "event.outcome"}
)

// Place is the field with the coordinates of an event, Delay the one with the seconds from an event to its arrival.
const (
	Place = "source.geo.location"
	Delay = "onepassword.ingest_delay"
)

// LineColors are those of the lines of [Arrivals], HeatColors those of a [Heatmap] from few to many.
var (
	LineColors = []string{neutral, "#da8b45"}
	HeatColors = []string{"#e6f1fa", "#b9d6ee", "#7fb2dc", "#4a8bc2", "#1f5fa8"}
)
