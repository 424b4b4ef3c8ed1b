// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A normal week: people at work, machines at all times, and a few of the rarer things that happen in every company.

package detectionstest

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	sim "onepasswordbeat/internal/eventsapi/eventsapitest"
)

// WeekEvents is how many events a normal week has.
const WeekEvents = 100_000

// Week is a normal week, from a Monday at midnight, and what was there before it.
type Week struct {
	Begin, End     time.Time
	Before, Events []Event
}

// NewWeek makes the week after begin in the world of w. The same week comes out each time.
func NewWeek(w *World, begin time.Time) Week {
	r := rand.New(rand.NewPCG(7, 19)) //nolint:gosec // the same week comes out each time
	m := &week{World: w, r: r, Week: Week{Begin: begin, End: begin.Add(7 * day)}}
	for i, p := range w.People {
		m.people = append(m.people, m.employ(i, p))
	}
	for _, p := range m.people {
		m.past(p)
		for d := range 5 {
			m.workday(p, d)
		}
	}
	m.rare()
	m.machines()
	byTime := func(a, b Event) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(text(a.Item, "uuid"), text(b.Item, "uuid")))
	}
	slices.SortFunc(m.Before, byTime)
	slices.SortFunc(m.Events, byTime)
	return m.Week
}

type week struct {
	Week
	*World
	r      *rand.Rand
	people []*employee
}

// employee is a person with habits.
type employee struct {
	*Person
	office  place
	devices []change
	factor  bool     // signs in with a second factor each time
	vaults  []string // that the person has access to
}

// employ gives a person an office that the country's people share, and three devices.
func (m *week) employ(i int, p *Person) *employee {
	country := slices.IndexFunc(homes, func(h place) bool { return h.country == p.place.country })
	e := &employee{Person: p, office: p.place.at(fmt.Sprintf("192.0.2.%d", 200+country)), factor: i%10 == 0}
	e.devices = []change{
		on("1Password Browser Extension", "Chrome extension"),
		on("1Password for Mac", fmt.Sprintf("mac-%d", i)),
		on("1Password for iOS", "iPhone"),
	}
	for range 4 {
		e.vaults = append(e.vaults, m.vaults[m.r.IntN(len(m.vaults))])
	}
	return e
}

// past is what makes devices, countries and addresses known.
func (m *week) past(p *employee) {
	for i, device := range p.devices {
		at := m.Begin.Add(-time.Duration(5+i) * day)
		m.Before = append(m.Before, m.signInOf(p, at, device, from(p.place)), m.signInOf(p, at.Add(hour), device, from(p.office)))
	}
}

// at is a moment of a working day, from eight to eighteen o'clock.
func (m *week) at(d int) time.Time {
	return m.Begin.Add(time.Duration(d)*day + 8*hour + time.Duration(m.r.Int64N(int64(10*hour))))
}

func (m *week) add(events ...Event) { m.Events = append(m.Events, events...) }

func (m *week) signInOf(p *employee, at time.Time, changes ...change) Event {
	typ := "credentials_ok"
	if p.factor {
		typ = "mfa_ok"
	}
	return m.signIn(at, p.Person, "success", typ, changes...)
}

// workday is what a person does on a day: at the office or at home.
func (m *week) workday(p *employee, d int) {
	where := from(p.office)
	if m.r.IntN(5) < 2 {
		where = from(p.place)
	}
	for range 5 {
		at, device := m.at(d), p.devices[m.r.IntN(len(p.devices))]
		for n := range typos(m.r.IntN(100)) {
			m.add(m.failure(at.Add(time.Duration(n-3)*20*time.Second), p.Person, device, where))
		}
		m.add(m.signInOf(p, at, device, where))
		for n := range 1 + m.r.IntN(5) {
			m.add(m.audit(at.Add(time.Duration(200+n*150)*time.Millisecond), p.Person, "dlgsess", "dlgdsess", where))
		}
	}
	m.uses(p, d, "fill", 40, where)
	m.uses(p, d, "reveal", 2, where)
	m.uses(p, d, "secure-copy", 2, where)
	m.uses(p, d, "enter-item-edit-mode", 1, where)
	m.uses(p, d, "select-sso-provider", 2, where)
	for range 2 {
		m.add(m.audit(m.at(d), p.Person, "patch", "items", of(p.vaults[0]), where))
	}
}

// typos is how often a person fails first: seldom, and then once or twice.
func typos(roll int) int {
	switch {
	case roll < 4:
		return 1
	case roll < 6:
		return 2
	default:
		return 0
	}
}

// uses are item usages of a day; some arrive late, from a phone.
func (m *week) uses(p *employee, d int, action string, n int, where change) {
	for range n {
		vault := p.vaults[m.r.IntN(len(p.vaults))]
		items := m.items[vault]
		e := m.use(m.at(d), p.Person, action, vault, items[m.r.IntN(len(items))], p.devices[0], where)
		if m.r.IntN(100) < 3 {
			late(time.Duration(m.r.Int64N(int64(day))))(&e)
		}
		m.add(e)
	}
}

