// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Sign-in attempts: who failed, from where, why, and whether they succeeded afterwards.

package boards

const signInsText = `**Who failed to sign in, from where and why, and did they succeed afterwards?** ` +
	`Compare *Last failure* and *Last success*: a success soon after many failures, from a country or on a device that is new for ` +
	`that user, deserves a look. An address that fails for many users is somebody who guesses passwords; the table says whose it guessed. ` +
	`**New** means first seen in the time range: choose 30 days or more. A click on a user leads to what they did with items and ` +
	`in the account.`

func signIns() Dashboard {
	return Dashboard{
		ID: signInsID, Name: "Sign-in attempts", Title: "[Logs 1Password] Sign-in attempts",
		Description: "Who failed to sign in, from where and why, and did they succeed afterwards; new countries and devices.",
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
			{11, []Panel{events("failures", "Which sign-ins failed?", searchFailed, Columns)}},
			signInPlaces(),
			newCountries(),
			newDevices(),
			signInApps(),
			signInOutsiders(),
			{16, []Panel{events("events", "Which attempts are behind all this?", searchSignIns, Columns)}},
		},
	}
}

// signInFigures is one figure for each way to end.
func signInFigures() Row {
	const failures = "failures"
	return Row{6, []Panel{
		compared("attempts", "How many attempts?", "Attempts", "", "events"),
		compared("failed", "How many failed?", "Failed sign-ins", failed, failures).Worrying(),
		distinct("who-failed", "How many people failed?", "People who failed", "user.email", failed, "people").Worrying(),
		compared("mfa", "Did the second factor fail?", "Second factor failed", "onepassword.failed_check: mfa", failures).Worrying(),
		compared("firewall", "Did firewall rules block?", "Blocked", failed+" and onepassword.failed_check: firewall", "rules").Worrying(),
		distinct("countries-count", "From how many countries?", "Countries", "source.geo.country_name", succeeded, "countries").
			Note("Of sign-ins that succeeded."),
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
	return Row{14, []Panel{{
		ID: "people", Question: "Who failed, and did they succeed afterwards?", Kind: Table, Width: Columns, Leads: fromSignIns,
		Hint: "They succeeded afterwards if the last success is later than the last failure. Whose password an address guessed is in the table of addresses.",
		By:   []Bucket{who(100)},
		Show: []Measure{
			name(), CountIf("Failed", failed).Sorted(), CountIf("Succeeded", succeeded), LastIf("Last failure", failed),
			LastIf("Last success", succeeded), LastIfOf("Last reason", "event.reason", failed),
			UniqueOf("Countries", "source.geo.country_name"), UniqueIf("Addresses that failed", "source.ip", failed), userID(),
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

// signInPlaces is where failures come from.
func signInPlaces() Row {
	return Row{13, []Panel{
		{
			ID: "map", Question: "Where did failed attempts come from?", Kind: Map, Width: 24, Where: failed, Alarm: true,
			Hint: "The table beside it has the same content.",
		},
		{
			ID: "countries", Question: "Which countries failed, which are new?", Kind: Table, Width: 24, Leads: fromSignIns,
			By: []Bucket{Top(50, "Country", "source.geo.country_name")},
			Show: []Measure{
				LastOf("Code", "source.geo.country_iso_code"), CountIf("Failed", failed).Sorted(), CountIf("Succeeded", succeeded),
				UniqueOf("People", "user.email"), FirstSeen(), LastSeen(),
			},
		},
	}}
}

// newCountries is who signed in from where for the first time.
func newCountries() Row {
	return Row{11, []Panel{{
		ID: "new-countries", Question: "Who signed in from a new country?", Kind: Table, Width: Columns, Where: succeeded, Leads: fromSignIns,
		Hint: "The newest pairs of user and country come first; sign-ins without a country are left out. " + newestLimit,
		By:   []Bucket{TopPairs(many, "User and country", "user.email", "source.geo.country_name")},
		Show: []Measure{
			name(), FirstSeen().Sorted(), LastSeen(), {Label: "Sign-ins", Op: Count}, LastOf("Address", "source.ip"), userID(),
		},
	}}}
}

// newDevices is who signed in on what for the first time.
func newDevices() Row {
	return Row{11, []Panel{{
		ID: "new-devices", Question: "Who signed in on a new device?", Kind: Table, Width: Columns, Where: succeeded, Leads: []string{usagesID},
		Hint: "The newest pairs of user and device come first. A browser has the name of its kind, other apps that of the machine; sign-ins without it are left out. " + newestLimit,
		By:   []Bucket{TopPairs(many, "User and device", "user.email", "onepassword.client.platform_name")},
		Show: []Measure{
			FirstSeen().Sorted(), LastSeen(), {Label: "Sign-ins", Op: Count}, LastOf("App", "user_agent.name"), LastOf("System", "user_agent.os.full"),
			LastOf("Country", "source.geo.country_name"), userID(),
		},
	}}}
}

// signInOutsiders is who is no member.
func signInOutsiders() Row {
	return Row{8, []Panel{{
		ID: "outsiders", Question: "Do external users and service accounts sign in?", Kind: Table, Width: Columns, Leads: fromSignIns,
		Where: externalSignIn + " or " + serviceAccount,
		By:    []Bucket{who(50)},
		Show: []Measure{
			name(), CountIf("Failed", failed), CountIf("Succeeded", succeeded), UniqueOf("Addresses", "source.ip"), LastSeen(), userID(),
		},
	}}}
}

// signInApps is what firewall rules made of attempts, and with what people signed in.
func signInApps() Row {
	return Row{10, []Panel{
		{
			ID: "rules", Question: "Which firewall rules matched, and what did they let through?", Kind: Table, Width: 24,
			Where: "onepassword.failed_check: firewall",
			By:    []Bucket{Top(10, "Rule", "event.reason"), Top(10, "Matched", "onepassword.details.value").All()},
			Show:  []Measure{EventCount(), CountIf("Blocked", failed), CountIf("Let through", succeeded), LastSeen()},
		},
		{
			ID: "apps", Question: "Which apps and versions are in use, which are refused?", Kind: Table, Width: 24,
			By: []Bucket{TopPairs(50, "App and version", "user_agent.name", "user_agent.version")},
			Show: []Measure{
				UniqueOf("People", "user.email"), EventCount(), CountIf("Failed", failed),
				CountIf("Refused for its age", "onepassword.failed_check: app_version"), LastSeen(),
			},
		},
	}}
}
