// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Item usages: who revealed, copied, exported or shared what, from which vault, and more than usual.

package boards

const usagesText = `**Who took which secrets, from which vault, and more than usual?** ` +
	`A secret is *taken* when it is revealed, copied, exported or shared; an app that fills it in does not show it. ` +
	`*Last 24 h* is the end of the chosen time: with 7 days, about a seventh of *Taken* is usual. ` +
	`**To watch items or vaults,** choose their ids in the controls. 1Password reports items of shared vaults only.`

func usages() Dashboard {
	return Dashboard{
		ID: usagesID, Name: "Item usages", Title: "[Logs 1Password] Item usages",
		Description: "Who revealed, copied, exported or shared which items, from which vault, and more than usual; watched items and vaults; service accounts.",
		Datasets:    []string{Usage},
		Controls: []Control{
			controlUser, {"action", "Action", "onepassword.action_name"}, controlCountry,
			{"vault", "Vault id", "onepassword.vault_uuid"}, {"item", "Item id", "onepassword.item_uuid"},
		},
		Rows: []Row{
			heads(usagesText),
			usageFigures(),
			usageOverTime(),
			usagePeople(),
			usageVaults(),
			usageWatched(),
			usagePrograms(),
		},
		Searches: []string{searchGone, searchUsages, searchExternalUsages},
	}
}

// usageFigures is one figure for each way to take a secret.
func usageFigures() Row {
	const people = "people"
	return Row{5, []Panel{
		compared("revealed", "How many secrets were revealed?", "Revealed", revealed, people).Ruled("many-secrets-read").Wide(12),
		compared("copied", "How many secrets were copied?", "Copied", copied, people).Ruled("many-secrets-read").Wide(12),
		compared("exported", "How many items were exported?", "Exported", exported, searchGone).Worrying().Ruled("items-exported-or-shared").Wide(12),
		compared("shared", "How many items were shared?", "Shared", shared, searchGone).Worrying().Ruled("items-exported-or-shared").Wide(12),
	}}
}

// usageOverTime is what was done when.
func usageOverTime() Row {
	return Row{11, []Panel{
		{
			ID: "over-time", Question: "What was done with items over time?", Kind: Bars, Width: 24,
			By: []Bucket{Top(7, "Action", "onepassword.action_name").Rest(), OverTime()}, Show: []Measure{EventCount()}, Colors: usageColors,
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
	return Row{14, []Panel{{
		ID: "people", Question: "Who took secrets, and more than usual?", Kind: Table, Width: Columns, Leads: fromUsages,
		Hint: "Last 24 h is the end of the chosen time: with 7 days, a seventh of what was taken is usual.",
		By:   []Bucket{who(100)},
		Show: []Measure{
			name(), CountIf("Taken", taken).Sorted(), LastDay(CountIf("", taken)), CountIf("Revealed", revealed), CountIf("Copied", copied),
			CountIf("Exported", exported), CountIf("Shared", shared), UniqueIf("Items", "onepassword.item_uuid", taken),
			UniqueIf("Vaults", "onepassword.vault_uuid", taken), LastIf("Last taken", taken),
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
				vaultName(), CountIf("Taken", taken).Sorted(), LastDay(CountIf("", taken)), CountIf("Exported or shared", gone),
			},
		},
		{
			ID: "items", Question: "Which items did most people take?", Kind: Table, Width: 24, Where: taken,
			By: []Bucket{Top(50, "Item id", "onepassword.item_uuid")},
			Show: []Measure{
				itemTitle(), UniqueOf("People", "user.email").Sorted(), {Label: "Taken", Op: Count}, LastOf("Last by", "user.email"),
			},
		},
	}}
}

// usageWatched is what happened to the items and vaults that the controls choose.
func usageWatched() Row {
	return Row{11, []Panel{{
		ID: "watched", Question: "What happened to the watched items and vaults?", Kind: Table, Width: Columns,
		Hint: "Choose the ids of the items or vaults to watch in the controls. The newest use comes first. Without a choice, all items are shown.",
		By:   []Bucket{TopPairs(many, "Item and user", "onepassword.item_uuid", "user.email")},
		Show: []Measure{
			itemTitle(), LastSeen().Sorted(), LastOf("Last action", "onepassword.action_name"), {Label: "Used", Op: Count},
			LastOf("Address", "source.ip"), vaultName(), LastOf("Vault id", "onepassword.vault_uuid"),
		},
	}}}
}

// usagePrograms is what service accounts use, and who uses items on what for the first time.
func usagePrograms() Row {
	return Row{11, []Panel{
		{
			ID: "programs", Question: "Which service accounts use items, from how many addresses?", Kind: Table, Width: 24, Where: serviceAccount, Leads: fromUsages,
			By: []Bucket{programs(50)},
			Show: []Measure{
				{Label: "Used", Op: Count}, UniqueOf("Items", "onepassword.item_uuid"), UniqueOf("Addresses", "source.ip"), LastOf("Address", "source.ip"),
			},
		},
		{
			ID: "new-devices", Question: "Who used items on a new device?", Kind: Table, Width: 24, Leads: []string{signInsID},
			Hint: "The newest pairs of user and device come first. A browser has the name of its kind, other apps that of the machine. " + newestLimit,
			By:   []Bucket{TopPairs(many, "User and device", "user.email", "onepassword.client.platform_name")},
			Show: []Measure{FirstSeen().Sorted(), CountIf("Taken", taken), LastOf("App", "user_agent.name")},
		},
	}}
}
