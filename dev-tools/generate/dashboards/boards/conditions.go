// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Conditions in KQL that several panels and searches share. An audit action means something only together with the
// type of its object: "create" alone is a vault, a token or a payment card.

package boards

const (
	failed    = `event.outcome: failure`
	succeeded = `event.outcome: success`
	// The API says what the last check was: an account password alone, or a second factor after it. A sign-in through an
	// identity provider has the second factor there; a service account has none.
	singleFactor = `event.outcome: success and onepassword.type: credentials_ok and not ` + serviceAccount
	secondFactor = `event.outcome: success and onepassword.type: mfa_ok`

	// Audit events.
	accessGiven = `(onepassword.object_type: (gva or uva) and event.action: grant) or ` +
		`(onepassword.object_type: gm and event.action: join)`
	accessTaken = `(onepassword.object_type: (gva or uva) and event.action: revoke) or ` +
		`(onepassword.object_type: gm and event.action: leave)`
	accessChanged = `onepassword.object_type: (gm or gva or uva)`
	groupsChanged = `onepassword.object_type: group`
	peopleJoined  = `onepassword.object_type: user and event.action: (activate or join or reactive)`
	peopleLeft    = `onepassword.object_type: user and event.action: (delete or suspend)`
	peopleChanged = `(onepassword.object_type: user and event.action: (activate or beginr or cancelr or completr or delete or ` +
		`join or reactive or resendts or sendts or suspend or upguest or verify)) or onepassword.object_type: (invite or miguser)`
	ownChanged = `(onepassword.object_type: user and event.action: (changeks or changela or changemp or changenm or changesk or ` +
		`sdvcsso or tdvcsso or trvlaway or trvlback)) or onepassword.object_type: ec`
	settingsChanged = `onepassword.object_type: sso or (onepassword.object_type: account and event.action: ` +
		`(disblduo or disblmfa or dvrfydmn or enblduo or uisas or updatduo or updatfw or uvrfydmn or vrfydmn)) or ` +
		`(onepassword.object_type: user and event.action: (disblmfa or enblmfa or updatmfa))`
	tokens        = `onepassword.object_type: (sa or satoken)`
	tokensMade    = tokens + ` and event.action: create`
	tokensChanged = tokens + ` and event.action: (create or expire or trevoke)`
	vaultExported = `onepassword.object_type: vault and event.action: export`
	itemSent      = `onepassword.object_type: user and event.action: sendpkg`
	vaultsChanged = `onepassword.object_type: (file or item or itemhist or items or template or vault) or (` + itemSent + `)`
	devices       = `onepassword.object_type: (cred or device) or (onepassword.object_type: user and event.action: (dealldev or deolddev))`
	// Sessions that an app starts on behalf of another are most of a real stream, and their number says nothing.
	deliberate = `not onepassword.object_type: (dlgdsess or ssotkn)`

	// Item usages.
	revealed = `event.action: reveal`
	copied   = `event.action: secure-copy`
	exported = `event.action: export`
	shared   = `event.action: share`
	gone     = `event.action: (export or share)`
	taken    = `event.action: (export or reveal or secure-copy or share)`

	// All event types.
	// Of audit events what opens or weakens something. An item that is shared is a usage and an audit event; it counts as
	// a usage.
	sensitiveAudit = `(` + accessGiven + `) or (` + settingsChanged + `) or (` + tokensMade + `) or (` + vaultExported + `)`
	// A leading wildcard, which Kibana's setting query:allowLeadingWildcards allows unless somebody turned it off.
	serviceAccount = `user.email: *@1passwordserviceaccounts.com`
	// Users of other accounts; each event type has a field of its own for what kind of user it was.
	externalActor  = `onepassword.actor_type: external_user`
	externalSignIn = `onepassword.target_user.type: external_user`
	externalUsage  = `onepassword.user.type: external_user`
	externalUser   = externalActor + " or " + externalSignIn + " or " + externalUsage
	broken         = `event.kind: pipeline_error or error.message: *`
)

// of is a condition for the events of one dataset.
func of(dataset, where string) string { return Condition([]string{dataset}, where) }
