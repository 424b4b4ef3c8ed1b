// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The saved searches. All events and those of each type have the ids of Elastic's package, so that an upgrade replaces them.

package boards

// The ids of the saved searches.
const (
	searchAll      = "1password-all-events"
	searchSignIns  = "1password-signin-attempts"
	searchUsages   = "1password-item-usages"
	searchAudits   = "1password-audit-events"
	searchFailed   = "1password-failed-sign-ins"
	searchGone     = "1password-items-exported-or-shared"
	searchExports  = "1password-vault-exports"
	searchAccess   = "1password-access-changes"
	searchPeople   = "1password-people-changes"
	searchSettings = "1password-security-settings-changes"
	searchTokens   = "1password-service-account-changes"
	searchBroken   = "1password-events-with-errors"

	searchExternal       = "1password-external-users"
	searchService        = "1password-service-accounts"
	searchExternalUsages = "1password-item-usages-by-external-users"
	searchRules          = "1password-firewall-rules-matched"
	searchOldApps        = "1password-sign-ins-with-outdated-apps"
	searchOutsiders      = "1password-sign-ins-of-external-users"
)

// Searches returns the saved searches.
func Searches() []Search {
	every := []string{Audit, Usage, SignIn}
	return append(append(auditSearches(), partSearches()...), []Search{
		{
			ID: searchAll, Title: "[Logs 1Password] All events", Datasets: every,
			Description: "All events of 1Password, each in one line.",
			Columns:     []string{"event.dataset", "message", "user.email", "source.ip", "source.geo.country_name", "event.outcome"},
		},
		{
			ID: searchSignIns, Title: "[Logs 1Password] Sign-in attempts", Datasets: []string{SignIn},
			Description: "Who tried to sign in, from where, and how it ended.",
			Columns: []string{"user.full_name", "user.email", "event.outcome", "event.reason", "source.ip", "source.geo.country_name",
				"user_agent.name", "onepassword.client.platform_name"},
		},
		{
			ID: searchFailed, Title: "[Logs 1Password] Failed sign-ins", Datasets: []string{SignIn}, Where: failed,
			Description: "Sign-in attempts that failed or were blocked, with the reason.",
			Columns: []string{"user.full_name", "user.email", "event.reason", "source.ip", "source.geo.country_name",
				"user_agent.name", "onepassword.client.platform_name"},
		},
		{
			ID: searchUsages, Title: "[Logs 1Password] Item usages", Datasets: []string{Usage},
			Description: "What people and programs did with the items of shared vaults.",
			Columns: []string{"user.full_name", "user.email", "onepassword.action_name", "onepassword.vault.name", "onepassword.vault_uuid",
				"onepassword.item.title", "onepassword.item_uuid", "user_agent.name", "source.ip", "source.geo.country_name"},
		},
		{
			ID: searchGone, Title: "[Logs 1Password] Items and vaults exported or shared", Datasets: []string{Audit, Usage},
			Where:       of(Usage, gone) + " or " + of(Audit, "("+vaultExported+") or ("+itemSent+")"),
			Description: "What left its vault: items exported to a file, shared by a link or sent to somebody, and whole vaults exported.",
			Columns: []string{"user.full_name", "user.email", "onepassword.action_name", "onepassword.vault_uuid",
				"onepassword.item_uuid", "source.ip", "source.geo.country_name"},
		},
		{
			ID: searchBroken, Title: "[Logs 1Password] Events with errors", Datasets: every, Where: broken,
			Description: "Events that were not understood in full. Nothing of them is lost; the message says what was wrong.",
			Columns:     []string{"error.message", "event.dataset", "agent.name", "event.id"},
		},
	}...)
}