// rare is what happens once or a few times a week in a company of this size.
func (m *week) rare() {
	admin := m.people[0]
	m.journeys()
	m.newHardware()
	m.colleagues(admin)
	m.sharing()
	vault := m.vaults[len(m.vaults)-1]
	m.add(
		m.audit(m.at(1), admin.Person, "export", "vault", of(vault)), // the weekly backup
		m.audit(m.at(2), admin.Person, "create", "vault", of(vault)),
		m.audit(m.at(2), admin.Person, "grant", "uva", of(vault), target(admin.Person)),
		m.audit(m.at(3), admin.Person, "updatfw", "account"),
		m.audit(m.at(3), admin.Person, "create", "satoken"),
		m.audit(m.at(4), admin.Person, "view", "report"),
		m.audit(m.at(4), admin.Person, "export", "report"),
	)
	at := m.at(2) // an administrator changes twenty passwords
	for i := range 20 {
		items := m.items[vault]
		m.add(m.use(at.Add(time.Duration(i)*2*minute), admin.Person, "reveal", vault, items[i%len(items)]))
	}
}

// journeys: two people are where they never were, one where she was last month; one comes from a reported network.
func (m *week) journeys() {
	for i, p := range m.people[10:13] {
		if i == 2 {
			m.Before = append(m.Before, m.signInOf(p, m.Begin.Add(-20*day), p.devices[2], from(far)))
		}
		for d := 1; d < 4; d++ {
			m.add(m.signInOf(p, m.at(d), p.devices[2], from(far)))
		}
	}
	m.add(m.signIn(m.at(2), m.people[10].Person, "firewall_reported_success", "country_blocked", m.people[10].devices[2], from(far)))
}

// newHardware: four people have a new device; one with a second factor is asked for it, and then it is remembered.
func (m *week) newHardware() {
	for i, p := range m.people[21:25] {
		device, at := on("1Password for Windows", fmt.Sprintf("NEW-LAPTOP-%d", i)), m.at(i)
		m.add(m.signIn(at, p.Person, "success", "mfa_ok", device, from(p.office)))
		m.add(m.audit(at.Add(minute), p.Person, "create", "device", target(p.Person)))
		if i%2 == 0 {
			m.add(m.signInOf(p, at.Add(day), device, from(p.office)))
		}
	}
}

// colleagues: one comes, one goes, two need help, some get access.
func (m *week) colleagues(admin *employee) {
	comes, goes, lost, forgot := m.people[31], m.people[32], m.people[33], m.people[34]
	at := m.at(0)
	m.add(m.audit(at, admin.Person, "join", "user", target(comes.Person)))
	for range 2 {
		m.add(m.audit(at, admin.Person, "join", "gm", of(m.id(true)), target(comes.Person)))
	}
	m.add(m.audit(m.at(1), admin.Person, "join", "gm", of(m.id(true)), target(m.people[35].Person)))
	for i, p := range m.people[40:50] {
		at, vault := m.at(i%5), p.vaults[0]
		m.add(m.audit(at, admin.Person, "grant", "uva", of(vault), target(p.Person)))
		m.add(m.use(at.Add(20*minute), p.Person, "fill", vault, m.items[vault][0]))
		if i%5 == 0 {
			m.add(m.use(at.Add(30*minute), p.Person, "reveal", vault, m.items[vault][0]))
		}
	}
	at = m.at(3)
	m.add(
		m.audit(m.at(4), admin.Person, "suspend", "user", target(goes.Person)),
		m.audit(at, lost.Person, "disblmfa", "user", target(lost.Person)),
		m.audit(at.Add(5*minute), lost.Person, "enblmfa", "user", target(lost.Person)),
		m.audit(m.Begin.Add(9*hour), admin.Person, "beginr", "user", target(forgot.Person)),
		m.audit(m.Begin.Add(33*hour), admin.Person, "completr", "user", target(forgot.Person)),
		m.audit(m.Begin.Add(60*hour), admin.Person, "beginr", "user", target(m.people[36].Person)),
		m.audit(m.Begin.Add(60*hour+25*minute), admin.Person, "completr", "user", target(m.people[36].Person)),
	)
}

// sharing: some people share an item or two by link.
func (m *week) sharing() {
	for i, p := range m.people[50:56] {
		vault := p.vaults[0]
		for n := range 1 + i%2 {
			at, item := m.at((i+n)%5), m.items[vault][n]
			m.add(m.use(at, p.Person, "share", vault, item), m.audit(at, p.Person, "share", "item", of(item), in(vault)))
		}
	}
}

// machines do the rest, at all times, each from two addresses; one moves to a third.
func (m *week) machines() {
	fetch := func(i int, at time.Time, ip string) Event {
		robot := m.Machines[i%len(m.Machines)]
		vault := m.vaults[i%len(m.vaults)]
		return m.use(at, robot, "server-fetch", vault, m.items[vault][i%len(m.items[vault])], from(robot.place.at(ip)))
	}
	ip := func(i, n int) string { return fmt.Sprintf("203.0.113.%d", 100+10*(i%len(m.Machines))+n) }
	for i := range 2 * len(m.Machines) {
		m.Before = append(m.Before, fetch(i, m.Begin.Add(-4*day), ip(i, i/len(m.Machines))))
	}
	m.add(fetch(0, m.at(2), ip(0, 5)))
	for i := len(m.Events); i < WeekEvents; i++ {
		m.add(fetch(i, m.Begin.Add(time.Duration(m.r.Int64N(int64(7*day)))), ip(i, m.r.IntN(2))))
	}
}

// Count is the number of the week's events by type.
func (w Week) Count() map[sim.EventType]int {
	n := make(map[sim.EventType]int)
	for _, e := range w.Events {
		n[e.Type]++
	}
	return n
}
