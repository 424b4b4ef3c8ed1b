// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Item usages.

package eventsapitest

// usageActions are all documented actions, the frequent ones more than once.
// A server-side client does what begins with "server-".
var usageActions = []string{
	"fill", "reveal", "fill", "secure-copy", "server-fetch", "fill", "enter-item-edit-mode", "server-fetch",
	"server-create", "server-update", "select-sso-provider", "share", "export", "other", "reveal", "secure-copy",
}

func (e *eventWriter) itemUsage() {
	e.begin()
	action := usageActions[e.g%len(usageActions)]
	c := pick(&e.r, interactive)
	p := &e.people[e.r.n(e.members+len(externals))]
	if len(action) > 7 && action[:7] == "server-" {
		c = pick(&e.r, serverSide)
		if c.app != "1Password for Web" {
			p = &e.people[e.members+len(externals)+e.r.n(len(serviceAccounts))]
		}
	}
	ip, at := e.ip(&e.r, p)
	item := e.r.n(len(e.items))
	e.stamp(`,"timestamp":`, e.time)
	e.num(`,"used_version":`, e.r.n(40)) // 0 occurs
	e.str(`,"vault_uuid":`, e.vaults[item%len(e.vaults)])
	e.str(`,"item_uuid":`, e.items[item])
	if action != "other" || e.r.permille(700) { // clients before 8.4.0 send none
		e.str(`,"action":`, action)
	}
	e.user(`,"user":`, p)
	e.client(&c, p, ip)
	e.location(at, true)
	e.end()
}
