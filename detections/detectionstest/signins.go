// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Stories of sign-ins.

package detectionstest

import "time"

const (
	sec    = time.Second
	minute = time.Minute
	hour   = time.Hour
	day    = 24 * time.Hour
)

func (t *teller) signIns() {
	t.oneAddress()
	t.failuresThenSuccess()
	t.newCountry()
	t.newDevice()
	t.firewallReport()
	t.withoutSecondFactor()
}

func (t *teller) oneAddress() {
	t.about("signin-failures-from-one-address")
	fail := func(people int, step time.Duration, changes ...change) []Event {
		return t.each(people, step, func(i int, at time.Time) Event { return t.failure(at, t.People[i], changes...) })
	}
	t.must("a script tries eight people", fail(8, 20*sec, from(far))...)
	t.must("second factors of five people are wrong", t.each(5, 10*minute, func(i int, at time.Time) Event {
		return t.signIn(at, t.People[i], "mfa_failed", "totp_bad", from(far))
	})...)
	t.mustNot("one person fails often", t.each(12, 30*sec, func(_ int, at time.Time) Event { return t.failure(at, t.People[0], from(far)) })...)
	t.mustNot("four people of an office mistype, some of them twice", join(fail(4, 2*minute, from(far)), fail(4, 3*minute, from(far)))...)
	t.mustNot("eight people fail, each at home", fail(8, 20*sec)...)
	t.mustNot("five people fail in the course of a day", fail(5, 90*minute, from(far))...)
	t.mustNot("an office's apps are too old", t.each(8, minute, func(i int, at time.Time) Event {
		return t.signIn(at, t.People[i], "modern_version_failed", "modern_version_old", from(far))
	})...)
	t.mustNot("eight people of an office sign in", t.each(8, minute, func(i int, at time.Time) Event { return t.success(at, t.People[i], from(far)) })...)
}

func (t *teller) failuresThenSuccess() {
	t.about("signin-failures-then-success")
	victim, other := t.People[0], t.People[1]
	fails := func(n int, step time.Duration) []Event {
		return t.each(n, step, func(_ int, at time.Time) Event { return t.failure(at, victim, from(far)) })
	}
	t.must("six wrong passwords, then the right one", append(fails(6, 10*sec), t.success(t.after(2*minute), victim, from(far)))...)
	t.must("wrong second factors, then one that a firewall rule reports", append(t.each(5, minute, func(_ int, at time.Time) Event {
		return t.signIn(at, victim, "mfa_failed", "totp_bad")
	}), t.signIn(t.after(20*minute), victim, "firewall_reported_success", "country_blocked"))...)
	t.mustNot("two typing errors", append(fails(2, 10*sec), t.success(t.after(minute), victim))...)
	t.mustNot("four failures", append(fails(4, 10*sec), t.success(t.after(minute), victim))...)
	t.mustNot("guessing without success", fails(20, 20*sec)...)
	t.mustNot("somebody else succeeds", append(fails(6, 10*sec), t.success(t.after(2*minute), other))...)
	t.mustNot("the person comes back after lunch", append(fails(6, 10*sec), t.success(t.after(70*minute), victim))...)
	t.mustNot("the success came first", append(t.each(6, 10*sec, func(i int, at time.Time) Event {
		return t.failure(at.Add(minute), victim)
	}), t.success(t.after(0), victim))...)
}

// history are sign-ins of the days before.
func (t *teller) history(who *Person, changes ...change) []Event {
	return t.each(4, 24*hour, func(_ int, at time.Time) Event { return t.success(at.Add(-8*day), who, changes...) })
}

func (t *teller) newCountry() {
	t.about("signin-from-new-country")
	who, other := t.People[0], t.People[1]
	t.must("the first sign-in from Singapore", append(t.history(who), t.success(t.after(0), who, from(far)))...)
	t.mustNot("the usual country, another address", append(t.history(who), t.success(t.after(0), who, from(who.place.at("192.0.2.9"))))...)
	t.mustNot("a country where the person was last week", append(t.history(who, from(far)), t.success(t.after(0), who, from(far)))...)
	t.mustNot("an attempt from there that fails", append(t.history(who), t.failure(t.after(0), who, from(far)))...)
	t.mustNot("an item used from there, on a journey, without a new sign-in",
		append(t.history(who), t.use(t.after(0), who, "fill", t.vaults[0], t.items[t.vaults[0]][0], from(far)))...)
	t.must("a country that only a colleague knows", join(t.history(who), t.history(other, from(far)), []Event{t.success(t.after(0), who, from(far))})...)
}

func (t *teller) newDevice() {
	t.about("signin-with-new-device")
	who := t.People[0]
	laptop := on("1Password for Mac", "alices-mbp")
	t.must("the same app on another machine", append(t.history(who, laptop), t.success(t.after(0), who, on("1Password for Mac", "DESKTOP-9QX2")))...)
	t.must("another app on the same machine", append(t.history(who, laptop), t.success(t.after(0), who, on("1Password CLI", "alices-mbp")))...)
	t.mustNot("the usual machine", append(t.history(who, laptop), t.success(t.after(0), who, laptop))...)
	t.mustNot("the usual machine with a new version of the app", append(t.history(who, laptop), t.success(t.after(0), who, laptop, func(e *Event) {
		if client, ok := e.Item["client"].(object); ok {
			client["app_version"], client["os_version"] = "81099001", "16.0"
		}
	}))...)
	t.mustNot("the usual machine in another country", append(t.history(who, laptop), t.success(t.after(0), who, laptop, from(far)))...)
	t.mustNot("an attempt on another machine that fails", append(t.history(who, laptop), t.failure(t.after(0), who, on("1Password for Mac", "DESKTOP-9QX2")))...)
}

func (t *teller) firewallReport() {
	t.about("signin-reported-by-firewall")
	who := t.People[0]
	t.must("a success from a country with a report rule", t.signIn(t.after(0), who, "firewall_reported_success", "country_blocked", from(far)))
	t.must("a success from an anonymous network", t.signIn(t.after(0), who, "firewall_reported_success", "anonymous_blocked", from(far)))
	t.mustNot("a sign-in that no rule concerns", t.success(t.after(0), who))
	t.mustNot("an attempt that a rule blocked", t.signIn(t.after(0), who, "firewall_failed", "country_blocked", from(far)))
	t.mustNot("a wrong password from there", t.failure(t.after(0), who, from(far)))
	t.mustNot("a change of the firewall rules", t.audit(t.after(0), who, "updatfw", "account"))
}

func (t *teller) withoutSecondFactor() {
	t.about("signin-without-second-factor")
	who, other := t.People[0], t.People[1]
	factor := func(at time.Duration, p *Person) Event { return t.signIn(t.after(at), p, "success", "mfa_ok") }
	t.must("with a second factor, an hour later without", factor(0, who), t.success(t.after(hour), who, from(far)))
	t.must("with a second factor, the next day without", factor(0, who), t.success(t.after(26*hour), who, from(far)))
	t.mustNot("always with a second factor", factor(0, who), factor(hour, who), factor(5*hour, who))
	t.mustNot("first without, then the second factor is set up", t.success(t.after(0), who), factor(hour, who))
	t.mustNot("a colleague has none", factor(0, who), t.success(t.after(hour), other))
	t.mustNot("through the identity provider", factor(0, who), t.signIn(t.after(hour), who, "success", "federated"))
	t.mustNot("a failure without", factor(0, who), t.failure(t.after(hour), who))
	t.mustNot("three days later", factor(0, who), t.success(t.after(3*day), who))
}
