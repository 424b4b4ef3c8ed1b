// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Item usages: who revealed, copied, exported or shared what, from which vault, and more than usual.

package boards

const usagesText = `**Who took which secrets, from which vault, and more than usual?** ` +
	`A secret is *taken* when it is revealed, copied, exported or shared; an app that fills it in shows it to nobody. ` +
	`*Last 24 h* is the end of the chosen time: with 7 days, about a seventh of *Taken* is usual. In the table of days, ` +
	`a number far above the others of its row is unusual. ` +
	`1Password reports items of shared vaults, by their ids: look an id up in 1Password, or search for it here.`

func usages() Dashboard {
	return Dashboard{
		ID: usagesID, Name: "Item usages", Title: "[Logs 1Password] Item usages",
		Description: "Who revealed, copied, exported or shared which items, from which vault, and more than usual; service accounts and external users.",
		Datasets:    []string{Usage},
		Controls: []Control{
			controlUser, {"action", "Action", "onepassword.action_name"}, controlCountry, controlOutcome,
			{"vault", "Vault id", "onepassword.vault_uuid"},
		},
		Rows: []Row{
			heads(usagesText),
			usageFigures(),
			usageOverTime(),
			usagePeople(),
			usageVaults(),
			{11, []Panel{events("gone", "What was exported or shared, by whom?", searchGone, Columns)}},
			usagePlaces(),
			usagePrograms(),
			usageExternal(),
			usageApps(),
			{16, []Panel{events("events", "Which usages are behind all this?", searchUsages, Columns)}},
		},
	}
}

// usageFigures is one figure for each way to take a secret.
func usageFigures() Row {
	const people, left = "people", "gone"
	return Row{6, []Panel{
		compared("revealed", "How many secrets were revealed?", "Revealed", revealed, people),
		compared("copied", "How many were copied?", "Copied", copied, people),
		compared("exported", "How many items were exported?", "Exported", exported, left).Worrying(),
		compared("shared", "How many were shared?", "Shared", shared, left).Worrying(),
		distinct("people-count", "How many people took secrets?", "People", "user.email", taken, people),
		distinct("vaults-count", "From how many vaults?", "Vaults", "onepassword.vault_uuid", taken, "vaults"),
	}}
}

// usageOverTime is what was done when.
func usageOverTime() Row {
	return Row{11, []Panel{
		{
			ID: "over-time", Question: "What was done with items over time?", Kind: Bars, Width: 24,
			By: []Bucket{Top(7, "Action", "onepassword.action_name").Rest(), OverTime()}, Show: []Measure{EventCount()},
		},
		{
			ID: "people-days", Question: "Who took how many secrets on which day?", Kind: Heatmap, Width: 24, Where: taken, Leads: fromUsages,
			Hint: "Colours compare all cells. Read along a row: a number far above the others in it is unusual.",
			By:   []Bucket{Top(10, "User", "user.email"), Over("Day", "@timestamp", "1d")}, Show: []Measure{EventCount()},
		},
	}}
}

// usagePeople is who took secrets.
func usagePeople() Row {
	return Row{15, []Panel{{
		ID: "people", Question: "Who took secrets, and more than usual?", Kind: Table, Width: Columns, Leads: fromUsages,
		Hint: "Last 24 h is the end of the chosen time: with 7 days, a seventh of what was taken is usual.",
		By:   []Bucket{who(100)},
		Show: []Measure{
			name(), CountIf("Taken", taken).Sorted(), LastDay(CountIf("", taken)), CountIf("Revealed", revealed), CountIf("Copied", copied),
			CountIf("Exported", exported), CountIf("Shared", shared), UniqueIf("Items", "onepassword.item_uuid", taken),
			UniqueIf("Vaults", "onepassword.vault_uuid", taken), LastIf("Last taken", taken), userID(),
		},
	}}}
}

