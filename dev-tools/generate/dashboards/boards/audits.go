// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Audit events: who was given access to what, who left, which settings changed, which tokens were made.

package boards

import "strings"

const auditsText = `**Who was given access to what, who left, which security settings changed, which tokens were made?** ` +
	`*User* is who acted, *To whom* the person to whom it was done. Vaults and groups have no names in these events: their ids ` +
	`stand beside the names of people, for the next search. *Last 24 h* is the end of the chosen time. ` +
	`Apps that start sessions of their own are most of the events; the panels leave them out, the events at the end have them.`

// subjects divides audit events by what they are about. Each that is not started by an app belongs to one.
func subjects() Bucket {
	cases := []Case{
		{"Access", accessChanged},
		{"Groups", groupsChanged},
		{"People", peopleChanged},
		{"Own credentials and profile", ownChanged},
		{"Security settings", settingsChanged},
		{"Service accounts and tokens", tokens},
		{"Vaults and items", vaultsChanged},
		{"Devices and passkeys", devices},
	}
	var known []string
	for _, c := range cases {
		known = append(known, c.Where)
	}
	return ByCase(append(cases, Case{"Other", "not (" + strings.Join(known, " or ") + ")"})...)
}

func audits() Dashboard {
	return Dashboard{
		ID: auditsID, Name: "Audit events", Title: "[Logs 1Password] Audit events",
		Description: "Who was given access to what, who joined and left, which security settings changed, which tokens were made, and by whom.",
		Datasets:    []string{Audit},
		Controls: []Control{
			controlUser, {"action", "Action", "onepassword.action_name"}, controlCountry, {"target", "To whom", "user.target.email"}, controlOutcome,
		},
		Rows: []Row{
			heads(auditsText),
			auditFigures(),
			auditOverTime(),
			auditPeople(),
			{11, []Panel{events("access", "Who was given access to what, and by whom?", searchAccess, Columns)}},
			auditReceivers(),
			auditGroups(),
			auditVaults(),
			{8, []Panel{events("exported", "Which vaults were exported, which items sent, and by whom?", searchExports, Columns)}},
			{9, []Panel{events("people-changes", "Who joined, left or was recovered?", searchPeople, Columns)}},
			{9, []Panel{events("settings-changes", "Which security settings changed?", searchSettings, Columns)}},
			{9, []Panel{events("token-changes", "Which service accounts and tokens were made or revoked?", searchTokens, Columns)}},
			auditOutsiders(),
			auditPlaces(),
			{16, []Panel{events("events", "Which events are behind all this?", searchAudits, Columns)}},
		},
	}
}

// auditFigures is one figure for each subject.
func auditFigures() Row {
	return Row{6, []Panel{
		compared("given", "How often was access given?", "Access given", accessGiven, "access"),
		distinct("joined", "How many people joined?", "Joined or came back", "user.target.id", peopleJoined, "people-changes"),
		distinct("left", "How many people left?", "Suspended or deleted", "user.target.id", peopleLeft, "people-changes"),
		compared("settings", "Did security settings change?", "Settings changed", settingsChanged, "settings-changes"),
		compared("tokens", "Were tokens made?", "Service accounts, tokens", tokensMade, "token-changes"),
		compared("exports", "Were whole vaults exported?", "Vault exports", vaultExported, "exported").Worrying(),
	}}
}

// auditOverTime is what was done when.
func auditOverTime() Row {
	return Row{12, []Panel{
		{
			ID: "over-time", Question: "What was changed over time?", Kind: Bars, Width: 24, Where: deliberate,
			Hint: "Without the sessions that apps start by themselves.",
			By:   []Bucket{subjects(), OverTime()}, Show: []Measure{EventCount()},
		},
		{
			ID: "people-days", Question: "Who changed how much on which day?", Kind: Heatmap, Width: 24, Where: deliberate, Leads: fromAudits,
			Hint: "Colours compare all cells. Read along a row: a number far above the others in it is unusual. Service accounts have addresses that end with @1passwordserviceaccounts.com.",
			By:   []Bucket{Top(10, "User", "user.email"), Over("Day", "@timestamp", "1d")}, Show: []Measure{EventCount()},
		},
	}}
}

