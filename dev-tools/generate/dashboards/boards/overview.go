// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The overview: what stands out in all event types, and whether they arrive.

package boards

// The ids of the dashboards. Elastic's package has the other three, and an upgrade replaces them.
const (
	overviewID = "1password-overview-full-dashboard"
	signInsID  = "1password-signin-attempts-full-dashboard"
	usagesID   = "1password-item-usages-full-dashboard"
	auditsID   = "1password-audit-events-full-dashboard"
)

// Where a click can lead from each of the dashboards.
var (
	fromOverview = []string{signInsID, usagesID, auditsID}
	fromSignIns  = []string{usagesID, auditsID}
	fromUsages   = []string{signInsID, auditsID}
	fromAudits   = []string{signInsID, usagesID}
)

const overviewText = `**Start here.** The figures compare with the period before; a table's first row is what stands out most. ` +
	`Choose people, event types and countries above. Click a value in a table to filter this page by it, or to go on to the dashboard of ` +
	`an event type with it; the events behind all panels are at the end. ` +
	`**First seen** means first in the time range: choose 30 days or more to see what is really new. ` +
	`The last panels say whether events arrive, how late they are, and which had errors.`

func overview() Dashboard {
	return Dashboard{
		ID: overviewID, Name: "Overview", Title: "[Logs 1Password] Overview",
		Description: "What stands out in 1Password: failed sign-ins, secrets taken, access given, changed settings; and whether events arrive, and how late.",
		Datasets:    []string{Audit, Usage, SignIn},
		Controls: []Control{
			controlUser, {"type", "Event type", "event.dataset"}, controlCountry, controlOutcome,
		},
		Rows: []Row{
			heads(overviewText),
			overviewFigures(),
			overviewActivity(),
			overviewPeople(),
			{9, []Panel{events("gone", "Which items and vaults were exported, shared or sent, and by whom?", searchGone, Columns)}},
			overviewPlaces(),
			overviewExternal(),
			overviewPrograms(),
			overviewArrivals(),
			overviewHealth(),
			overviewAgents(),
			{16, []Panel{events("events", "Which events are behind all this?", searchAll, Columns)}},
		},
	}
}

// overviewFigures is one figure for each thing that may stand out.
func overviewFigures() Row {
	const people, left = "people-table", "gone"
	return Row{6, []Panel{
		compared("failed", "How many sign-ins failed?", "Failed sign-ins", failed, people).From(SignIn).Worrying(),
		compared("taken", "Were secrets revealed or copied?", "Revealed or copied", revealed+" or "+copied, people).From(Usage),
		compared("gone-items", "How many items left their vault?", "Exported or shared", gone, left).From(Usage).Worrying(),
		compared("gone-vaults", "Were whole vaults exported?", "Vault exports", vaultExported, left).From(Audit).Worrying(),
		compared("access", "How often was access given?", "Access given", accessGiven, people).From(Audit),
		compared("settings", "Were security settings changed?", "Settings changed", settingsChanged, people).From(Audit),
	}}
}

// overviewActivity is how much happened when and where.
func overviewActivity() Row {
	return Row{11, []Panel{
		{
			ID: "over-time", Question: "How much happened when?", Kind: Bars, Width: 24,
			By: []Bucket{byType(), OverTime()}, Show: []Measure{EventCount()}, Colors: typeColors,
		},
		{
			ID: "countries", Question: "From which countries, and which are new?", Kind: Table, Width: 24, Leads: fromOverview,
			Hint: "The country whose first event in the time range is the newest comes first.",
			By:   []Bucket{Top(50, "Country", "source.geo.country_name")},
			Show: []Measure{
				FirstSeen().Sorted(), EventCount(), UniqueOf("People", "user.email"), CountIf("Failed sign-ins", of(SignIn, failed)), LastSeen(),
			},
		},
	}}
}

// overviewPeople is who was active.
func overviewPeople() Row {
	return Row{15, []Panel{{
		ID: "people-table", Question: "Who was active, and who did most that is sensitive?", Kind: Table, Width: Columns, Leads: fromOverview,
		Hint: "Sensitive actions: secrets taken, access given, settings changed, tokens made, vaults exported. Failed sign-ins stand beside them. Sort by any column.",
		By:   []Bucket{who(100)},
		Show: []Measure{
			name(),
			CountIf("Sensitive actions", of(Usage, taken)+" or "+of(Audit, sensitiveAudit)).Sorted(),
			CountIf("Revealed or copied", of(Usage, revealed+" or "+copied)),
			CountIf("Exported or shared", of(Usage, gone)),
			CountIf("Vault exports", of(Audit, vaultExported)),
			CountIf("Access given", of(Audit, accessGiven)),
			CountIf("Settings changed", of(Audit, settingsChanged)),
			CountIf("Failed sign-ins", of(SignIn, failed)),
			EventCount(), UniqueOf("Countries", "source.geo.country_name"), LastSeen(), userID(),
		},
	}}}
}