// usageVaults is which secrets were taken.
func usageVaults() Row {
	return Row{12, []Panel{
		{
			ID: "vaults", Question: "From which vaults, and more than usual?", Kind: Table, Width: 24, Leads: []string{auditsID},
			Hint: "Last 24 h is the end of the chosen time: with 7 days, a seventh of what was taken is usual.",
			By:   []Bucket{Top(50, "Vault id", "onepassword.vault_uuid")},
			Show: []Measure{
				CountIf("Taken", taken).Sorted(), LastDay(CountIf("", taken)), CountIf("Exported or shared", gone),
				UniqueIf("People", "user.email", taken), UniqueIf("Items", "onepassword.item_uuid", taken),
			},
		},
		{
			ID: "items", Question: "Which items did most people take?", Kind: Table, Width: 24, Where: taken,
			By: []Bucket{Top(50, "Item id", "onepassword.item_uuid")},
			Show: []Measure{
				UniqueOf("People", "user.email").Sorted(), {Label: "Taken", Op: Count}, LastOf("Last by", "user.email"), LastSeen(),
				LastOf("Vault id", "onepassword.vault_uuid"),
			},
		},
	}}
}

// usagePlaces is where secrets were taken.
func usagePlaces() Row {
	return Row{13, []Panel{
		{
			ID: "map", Question: "Where were secrets taken?", Kind: Map, Width: 24, Where: taken,
			Hint: "The table beside it has the same content.",
		},
		{
			ID: "countries", Question: "In which countries, and which are new?", Kind: Table, Width: 24, Where: taken, Leads: fromUsages,
			By: []Bucket{Top(50, "Country", "source.geo.country_name")},
			Show: []Measure{
				LastOf("Code", "source.geo.country_iso_code"), {Label: "Taken", Op: Count}, CountIf("Exported or shared", gone),
				UniqueOf("People", "user.email"), FirstSeen(), LastSeen(),
			},
		},
	}}
}

// usagePrograms is what service accounts use.
func usagePrograms() Row {
	return Row{9, []Panel{{
		ID: "programs", Question: "Which service accounts use which items, and from where?", Kind: Table, Width: Columns, Where: serviceAccount, Leads: fromUsages,
		By: []Bucket{programs(50)},
		Show: []Measure{
			{Label: "Used", Op: Count}, UniqueOf("Items", "onepassword.item_uuid"), UniqueOf("Vaults", "onepassword.vault_uuid"),
			UniqueOf("Addresses", "source.ip"), LastOf("Address", "source.ip"), LastOf("App", "user_agent.name"), LastSeen(),
		},
	}}}
}

// usageExternal is what users of other accounts use.
func usageExternal() Row {
	return Row{7, []Panel{{
		ID: "external", Question: "Which items do external users use?", Kind: Table, Width: Columns, Where: externalUsage, Leads: fromUsages,
		By: []Bucket{who(50)},
		Show: []Measure{
			name(), {Label: "Used", Op: Count}, CountIf("Taken", taken), UniqueOf("Items", "onepassword.item_uuid"),
			UniqueOf("Vaults", "onepassword.vault_uuid"), LastSeen(), userID(), LastOf("Their account id", "onepassword.user.user_account_uuid"),
		},
	}}}
}

// usageApps is with what items are used.
func usageApps() Row {
	return Row{12, []Panel{
		{
			ID: "new-devices", Question: "Who used items on a new device?", Kind: Table, Width: 34, Leads: []string{signInsID},
			Hint: "The newest pairs of user and device come first. A browser has the name of its kind, other apps that of the machine. " + newestLimit,
			By:   []Bucket{TopPairs(many, "User and device", "user.email", "onepassword.client.platform_name")},
			Show: []Measure{
				FirstSeen().Sorted(), LastSeen(), CountIf("Taken", taken), LastOf("App", "user_agent.name"), LastOf("System", "user_agent.os.full"), userID(),
			},
		},
		{
			ID: "apps", Question: "With which apps?", Kind: Donut, Width: 14,
			By: []Bucket{Top(6, "App", "user_agent.name").Rest()}, Show: []Measure{EventCount()},
		},
	}}
}