// auditPeople is who changed what.
func auditPeople() Row {
	return Row{15, []Panel{{
		ID: "people", Question: "Who changed what, and more than usual?", Kind: Table, Width: Columns, Where: deliberate, Leads: fromAudits,
		Hint: "Last 24 h is the end of the chosen time: with 7 days, a seventh of the actions is usual.",
		By:   []Bucket{who(100)},
		Show: []Measure{
			name(), {Label: "Actions", Op: Count}, LastDay(Measure{Op: Count}), CountIf("Access given", accessGiven), CountIf("Access taken away", accessTaken),
			CountIf("People changed", peopleChanged), CountIf("Settings changed", settingsChanged), CountIf("Tokens", tokensChanged), CountIf("Vault exports", vaultExported),
			UniqueOf("People affected", "user.target.id"), LastSeen(), userID(),
		},
	}}}
}

// auditReceivers is who got access: people by their ids, because one who was invited may have nothing else.
func auditReceivers() Row {
	return Row{10, []Panel{{
		ID: "receivers", Question: "Which people got the most access?", Kind: Table, Width: Columns, Where: accessGiven,
		Hint: "Members of a group also have its access: see the table of groups.",
		By:   []Bucket{Top(50, "To whom (id)", "user.target.id")},
		Show: []Measure{
			LastOf("Name", "user.target.full_name"), LastOf("E-mail address", "user.target.email"), {Label: "Given", Op: Count},
			UniqueOf("Vaults", "onepassword.vault_uuid"), UniqueOf("Groups", "group.id"), LastOf("Given by", "user.email"), LastSeen(),
		},
	}}}
}

// auditVaults is which vaults were opened to whom, or exported.
func auditVaults() Row {
	return Row{11, []Panel{{
		ID: "vaults", Question: "Which vaults were opened to whom, or exported, and by whom?", Kind: Table, Width: Columns, Leads: []string{usagesID},
		Where: `onepassword.object_type: (gva or uva or vault)`,
		By:    []Bucket{Top(50, "Vault id", "onepassword.vault_uuid")},
		Show: []Measure{
			CountIf("Access given", accessGiven).Sorted(), UniqueIf("People", "user.target.id", accessGiven), UniqueIf("Groups", "group.id", accessGiven),
			LastIfOf("Access given by", "user.email", accessGiven), CountIf("Exported", vaultExported), LastIfOf("Exported by", "user.email", vaultExported),
			LastIf("Last exported", vaultExported), LastSeen(),
		},
	}}}
}

// auditGroups is which groups got access, and which actions are new.
func auditGroups() Row {
	return Row{11, []Panel{
		{
			ID: "groups", Question: "Which groups got vaults and members?", Kind: Table, Width: 24, Where: accessGiven,
			By: []Bucket{Top(50, "Group id", "group.id")},
			Show: []Measure{
				{Label: "Given", Op: Count}, UniqueOf("Vaults", "onepassword.vault_uuid"), UniqueOf("Members", "user.target.id"),
				LastOf("Given by", "user.email"), LastSeen(),
			},
		},
		{
			ID: "actions", Question: "What was done, and since when?", Kind: Table, Width: 24, Where: deliberate,
			Hint: "The newest kinds of action come first.",
			By:   []Bucket{Top(many, "Action", "onepassword.action_name")},
			Show: []Measure{EventCount(), UniqueOf("People", "user.email"), FirstSeen().Sorted(), LastSeen()},
		},
	}}
}

// auditOutsiders is what programs and users of other accounts changed.
func auditOutsiders() Row {
	return Row{10, []Panel{{
		ID: "outsiders", Question: "What did external users and service accounts change?", Kind: Table, Width: Columns, Leads: fromAudits,
		Where: deliberate + " and (" + externalActor + " or " + serviceAccount + ")",
		By:    []Bucket{who(50)},
		Show: []Measure{
			name(), {Label: "Actions", Op: Count}, CountIf("Access given", accessGiven), CountIf("Settings", settingsChanged),
			LastOf("Last action", "onepassword.action_name"), LastSeen(), userID(),
		},
	}}}
}

// auditPlaces is where changes were made.
func auditPlaces() Row {
	return Row{13, []Panel{
		{
			ID: "map", Question: "Where were changes made?", Kind: Map, Width: 24, Where: deliberate,
			Hint: "The table beside it has the same content.",
		},
		{
			ID: "countries", Question: "In which countries, and which are new?", Kind: Table, Width: 24, Where: deliberate, Leads: fromAudits,
			By: []Bucket{Top(50, "Country", "source.geo.country_name")},
			Show: []Measure{
				LastOf("Code", "source.geo.country_iso_code"), {Label: "Actions", Op: Count}, CountIf("Settings", settingsChanged),
				UniqueOf("People", "user.email"), FirstSeen(), LastSeen(),
			},
		},
	}}
}
