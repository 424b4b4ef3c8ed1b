// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The documented pairs of action and object type, and what object and aux are.

package eventsapitest

// ref says what an id of an audit event refers to.
type ref int

const (
	refNone    ref = iota // aux: left out; object: ""
	refUpper              // an id of its own, upper case
	refLower              // the same, lower case
	refAccount            // the event's account
	refMember             // a member, with details
	refSelf               // the actor, with details
	refDevice
	refGroup
	refVault
	refItem
	refServiceAccount
	refSession // the session in which it happened
)

// auditPair is one kind of audit event. info is what aux_info may hold.
type auditPair struct {
	action, typ string
	object, aux ref
	auxID       bool
	info        []string
}

var (
	roles       = []string{"A", "R"} // manager, member
	permissions = []string{"1,2,4", "255", "8388594", "3"}
	counts      = []string{"1,0,0,0,0", "0,1,0,0,0", "0,3,0,0,0", "2,1,0,0,0"}
	reports     = []string{"activity-log", "item-usage", "domain-breach", "overview"}
	tokenNames  = []string{"deploy", `nightly "full" backup`, "Büro-Scanner", "laptop of R&D"}
	domains     = []string{"example.com", "example.org"}
	mfaTypes    = []string{"totp", "u2f", "duo"}
	languages   = []string{"en", "de", "fr", "ja"}
	providers   = []string{"okta", "entra", "google", "generic"}
	rules       = []string{"deny country", "allow ip", "report anonymous"}
	inviteMail  = []string{"new.hire@example.com", "contractor@example.net", "o'brien@example.org"}
	reasons     = []string{"1", "2"}
	saTypes     = []string{"D", "E", "C"}
)

