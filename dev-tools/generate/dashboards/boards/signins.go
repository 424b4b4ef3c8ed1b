// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Sign-in attempts: who failed, from where, why, and whether they succeeded afterwards.

package boards

const signInsText = `**Who failed to sign in, from where and why, and did they succeed afterwards?** ` +
	`Compare *Last failure* and *Last success*: look at a success soon after many failures, or from a country or a device that is new for ` +
	`that user. An address that fails for many users guesses passwords. ` +
	`**New** is first seen in the chosen time: choose 30 days or more.`

func signIns() Dashboard {
	return Dashboard{
		ID: signInsID, Name: "Sign-in attempts", Title: "[Logs 1Password] Sign-in attempts",
		Description: "Who failed to sign in, from where and why, and did they succeed afterwards; sign-ins without a second factor, from two countries, new countries and devices.",
		Datasets:    []string{SignIn},
		Controls: []Control{
			controlUser, {"check", "Failed check", "onepassword.failed_check"}, controlCountry, controlOutcome, {"app", "App", "user_agent.name"},
		},
		Rows: []Row{
			heads(signInsText),
			signInFigures(),
			signInEndings(),
			signInAddresses(),
			signInPeople(),
			signInDoubts(),
			signInNew(),
		},
		Searches: []string{searchFailed, searchSignIns, searchRules, searchOldApps, searchOutsiders},
	}
}

// signInFigures is one figure for each way to end that deserves a look.
func signInFigures() Row {
	return Row{5, []Panel{
		compared("failed", "How many sign-ins failed?", "Failed sign-ins", failed, searchFailed).Worrying().Ruled("signin-failures-from-one-address").Wide(12),
		distinct("who-failed", "How many people failed?", "People who failed", "user.email", failed, "people").Worrying().Ruled("signin-failures-then-success").Wide(12),
		compared("firewall", "Did firewall rules block sign-ins?", "Blocked by firewall rules", failed+" and onepassword.failed_check: firewall", searchRules).
			Worrying().Ruled("signin-reported-by-firewall").Wide(12),
		compared("single-factor", "Who signs in without a second factor?", "Without a second factor", singleFactor, "single-factor-people").
			Ruled("signin-without-second-factor").Wide(12),
	}}
}

// signInEndings is how attempts ended and why.
func signInEndings() Row {
	return Row{11, []Panel{
		{
			ID: "over-time", Question: "How did attempts end over time?", Kind: Bars, Width: 28,
			By: []Bucket{Top(3, "Outcome", "event.outcome"), OverTime()}, Show: []Measure{EventCount()},
			Colors: map[string]string{"failure": bad, "success": good, "unknown": unsure},
		},
		{
			ID: "reasons", Question: "Why did they fail?", Kind: Ranking, Width: 20, Where: failed,
			By: []Bucket{Top(12, "Reason", "event.reason")}, Show: []Measure{{Label: "Failed sign-ins", Op: Count, Color: bad}},
		},
	}}
}

// signInPeople is who failed and who then succeeded.
func signInPeople() Row {
	return Row{13, []Panel{{
		ID: "people", Question: "Who failed, and did they succeed afterwards?", Kind: Table, Width: Columns, Leads: fromSignIns,
		Hint: "They succeeded afterwards if the last success is later than the last failure. Whose password an address guessed is in the table of addresses.",
		By:   []Bucket{who(100)},
		Show: []Measure{
			name(), CountIf("Failed", failed).Sorted(), CountIf("Succeeded", succeeded), LastIf("Last failure", failed),
			LastIf("Last success", succeeded), LastIfOf("Last reason", "event.reason", failed),
			UniqueOf("Countries", "source.geo.country_name"), UniqueIf("Addresses that failed", "source.ip", failed),
		},
	}}}
}

// signInAddresses is from which addresses.
func signInAddresses() Row {
	return Row{12, []Panel{{
		ID: "addresses", Question: "Which addresses tried several people, and got in?", Kind: Table, Width: Columns, Leads: fromSignIns,
		Hint: "An address where several people failed and one succeeded guessed the password of that one.",
		By:   []Bucket{Top(100, "Address", "source.ip")},
		Show: []Measure{
			UniqueIf("People who failed", "user.email", failed).Sorted(), CountIf("Failed", failed), CountIf("Succeeded", succeeded),
			LastIfOf("Last success of", "user.email", succeeded), LastIf("Last failure", failed), LastIf("Last success", succeeded),
			LastOf("Country", "source.geo.country_name"),
		},
	}}}
}

// signInDoubts is who signs in without a second factor, and who was in two countries at once.
func signInDoubts() Row {
	return Row{11, []Panel{
		{
			ID: "single-factor-people", Question: "Who signed in without a second factor?", Kind: Table, Width: 24, Leads: fromSignIns,
			Hint: "Sign-ins with the account password alone. A person with both kinds has a second factor and did not need it, or lost it. " +
				"Sign-ins through an identity provider and of service accounts are left out.",
			Where: "(" + singleFactor + ") or (" + secondFactor + ")",
			By:    []Bucket{who(100)},
			Show: []Measure{
				CountIf("Without", singleFactor).Sorted(), CountIf("With", secondFactor), LastIf("Last without", singleFactor),
			},
		},
		{
			ID: "two-countries", Question: "Who was in two countries within three hours?", Kind: Table, Width: 24, Where: succeeded, Leads: fromSignIns,
			Hint: "Each row is a person and three hours. Look at rows with two countries or more: that is too fast for travel, but a VPN does it.",
			By:   []Bucket{Top(50, "User", "user.email"), Over("Time", "@timestamp", "3h")},
			Show: []Measure{
				UniqueOf("Countries", "source.geo.country_name").Sorted(), LastOf("Last country", "source.geo.country_name"),
			},
		},
	}}
}

// signInNew is who signed in for the first time from where, and on what.
func signInNew() Row {
	return Row{11, []Panel{
		{
			ID: "new-countries", Question: "Who signed in from a new country?", Kind: Table, Width: 24, Where: succeeded, Leads: fromSignIns,
			Hint: "The newest pairs of user and country come first; sign-ins without a country are left out. " + newestLimit,
			By:   []Bucket{TopPairs(many, "User and country", "user.email", "source.geo.country_name")},
			Show: []Measure{FirstSeen().Sorted(), {Label: "Sign-ins", Op: Count}, LastOf("Address", "source.ip")},
		},
		{
			ID: "new-devices", Question: "Who signed in on a new device?", Kind: Table, Width: 24, Where: succeeded, Leads: []string{usagesID},
			Hint: "The newest pairs of user and device come first. A browser has the name of its kind, other apps that of the machine; sign-ins without it are left out. " + newestLimit,
			By:   []Bucket{TopPairs(many, "User and device", "user.email", "onepassword.client.platform_name")},
			Show: []Measure{FirstSeen().Sorted(), {Label: "Sign-ins", Op: Count}, LastOf("App", "user_agent.name")},
		},
	}}
}
