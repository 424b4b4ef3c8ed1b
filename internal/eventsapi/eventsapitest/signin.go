// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Sign-in attempts.

package eventsapitest

type attempt struct{ category, typ string }

var usualAttempts = []attempt{
	{"success", "credentials_ok"}, {"success", "credentials_ok"}, {"success", "mfa_ok"}, {"success", "federated"},
	{"success", "credentials_ok"}, {"credentials_failed", "password_secret_bad"},
}

// attempts are all documented types, each with the category that its name goes
// with. Both spellings of the U2F timeout are documented.
var attempts = []attempt{
	{"success", "credentials_ok"}, {"success", "mfa_ok"}, {"success", "federated"},
	{"credentials_failed", "password_secret_bad"},
	{"mfa_failed", "mfa_missing"}, {"mfa_failed", "totp_disabled"}, {"mfa_failed", "totp_bad"}, {"mfa_failed", "totp_timeout"},
	{"mfa_failed", "u2f_disabled"}, {"mfa_failed", "u2f_bad"}, {"mfa_failed", "u2f_timeout"}, {"mfa_failed", "u2f_timout"},
	{"mfa_failed", "duo_disabled"}, {"mfa_failed", "duo_bad"}, {"mfa_failed", "duo_timeout"}, {"mfa_failed", "duo_native_bad"},
	{"mfa_failed", "code_disabled"}, {"mfa_failed", "code_bad"}, {"mfa_failed", "code_timeout"},
	{"sso_failed", "platform_secret_disabled"}, {"sso_failed", "platform_secret_bad"}, {"sso_failed", "platform_secret_proxy"},
	{"sso_failed", "service_account_sso_denied"}, {"sso_failed", "non_sso_user"}, {"sso_failed", "sso_user_mismatch"},
	{"firewall_failed", "ip_blocked"}, {"firewall_failed", "continent_blocked"}, {"firewall_failed", "country_blocked"},
	{"firewall_failed", "anonymous_blocked"}, {"firewall_failed", "all_blocked"},
	{"firewall_reported_success", "ip_blocked"}, {"firewall_reported_success", "continent_blocked"},
	{"firewall_reported_success", "country_blocked"}, {"firewall_reported_success", "anonymous_blocked"},
	{"modern_version_failed", "modern_version_missing"}, {"modern_version_failed", "modern_version_old"},
}

func (e *eventWriter) signIn() {
	e.begin()
	a := pick(&e.r, usualAttempts)
	if e.g%6 == 5 { // every pair comes round
		a = attempts[e.g/6%len(attempts)]
	}
	if e.v1 && a.typ == "federated" { // v2 only
		a.typ = "credentials_ok"
	}
	c := pick(&e.r, interactive)
	p := &e.people[e.r.n(e.members+len(externals))]
	if a.typ == "service_account_sso_denied" {
		c, p = serverSide[0], &e.people[len(e.people)-1]
	}
	ip, at := e.ip(&e.r, p)
	e.id(`,"session_uuid":`, upper)
	e.stamp(`,"timestamp":`, e.time)
	country := at.iso
	if country == "GB" && e.r.permille(500) { // seen live, though no ISO code
		country = "UK"
	}
	e.str(`,"country":`, country)
	e.str(`,"category":`, a.category)
	e.str(`,"type":`, a.typ)
	e.signInDetails(a.typ, ip, at)
	e.user(`,"target_user":`, p)
	e.client(&c, p, ip)
	e.location(at, true)
	e.end()
}

// signInDetails says what a firewall rule matched; else it is null, in v2
// sometimes missing.
func (e *eventWriter) signInDetails(typ, ip string, at *place) {
	switch typ {
	case "ip_blocked":
		e.str(`,"details":{"value":`, ip)
	case "continent_blocked":
		e.str(`,"details":{"value":`, at.continent)
	case "country_blocked":
		e.str(`,"details":{"value":`, at.country)
	default:
		if missing := e.r.permille(200); e.v1 || !missing {
			e.raw(`,"details":null`)
		}
		return
	}
	e.raw("}")
}
