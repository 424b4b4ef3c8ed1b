// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Stories of secrets: who took them, and who gave access.

package detectionstest

import "time"

func (t *teller) secrets() {
	t.vaultExported()
	t.manyRead()
	t.exportedOrShared()
	t.selfGrant()
	t.grantThenTaken()
	t.exportThenSuspension()
}

func (t *teller) vaultExported() {
	t.about("vault-exported")
	who, vault := t.People[0], t.vaults[0]
	t.must("a vault is exported", t.audit(t.after(0), who, "export", "vault", of(vault)))
	t.mustNot("a report is exported", t.audit(t.after(0), who, "export", "report"))
	t.mustNot("an item is exported", t.use(t.after(0), who, "export", vault, t.items[vault][0]))
	t.mustNot("a vault is deleted", t.audit(t.after(0), who, "delete", "vault", of(vault)))
	t.mustNot("an item of the vault is shared", t.audit(t.after(0), who, "share", "item", of(t.items[vault][0]), in(vault)))
}

func (t *teller) manyRead() {
	t.about("many-secrets-read")
	read := func(n int, step time.Duration, who func(i int) *Person, action func(i int) string) []Event {
		return t.each(n, step, func(i int, at time.Time) Event {
			vault, item := t.item(i)
			return t.use(at, who(i), action(i), vault, item)
		})
	}
	me := func(int) *Person { return t.People[0] }
	taken := func(i int) string { return []string{"reveal", "secure-copy"}[i%2] }
	t.must("forty items within minutes", read(40, 5*sec, me, taken)...)
	t.must("thirty items in the course of two days", read(30, 95*minute, me, taken)...)
	t.mustNot("twenty-five items", read(25, 5*sec, me, taken)...)
	t.mustNot("sixty items are filled in", read(60, 5*sec, me, func(int) string { return "fill" })...)
	t.mustNot("the same item sixty times", t.each(60, 5*sec, func(_ int, at time.Time) Event {
		return t.use(at, t.People[0], "reveal", t.vaults[0], t.items[t.vaults[0]][0])
	})...)
	t.mustNot("sixty items by five people", read(60, 5*sec, func(i int) *Person { return t.People[i%5] }, taken)...)
	t.mustNot("a service account fetches sixty items", read(60, sec, func(int) *Person { return t.Machines[0] }, func(int) string { return "server-fetch" })...)
	t.mustNot("six items a day", read(40, 4*hour, me, taken)...)
}

func (t *teller) exportedOrShared() {
	t.about("items-exported-or-shared")
	leave := func(n int, action string, who func(i int) *Person) []Event {
		return t.each(n, 20*sec, func(i int, at time.Time) Event {
			vault, item := t.item(i)
			return t.use(at, who(i), action, vault, item)
		})
	}
	me := func(int) *Person { return t.People[0] }
	t.must("twelve items are exported", leave(12, "export", me)...)
	t.must("three items are exported and three shared", join(leave(3, "export", me), t.each(3, minute, func(i int, at time.Time) Event {
		vault, item := t.item(100 + i)
		return t.audit(at, t.People[0], "share", "item", of(item), in(vault))
	}))...)
	t.mustNot("two items are shared, reported both ways", join(leave(2, "share", me), t.each(2, 20*sec, func(i int, at time.Time) Event {
		vault, item := t.item(i)
		return t.audit(at, t.People[0], "share", "item", of(item), in(vault))
	}))...)
	t.mustNot("four items are exported", leave(4, "export", me)...)
	t.mustNot("eight people share an item each", leave(8, "share", func(i int) *Person { return t.People[i] })...)
	t.mustNot("twelve items are edited", leave(12, "enter-item-edit-mode", me)...)
	t.mustNot("links of twelve items are deleted", t.each(12, 20*sec, func(i int, at time.Time) Event {
		vault, item := t.item(i)
		return t.audit(at, t.People[0], "delshare", "item", of(item), in(vault))
	})...)
}

func (t *teller) selfGrant() {
	t.about("vault-access-granted-to-oneself")
	admin, other, vault := t.People[0], t.People[1], t.vaults[0]
	t.must("access for oneself", t.audit(t.after(0), admin, "grant", "uva", of(vault), target(admin)))
	t.must("more of it", t.audit(t.after(0), admin, "update", "uva", of(vault), target(admin)))
	t.mustNot("access for a colleague", t.audit(t.after(0), admin, "grant", "uva", of(vault), target(other)))
	t.mustNot("one's own access is given up", t.audit(t.after(0), admin, "revoke", "uva", of(vault), target(admin)))
	t.mustNot("access for a group", t.audit(t.after(0), admin, "grant", "gva", of(vault)))
	t.mustNot("one's own name is changed", t.audit(t.after(0), admin, "changenm", "user", target(admin)))
}

func (t *teller) grantThenTaken() {
	t.about("vault-access-then-secrets-taken")
	admin, member, other := t.People[0], t.People[1], t.People[2]
	vault, elsewhere := t.vaults[0], t.vaults[1]
	grant := t.audit(t.after(0), admin, "grant", "uva", of(vault), target(member))
	take := func(after time.Duration, who *Person, action, vault string) Event {
		return t.use(t.after(after), who, action, vault, t.items[vault][0])
	}
	t.must("copied ten minutes later", grant, take(10*minute, member, "secure-copy", vault))
	t.must("an administrator helps himself", t.audit(t.after(0), admin, "grant", "uva", of(vault), target(admin)), take(2*minute, admin, "reveal", vault))
	t.mustNot("filled in by the browser extension", grant, take(10*minute, member, "fill", vault))
	t.mustNot("copied from another vault", grant, take(10*minute, member, "secure-copy", elsewhere))
	t.mustNot("copied by somebody else who had access before", grant, take(10*minute, other, "secure-copy", vault))
	t.mustNot("copied by the one who granted", grant, take(10*minute, admin, "reveal", vault))
	t.mustNot("copied two hours later", grant, take(2*hour, member, "reveal", vault))
	t.mustNot("copied before", take(-10*minute, member, "reveal", vault), grant)
	t.mustNot("copied after the access was taken away", t.audit(t.after(0), admin, "revoke", "uva", of(vault), target(member)), take(minute, member, "reveal", vault))
}

func (t *teller) exportThenSuspension() {
	t.about("export-then-suspension")
	admin, leaver, other, vault := t.People[0], t.People[1], t.People[2], t.vaults[0]
	export := t.audit(t.after(0), leaver, "export", "vault", of(vault))
	suspend := func(after time.Duration, who *Person) Event {
		return t.audit(t.after(after), admin, "suspend", "user", target(who))
	}
	item := t.use(t.after(0), leaver, "export", vault, t.items[vault][0])
	t.must("a vault, suspended the next day", export, suspend(day, leaver))
	t.must("an item, deleted after six days", item, t.audit(t.after(6*day), admin, "delete", "user", target(leaver)))
	t.mustNot("somebody else is suspended", export, suspend(day, other))
	t.mustNot("suspended after nine days", export, suspend(9*day, leaver))
	t.mustNot("suspended without an export", t.use(t.after(0), leaver, "reveal", vault, t.items[vault][0]), suspend(day, leaver))
	t.mustNot("exported a report", t.audit(t.after(0), leaver, "export", "report"), suspend(day, leaver))
	t.mustNot("exported by the one who suspends", t.audit(t.after(0), admin, "export", "vault", of(vault)), suspend(day, leaver))
	t.mustNot("suspended for a month before, and back", suspend(-2*day, leaver), export)
}
