// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Stories of the account: its administrators, settings and service accounts, and of its collection.

package detectionstest

import (
	"time"

	sim "onepasswordbeat/internal/eventsapi/eventsapitest"
)

func (t *teller) account() {
	t.administratorAdded()
	t.secondFactorOff()
	t.policyChanged()
	t.serviceAccountCreated()
	t.newAddress()
	t.recovery()
	t.notProcessed()
}

func (t *teller) administratorAdded() {
	t.about("administrator-added")
	admin, member := t.People[0], t.People[1]
	group := t.id(true)
	t.must("a member joins", t.audit(t.after(0), admin, "join", "gm", of(group), target(member)))
	t.must("a member becomes a manager of the group", t.audit(t.after(0), admin, "role", "gm", of(group), target(member)))
	t.mustNot("a member leaves", t.audit(t.after(0), admin, "leave", "gm", of(group), target(member)))
	t.mustNot("a group is made", t.audit(t.after(0), admin, "create", "group", of(group)))
	t.mustNot("a person joins the account", t.audit(t.after(0), admin, "join", "user", target(member)))
	t.mustNot("a group gets access to a vault", t.audit(t.after(0), admin, "grant", "gva", of(t.vaults[0])))
}

func (t *teller) secondFactorOff() {
	t.about("second-factor-disabled")
	admin, member := t.People[0], t.People[1]
	t.must("of a person", t.audit(t.after(0), admin, "disblmfa", "user", target(member)))
	t.must("of everybody", t.audit(t.after(0), admin, "disblmfa", "account"))
	t.must("Duo", t.audit(t.after(0), admin, "disblduo", "account"))
	t.mustNot("turned on", t.audit(t.after(0), member, "enblmfa", "user", target(member)))
	t.mustNot("changed", t.audit(t.after(0), member, "updatmfa", "user", target(member)))
	t.mustNot("Duo is changed", t.audit(t.after(0), admin, "updatduo", "account"))
	t.mustNot("given too late at a sign-in", t.signIn(t.after(0), member, "mfa_failed", "totp_timeout"))
	t.mustNot("given by a method that is not allowed", t.signIn(t.after(0), member, "mfa_failed", "totp_disabled"))
}

func (t *teller) policyChanged() {
	t.about("signin-policy-changed")
	admin := t.People[0]
	t.must("firewall rules", t.audit(t.after(0), admin, "updatfw", "account"))
	t.must("single sign-on is turned off", t.audit(t.after(0), admin, "disblsso", "sso"))
	t.must("the policy of single sign-on", t.audit(t.after(0), admin, "chngpsso", "sso"))
	t.mustNot("a sign-in token is verified", t.audit(t.after(0), admin, "ssotknv", "ssotkn"))
	t.mustNot("the account's name", t.audit(t.after(0), admin, "update", "account"))
	t.mustNot("single sign-on is set up on a person's device", t.audit(t.after(0), admin, "sdvcsso", "user", target(admin)))
	t.mustNot("a firewall rule blocks a sign-in", t.signIn(t.after(0), admin, "firewall_failed", "ip_blocked"))
}

func (t *teller) serviceAccountCreated() {
	t.about("service-account-created")
	admin := t.People[0]
	t.must("a service account", t.audit(t.after(0), admin, "create", "sa"))
	t.must("a token", t.audit(t.after(0), admin, "create", "satoken"))
	t.mustNot("a token is verified", t.audit(t.after(0), admin, "tverify", "satoken"))
	t.mustNot("a token is revoked", t.audit(t.after(0), admin, "trevoke", "satoken"))
	t.mustNot("a token gets another name", t.audit(t.after(0), admin, "trename", "satoken"))
	t.mustNot("a service account expires", t.audit(t.after(0), admin, "expire", "sa"))
	t.mustNot("a vault", t.audit(t.after(0), admin, "create", "vault"))
}

func (t *teller) newAddress() {
	t.about("service-account-from-new-address")
	robot, person := t.Machines[0], t.People[0]
	fetch := func(at time.Time, who *Person, changes ...change) Event {
		return t.use(at, who, "server-fetch", t.vaults[0], t.items[t.vaults[0]][0], changes...)
	}
	before := t.each(6, day, func(_ int, at time.Time) Event { return fetch(at.Add(-10*day), robot) })
	t.must("an address that it never had", append(before, fetch(t.after(0), robot, from(far)))...)
	t.must("it changes something from there", append(before, t.audit(t.after(0), robot, "patch", "items", of(t.vaults[0]), from(far)))...)
	t.mustNot("its usual address", append(before, fetch(t.after(0), robot))...)
	t.mustNot("its usual address, another tool", append(before, fetch(t.after(0), robot, on("1Password SDK", "new-runner")))...)
	t.mustNot("a person with a new address", append(before, t.use(t.after(0), person, "fill", t.vaults[0], t.items[t.vaults[0]][0], from(far)))...)
	t.mustNot("an address that it had a week ago", append(before, fetch(t.after(-7*day), robot, from(far)), fetch(t.after(0), robot, from(far)))...)
}

func (t *teller) recovery() {
	t.about("recovery-completed-quickly")
	admin, member, other := t.People[0], t.People[1], t.People[2]
	step := func(after time.Duration, action string, who *Person) Event {
		return t.audit(t.after(after), admin, action, "user", target(who))
	}
	t.must("completed after ten minutes", step(0, "beginr", member), step(10*minute, "completr", member))
	t.must("completed at the second try", step(0, "beginr", member), step(5*minute, "cancelr", member), step(10*minute, "beginr", member), step(40*minute, "completr", member))
	t.mustNot("completed the next day", step(0, "beginr", member), step(20*hour, "completr", member))
	t.mustNot("cancelled", step(0, "beginr", member), step(10*minute, "cancelr", member))
	t.mustNot("completed for somebody else, begun yesterday", step(-20*hour, "beginr", other), step(0, "beginr", member), step(10*minute, "completr", other))
	t.mustNot("begun again after it was completed", step(0, "completr", member), step(10*minute, "beginr", member))
}

func (t *teller) notProcessed() {
	t.about("events-not-processed")
	broken := func(change func(object)) Event {
		e := t.failure(t.after(0), t.People[0])
		change(e.Item)
		return e
	}
	t.must("an event without a time", broken(func(item object) { delete(item, "timestamp") }))
	t.must("an event with an invalid time", broken(func(item object) { item["timestamp"] = "yesterday" }))
	t.mustNot("an attempt that failed", t.failure(t.after(0), t.People[0]))
	t.mustNot("an unknown kind of attempt", broken(func(item object) { item["category"], item["type"] = "quantum_failed", "qubit_bad" }))
	t.mustNot("a key that is new", broken(func(item object) { item["shoe_size"] = 43.0 }))
	t.mustNot("a value of another type", broken(func(item object) { item["country"] = 49.0 }))
	unknown := t.audit(t.after(0), t.People[0], "unknown", "unknown")
	t.mustNot("an action that the API itself does not know", Event{sim.AuditEvents, unknown.Item, unknown.At, unknown.Arrived})
}