// overviewPlaces is where everything comes from.
func overviewPlaces() Row {
	return Row{13, []Panel{
		{
			ID: "map", Question: "Where are the people and programs?", Kind: Map, Width: 24,
			Hint: "The table beside it has the same content.",
		},
		{
			ID: "places", Question: "From which addresses, in which cities?", Kind: Table, Width: 24, Leads: fromOverview,
			Hint: "Country and city are those of the newest event of the address, as far as they are known.",
			By:   []Bucket{Top(100, "Address", "source.ip")},
			Show: []Measure{
				LastOf("Country", "source.geo.country_name"), LastOf("City", "source.geo.city_name"), EventCount(), UniqueOf("People", "user.email"), CountIf("Failed sign-ins", of(SignIn, failed)), FirstSeen(),
			},
		},
	}}
}

// overviewExternal is what users of other accounts did.
func overviewExternal() Row {
	return Row{7, []Panel{{
		ID: "external", Question: "What did external users do?", Kind: Table, Width: Columns, Where: externalUser, Leads: fromOverview,
		Hint: "Users of another account, such as a managed service provider's.",
		By:   []Bucket{who(50)},
		Show: []Measure{
			name(), EventCount(), CountIf("Sign-ins", of(SignIn, succeeded)), CountIf("Items used", of(Usage, "")),
			CountIf("Audit events", of(Audit, "")), CountIf("Failed sign-ins", of(SignIn, failed)), LastSeen(), userID(),
		},
	}}}
}

// overviewPrograms is what service accounts did.
func overviewPrograms() Row {
	return Row{9, []Panel{{
		ID: "service", Question: "What did service accounts do, and from how many addresses?", Kind: Table, Width: Columns, Where: serviceAccount, Leads: fromOverview,
		By: []Bucket{programs(50)},
		Show: []Measure{
			EventCount(), CountIf("Items used", of(Usage, "")), CountIf("Failed sign-ins", of(SignIn, failed)),
			UniqueOf("Addresses", "source.ip"), LastOf("Address", "source.ip"), LastSeen(),
		},
	}}}
}

// overviewArrivals is how late events are.
func overviewArrivals() Row {
	return Row{11, []Panel{
		{
			ID: "arrivals", Question: "When did events happen, and when did they arrive?", Kind: Arrivals, Width: 16,
			Hint: "The lines lie on each other if events arrive at once. A gap in the second line is an outage, a peak after it the catching up.",
			By:   []Bucket{Over("Happened", "@timestamp", ""), Over("Arrived", "event.ingested", "")}, Show: []Measure{EventCount()},
		},
		{
			ID: "delay", Question: "How late were 95 of 100 events, in seconds?", Kind: Curves, Width: 16,
			Hint: "The 95th percentile of the seconds from an event to its arrival, at the time of the event.",
			By:   []Bucket{byType(), OverTime()}, Show: []Measure{P95Of("Seconds", Delay)}, Colors: typeColors,
		},
		{
			ID: "late", Question: "Which days' events arrived on which day?", Kind: Heatmap, Width: 16,
			Hint: "Off the diagonal: arrived on another day. Events that happened before the chosen time are not in it, however late they arrived.",
			By:   []Bucket{Over("Arrived", "event.ingested", "1d"), Over("Happened", "@timestamp", "1d")}, Show: []Measure{EventCount()},
		},
	}}
}

// overviewHealth is whether everything arrives.
func overviewHealth() Row {
	return Row{7, []Panel{{
		ID: "health", Question: "Does every event type arrive, how late, and is it understood?", Kind: Table, Width: Columns,
		Hint: "A row with 0 is silent. Unknown are events of a kind that this version does not know: complete, but without ECS categories of their own. Delays are in seconds.",
		By:   []Bucket{byType()},
		Show: []Measure{
			EventCount(),
			{Label: "Last happened", Op: Latest, Field: "@timestamp"},
			{Label: "Last fetched", Op: Latest, Field: "event.created"},
			{Label: "Last arrived", Op: Latest, Field: "event.ingested"},
			MedianOf("Median delay", Delay), P95Of("95 % within", Delay),
			CountIf("With errors", broken), CountIf("Unknown", "event.outcome: unknown"),
		},
	}}}
}

// overviewAgents is who delivers, and what was not understood.
func overviewAgents() Row {
	return Row{8, []Panel{
		{
			ID: "shippers", Question: "Which agents deliver what?", Kind: Table, Width: 28,
			By: []Bucket{TopPairs(20, "Agent and version", "agent.name", "agent.version")},
			Show: []Measure{
				CountIf("Audit events", of(Audit, "")).Sorted(), CountIf("Item usages", of(Usage, "")), CountIf("Sign-ins", of(SignIn, "")),
				{Label: "Last arrived", Op: Latest, Field: "event.ingested"}, LastOf("Agent id", "agent.id"),
			},
		},
		events("errors", "Which events were not understood in full?", searchBroken, 20),
	}}
}
