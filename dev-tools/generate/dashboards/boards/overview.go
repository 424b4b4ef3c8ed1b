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

const overviewText = `**Start here.** Each figure has that of the period before beside it. The first row of a table stands out most. ` +
	`Click a value to filter this page by it, or to open the dashboard of an event type with it. ` +
	`**First seen** is within the chosen time: choose 30 days or more to find what is new.`

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
			overviewPlaces(),
			overviewHealth(),
		},
		Searches: []string{searchAll, searchGone, searchExternal, searchService, searchBroken},
	}
}

// overviewFigures is one figure for each thing that may stand out.
func overviewFigures() Row {
	const people, left = "people-table", searchGone
	return Row{5, []Panel{
		compared("failed", "How many sign-ins failed?", "Failed sign-ins", failed, people).From(SignIn).Worrying().Ruled("signin-failures-from-one-address"),
		compared("taken", "Were secrets revealed or copied?", "Revealed or copied", revealed+" or "+copied, people).From(Usage).Ruled("many-secrets-read"),
		compared("gone-items", "How many items left their vault?", "Exported or shared", gone, left).From(Usage).Worrying().Ruled("items-exported-or-shared"),
		compared("gone-vaults", "Were whole vaults exported?", "Vault exports", vaultExported, left).From(Audit).Worrying().Ruled("vault-exported"),
		compared("access", "How often was access given?", "Access given", accessGiven, people).From(Audit).Ruled("vault-access-granted-to-oneself"),
		compared("settings", "Were security settings changed?", "Settings changed", settingsChanged, people).From(Audit).Ruled("signin-policy-changed"),
	}}
}

// overviewActivity is how much happened when and where.
func overviewActivity() Row {
	return Row{12, []Panel{
		{
			ID: "over-time", Question: "How much happened when?", Kind: Bars, Width: 24,
			By: []Bucket{byType(), OverTime()}, Show: []Measure{EventCount()}, Colors: typeColors,
		},
		{
			ID: "map", Question: "Where are the people and programs?", Kind: Map, Width: 24,
			Hint: "Without a connection to Elastic's map service there are circles only. The table of countries has the same content.",
		},
	}}
}

// overviewPeople is who was active.
func overviewPeople() Row {
	return Row{14, []Panel{{
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
			LastSeen(),
		},
	}}}
}

// overviewPlaces is where everything comes from, and how late it arrives.
func overviewPlaces() Row {
	return Row{11, []Panel{
		{
			ID: "countries", Question: "From which countries, and which are new?", Kind: Table, Width: 24, Leads: fromOverview,
			Hint: "The country whose first event in the time range is the newest comes first.",
			By:   []Bucket{Top(50, "Country", "source.geo.country_name")},
			Show: []Measure{
				FirstSeen().Sorted(), EventCount(), UniqueOf("People", "user.email"), CountIf("Failed sign-ins", of(SignIn, failed)),
			},
		},
		{
			ID: "delay", Question: "How late were 95 of 100 events?", Kind: Curves, Width: 24,
			Hint: "The 95th percentile of the time from an event to its arrival, at the time of the event. 1Password itself reports item usages of offline devices late.",
			By:   []Bucket{byType(), OverTime()}, Show: []Measure{P95Of("Delay", Delay).AsDuration()}, Colors: typeColors,
		},
	}}
}

// overviewHealth is whether everything arrives.
func overviewHealth() Row {
	return Row{7, []Panel{{
		ID: "health", Question: "Does every event type arrive, how late, and is it understood?", Kind: Table, Width: Columns,
		Hint: "A row with 0 is silent. Unknown are events of a kind that this version does not know: complete, but without ECS categories of their own.",
		By:   []Bucket{byType()},
		Show: []Measure{
			EventCount(),
			{Label: "Last happened", Op: Latest, Field: "@timestamp"},
			{Label: "Last fetched", Op: Latest, Field: "event.created"},
			{Label: "Last arrived", Op: Latest, Field: "event.ingested"},
			MedianOf("Median delay", Delay).AsDuration(), P95Of("95 % within", Delay).AsDuration(),
			CountIf("With errors", broken), CountIf("Unknown", "event.outcome: unknown"),
		},
	}}}
}