// auditPairs follows the table in the Events API reference.
var auditPairs = []auditPair{
	{action: "activate", typ: "account", object: refAccount},
	{action: "update", typ: "account", object: refAccount, info: domains},
	{action: "delete", typ: "account", object: refAccount},
	{action: "convert", typ: "account", object: refAccount},
	{action: "enblduo", typ: "account", object: refAccount},
	{action: "updatduo", typ: "account", object: refAccount},
	{action: "disblduo", typ: "account", object: refAccount},
	{action: "updatfw", typ: "account", object: refAccount, info: rules},
	{action: "uisas", typ: "account", object: refAccount},
	{action: "disblmfa", typ: "account", object: refAccount, info: mfaTypes},
	{action: "vrfydmn", typ: "account", object: refAccount, info: domains},
	{action: "uvrfydmn", typ: "account", object: refAccount, info: domains},
	{action: "dvrfydmn", typ: "account", object: refAccount, info: domains},

	{action: "dlgsess", typ: "dlgdsess", object: refUpper, aux: refSession},
	{action: "ssotknv", typ: "ssotkn", object: refUpper},

	{action: "create", typ: "device", object: refDevice, aux: refSelf},
	{action: "update", typ: "device", object: refDevice, aux: refSelf},
	{action: "delete", typ: "device", object: refDevice, aux: refSelf},
	{action: "reauth", typ: "device", object: refDevice, aux: refSelf},

	{action: "begin", typ: "ec", object: refUpper, info: inviteMail},
	{action: "complete", typ: "ec", object: refUpper, info: inviteMail},
	{action: "propose", typ: "ec", object: refUpper, info: inviteMail},
	{action: "rdmchild", typ: "famchild", object: refUpper},
	{action: "detchild", typ: "famchild", object: refUpper},
	{action: "create", typ: "file", object: refLower},

	{action: "create", typ: "group", object: refGroup},
	{action: "delete", typ: "group", object: refGroup},
	{action: "update", typ: "group", object: refGroup},
	{action: "purge", typ: "group", object: refGroup},
	{action: "changeks", typ: "group", object: refGroup},
	{action: "join", typ: "gm", object: refGroup, aux: refMember, auxID: true, info: roles},
	{action: "leave", typ: "gm", object: refGroup, aux: refMember, auxID: true, info: roles},
	{action: "role", typ: "gm", object: refGroup, aux: refMember, auxID: true, info: roles},

	{action: "grant", typ: "gva", object: refVault, aux: refGroup, auxID: true, info: permissions},
	{action: "revoke", typ: "gva", object: refVault, aux: refGroup, auxID: true},
	{action: "update", typ: "gva", object: refVault, aux: refGroup, auxID: true, info: permissions},
	{action: "grant", typ: "uva", object: refVault, aux: refMember, auxID: true, info: permissions},
	{action: "revoke", typ: "uva", object: refVault, aux: refMember, auxID: true},
	{action: "update", typ: "uva", object: refVault, aux: refMember, auxID: true, info: permissions},

	{action: "create", typ: "invite", object: refUpper, info: inviteMail},
	{action: "update", typ: "invite", object: refUpper, info: inviteMail},
	{action: "prsndall", typ: "invite", object: refNone},

	{action: "patch", typ: "items", object: refVault, auxID: true, info: counts},
	{action: "delete", typ: "items", object: refVault, auxID: true},
	{action: "purge", typ: "items", object: refVault, auxID: true},
	{action: "purge", typ: "itemhist", object: refVault, auxID: true},
	{action: "share", typ: "item", object: refItem, aux: refVault},
	{action: "delshare", typ: "item", object: refItem, aux: refVault},

	{action: "create", typ: "mngdacc", object: refUpper},
	{action: "launchi", typ: "mngdacc", object: refUpper},
	{action: "unlink", typ: "mngdacc", object: refUpper},

	{action: "enblmfa", typ: "user", object: refMember, info: mfaTypes},
	{action: "updatmfa", typ: "user", object: refMember, info: mfaTypes},
	{action: "disblmfa", typ: "user", object: refMember, info: mfaTypes},
	{action: "deolddev", typ: "user", object: refMember},
	{action: "dealldev", typ: "user", object: refMember},
	{action: "sendpkg", typ: "user", object: refMember},
	{action: "sendts", typ: "user", object: refMember},
	{action: "resendts", typ: "user", object: refMember},
	{action: "upguest", typ: "user", object: refMember},
	{action: "verify", typ: "user", object: refMember},
	{action: "join", typ: "user", object: refMember},
	{action: "activate", typ: "user", object: refMember},
	{action: "reactive", typ: "user", object: refMember},
	{action: "suspend", typ: "user", object: refMember, info: reasons},
	{action: "delete", typ: "user", object: refMember},
	{action: "beginr", typ: "user", object: refMember},
	{action: "completr", typ: "user", object: refMember},
	{action: "cancelr", typ: "user", object: refMember},
	{action: "trvlaway", typ: "user", object: refSelf},
	{action: "trvlback", typ: "user", object: refSelf},
	{action: "changeks", typ: "user", object: refSelf},
	{action: "changemp", typ: "user", object: refSelf},
	{action: "changesk", typ: "user", object: refSelf},
	{action: "changenm", typ: "user", object: refSelf},
	{action: "changela", typ: "user", object: refSelf, info: languages},
	{action: "tdvcsso", typ: "user", object: refSelf, aux: refDevice},
	{action: "sdvcsso", typ: "user", object: refSelf, aux: refDevice},

	{action: "create", typ: "miguser", object: refMember},
	{action: "musercom", typ: "miguser", object: refMember},
	{action: "muserdec", typ: "miguser", object: refMember},

	{action: "export", typ: "report", object: refNone, info: reports},
	{action: "view", typ: "report", object: refNone, info: reports},

	{action: "create", typ: "sa", object: refServiceAccount, info: saTypes},
	{action: "expire", typ: "sa", object: refServiceAccount},
	{action: "create", typ: "satoken", object: refServiceAccount, info: tokenNames},
	{action: "trename", typ: "satoken", object: refServiceAccount, info: tokenNames},
	{action: "tverify", typ: "satoken", object: refServiceAccount, info: tokenNames},
	{action: "trevoke", typ: "satoken", object: refServiceAccount, info: tokenNames},

	{action: "create", typ: "slackapp", object: refUpper},
	{action: "delete", typ: "slackapp", object: refUpper},
	{action: "update", typ: "slackapp", object: refUpper},

	{action: "enblsso", typ: "sso", object: refUpper, info: providers},
	{action: "disblsso", typ: "sso", object: refUpper},
	{action: "chngpsso", typ: "sso", object: refUpper},
	{action: "chngasso", typ: "sso", object: refUpper},
	{action: "chngdsso", typ: "sso", object: refUpper},
	{action: "addgsso", typ: "sso", object: refUpper, aux: refGroup},
	{action: "delgsso", typ: "sso", object: refUpper, aux: refGroup},

	{action: "create", typ: "card", object: refUpper},
	{action: "update", typ: "card", object: refUpper},
	{action: "delete", typ: "card", object: refUpper},
	{action: "create", typ: "pm", object: refUpper},
	{action: "delete", typ: "pm", object: refUpper},
	{action: "create", typ: "sub", object: refUpper},
	{action: "update", typ: "sub", object: refUpper},
	{action: "cancel", typ: "sub", object: refUpper},

	{action: "create", typ: "template", object: refLower},
	{action: "update", typ: "template", object: refLower},
	{action: "hide", typ: "template", object: refLower},
	{action: "unhide", typ: "template", object: refLower},
	{action: "delete", typ: "template", object: refLower},

	{action: "create", typ: "cred", object: refUpper},
	{action: "delete", typ: "cred", object: refUpper},

	{action: "create", typ: "vault", object: refVault},
	{action: "delete", typ: "vault", object: refVault},
	{action: "purge", typ: "vault", object: refVault},
	{action: "update", typ: "vault", object: refVault},
	{action: "updatea", typ: "vault", object: refVault},
	{action: "export", typ: "vault", object: refVault},

	{action: "unknown", typ: "unknown", object: refUpper},
}

// usualPairs are what most of a real stream consists of, as often as there:
// delegated sessions above all.
var usualPairs = func() (pairs []auditPair) {
	weights := map[string]int{"dlgsess/dlgdsess": 32, "patch/items": 4, "view/report": 1, "ssotknv/ssotkn": 2, "update/device": 1}
	for _, p := range auditPairs {
		for range weights[p.action+"/"+p.typ] {
			pairs = append(pairs, p)
		}
	}
	return pairs
}()