// partSearches are the events of some people, or with some outcome, that no panel shows.
func partSearches() []Search {
	every := []string{Audit, Usage, SignIn}
	return []Search{
		{
			ID: searchExternal, Title: "[Logs 1Password] Events of external users", Datasets: every, Where: externalUser,
			Description: "What users of other accounts did, such as those of a managed service provider.",
			Columns:     []string{"event.dataset", "message", "user.email", "source.ip", "source.geo.country_name", "event.outcome"},
		},
		{
			ID: searchService, Title: "[Logs 1Password] Events of service accounts", Datasets: every, Where: serviceAccount,
			Description: "What service accounts did.",
			Columns:     []string{"event.dataset", "message", "user.full_name", "source.ip", "source.geo.country_name", "event.outcome"},
		},
		{
			ID: searchExternalUsages, Title: "[Logs 1Password] Item usages of external users", Datasets: []string{Usage}, Where: externalUsage,
			Description: "What users of other accounts did with items of shared vaults.",
			Columns: []string{"user.full_name", "user.email", "onepassword.action_name", "onepassword.vault_uuid",
				"onepassword.item_uuid", "source.ip", "source.geo.country_name"},
		},
		{
			ID: searchRules, Title: "[Logs 1Password] Sign-ins that matched a firewall rule", Datasets: []string{SignIn}, Where: "onepassword.failed_check: firewall",
			Description: "Sign-in attempts that a firewall rule blocked, or reported and let through.",
			Columns: []string{"user.full_name", "user.email", "event.outcome", "event.reason", "onepassword.details.value", "source.ip",
				"source.geo.country_name"},
		},
		{
			ID: searchOldApps, Title: "[Logs 1Password] Sign-ins with outdated apps", Datasets: []string{SignIn}, Where: "onepassword.failed_check: app_version",
			Description: "Sign-in attempts that failed because the app was too old.",
			Columns: []string{"user.full_name", "user.email", "user_agent.name", "user_agent.version", "onepassword.client.platform_name",
				"source.ip"},
		},
		{
			ID: searchOutsiders, Title: "[Logs 1Password] Sign-ins of external users and service accounts", Datasets: []string{SignIn},
			Where:       externalSignIn + " or " + serviceAccount,
			Description: "Sign-in attempts of users of other accounts, and of service accounts.",
			Columns: []string{"user.full_name", "user.email", "event.outcome", "event.reason", "source.ip", "source.geo.country_name",
				"user_agent.name"},
		},
	}
}

// auditSearches are all audit events and those of one subject each.
func auditSearches() []Search {
	return []Search{
		{
			ID: searchAudits, Title: "[Logs 1Password] Audit events", Datasets: []string{Audit},
			Description: "What administrators, members and service accounts did in the account.",
			Columns: []string{"user.full_name", "user.email", "onepassword.action_name", "user.target.email",
				"onepassword.object_uuid", "source.ip", "source.geo.country_name"},
		},
		{
			ID: searchExports, Title: "[Logs 1Password] Vaults exported and items sent", Datasets: []string{Audit},
			Where:       "(" + vaultExported + ") or (" + itemSent + ")",
			Description: "Who exported which vault, and who sent an item to whom. Items that are exported or shared are item usages.",
			Columns: []string{"user.full_name", "user.email", "onepassword.action_name", "onepassword.vault_uuid", "user.target.email",
				"source.ip", "source.geo.country_name"},
		},
		{
			ID: searchAccess, Title: "[Logs 1Password] Changes of access", Datasets: []string{Audit}, Where: accessChanged,
			Description: "Who gave whom access to which vault or group, changed it, or took it away. A vault or group has no name in these events, only its id.",
			Columns: []string{"user.full_name", "user.email", "onepassword.action_name", "user.target.full_name", "user.target.email", "group.name", "group.id",
				"onepassword.vault.name", "onepassword.vault_uuid", "onepassword.aux_info"},
		},
		{
			ID: searchPeople, Title: "[Logs 1Password] People who came and left", Datasets: []string{Audit}, Where: peopleChanged,
			Description: "Who was invited, joined, was suspended, deleted or recovered, and by whom.",
			Columns:     []string{"user.full_name", "user.email", "onepassword.action_name", "user.target.full_name", "user.target.email", "user.target.id"},
		},
		{
			ID: searchSettings, Title: "[Logs 1Password] Changes of security settings", Datasets: []string{Audit}, Where: settingsChanged,
			Description: "Single sign-on, second factors, firewall rules, verified domains and the sharing of items.",
			Columns: []string{"user.full_name", "user.email", "onepassword.action_name", "onepassword.aux_info", "user.target.full_name",
				"user.target.email", "source.ip"},
		},
		{
			ID: searchTokens, Title: "[Logs 1Password] Service accounts and tokens", Datasets: []string{Audit}, Where: tokensChanged,
			Description: "Which service accounts, integrations and tokens were made, expired or were revoked. onepassword.aux_info is the token's name.",
			Columns:     []string{"user.full_name", "user.email", "onepassword.action_name", "onepassword.aux_info", "user.target.id", "source.ip"},
		},
	}
}

// Tag is a name for assets of one subject.
type Tag struct {
	Text   string
	Types  []string // all assets of these types, or
	Assets []string // these
}

// Tags returns the tags of the package. Security Solution is the one that the Security app lists dashboards by.
func Tags() []Tag {
	return []Tag{
		{Text: "Security Solution", Types: []string{"dashboard", "search"}},
		{Text: "1Password sign-in attempts", Assets: []string{signInsID, searchSignIns, searchFailed, searchRules, searchOldApps, searchOutsiders}},
		{Text: "1Password item usages", Assets: []string{usagesID, searchUsages, searchGone, searchExternalUsages}},
		{Text: "1Password audit events", Assets: []string{auditsID, searchAudits, searchGone, searchExports, searchAccess, searchPeople, searchSettings, searchTokens}},
		{Text: "1Password collection health", Assets: []string{overviewID, searchBroken}},
	}
}
