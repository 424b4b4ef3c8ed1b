// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Audit events: who was given access to what, who left, which settings changed, which tokens were made.

package boards

import "strings"

const auditsText = `**Who was given access to what, which security settings changed, which tokens were made, and by whom?** ` +
	`*User* is who acted, *To whom* the person who was affected. *Last 24 h* is the end of the chosen time. ` +
	`Most events are sessions that apps start automatically; the panels leave them out.`

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
	return ByCase(append(cases, Case{"Everything else", "not (" + strings.Join(known, " or ") + ")"})...)
}

func audits() Dashboard {
	return Dashboard{
		ID: auditsID, Name: "Audit events", Title: "[Logs 1Password] Audit events",
		Description: "Who was given access to what, who joined and left, which security settings changed, which tokens were made, and by whom.",
		Datasets:    []string{Audit},
		Controls: []Control{
			controlUser, {"action", "Action", "onepassword.action_name"}, {"target", "To whom", "user.target.email"},
			{"vault", "Vault id", "onepassword.vault_uuid"}, {"group", "Group id", "group.id"},
		},
		Rows: []Row{
			heads(auditsText),
			auditFigures(),
			auditOverTime(),
			auditPeople(),
			{11, []Panel{events("access", "Who was given access to what, and by whom?", searchAccess, Columns)}},
			auditReceivers(),
			auditVaults(),
			auditOutsiders(),
		},
		Searches: []string{searchAudits, searchExports, searchPeople, searchSettings, searchTokens},
	}
}

// auditFigures is one figure for each subject that opens or weakens something.
func auditFigures() Row {
	return Row{5, []Panel{
		compared("given", "How often was access given?", "Access given", accessGiven, "access").Ruled("vault-access-granted-to-oneself").Wide(12),
		compared("settings", "Did security settings change?", "Settings changed", settingsChanged, searchSettings).Ruled("signin-policy-changed").Wide(12),
		compared("tokens", "Were service accounts or tokens made?", "Service accounts and tokens made", tokensMade, searchTokens).Ruled("service-account-created").Wide(12),
		compared("exports", "Were whole vaults exported?", "Vault exports", vaultExported, searchExports).Worrying().Ruled("vault-exported").Wide(12),
	}}
}

// auditOverTime is what was done when.
func auditOverTime() Row {
	return Row{12, []Panel{
		{
			ID: "over-time", Question: "What was changed over time?", Kind: Bars, Width: 24, Where: deliberate,
			Hint: "Without the sessions that apps start automatically.",
			By:   []Bucket{subjects(), OverTime()}, Show: []Measure{EventCount()}, Colors: subjectColors,
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
			LastSeen(),
		},
	}}}
}

// auditReceivers is who got access: people by their ids, because one who was invited may have nothing else; and groups.
func auditReceivers() Row {
	return Row{11, []Panel{
		{
			ID: "receivers", Question: "Which people got the most access?", Kind: Table, Width: 24, Where: accessGiven,
			Hint: "By the id, since a person who was invited has no address yet. Members of a group also have its access.",
			By:   []Bucket{Top(50, "To whom (id)", "user.target.id")},
			Show: []Measure{
				{Label: "Given", Op: Count}, UniqueOf("Vaults", "onepassword.vault_uuid"), UniqueOf("Groups", "group.id"), LastOf("Name", "user.target.full_name"),
			},
		},
		{
			ID: "groups", Question: "Which groups got vaults and members?", Kind: Table, Width: 24, Where: accessGiven,
			By: []Bucket{Top(50, "Group id", "group.id")},
			Show: []Measure{
				LastOf("Group", "group.name"), {Label: "Given", Op: Count}, UniqueOf("Vaults", "onepassword.vault_uuid"), UniqueOf("Members", "user.target.id"),
			},
		},
	}}
}

// auditVaults is which vaults were opened to whom, or exported.
func auditVaults() Row {
	return Row{11, []Panel{{
		ID: "vaults", Question: "Which vaults were opened to whom, or exported, and by whom?", Kind: Table, Width: Columns, Leads: []string{usagesID},
		Where: `onepassword.object_type: (gva or uva or vault)`,
		By:    []Bucket{Top(50, "Vault id", "onepassword.vault_uuid")},
		Show: []Measure{
			vaultName(), CountIf("Access given", accessGiven).Sorted(), UniqueIf("People", "user.target.id", accessGiven), UniqueIf("Groups", "group.id", accessGiven),
			LastIfOf("Access given by", "user.email", accessGiven), CountIf("Exported", vaultExported), LastIfOf("Exported by", "user.email", vaultExported),
			LastIf("Last exported", vaultExported),
		},
	}}}
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
