// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Two weeks of a simulated account: what the simulator makes, moved into working hours, and a story that
// stands out: somebody guesses passwords, gets in and takes what there is; administrators react.

package dashboards

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	sim "onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/module"
)

const seed = 20260921

// The time range of the dashboards: a week from a Monday, with the week before to compare with.
var (
	until  = time.Date(2026, 10, 5, 0, 0, 0, 0, time.UTC)
	since  = until.Add(-7 * 24 * time.Hour)
	before = since.Add(-7 * 24 * time.Hour)
)

// item is an event as the API sends it, and when it arrived.
type item struct {
	typ     sim.EventType
	event   map[string]any
	at      time.Time
	arrived time.Time
}

// account is the simulated account: its events and its people by e-mail address.
type account struct {
	id     string
	items  []item
	people map[string]map[string]any // uuid, name, email; of a v2 user also type
	vaults map[string][]string       // items by vault
	made   int                       // number of invented events, for their ids
}

func newAccount(t testing.TB) *account {
	t.Helper()
	s, err := sim.New(sim.Config{
		Seed: seed, Epoch: until, Now: func() time.Time { return until }, BacklogSpan: until.Sub(before),
		Backlog: map[sim.EventType]int{sim.SignInAttempts: 2400, sim.ItemUsages: 8000, sim.AuditEvents: 2500},
	})
	require.NoError(t, err)
	a := &account{id: s.ID(), people: make(map[string]map[string]any), vaults: make(map[string][]string)}
	var h habits
	for _, typ := range sim.Types() {
		for i, raw := range s.All(typ, before) {
			var event map[string]any
			require.NoError(t, json.Unmarshal(raw, &event))
			at := workingHours(s.EventTime(typ, i))
			if h.unusual(i, event, at) {
				continue
			}
			event["timestamp"] = at.Format(time.RFC3339Nano)
			a.learn(event)
			a.items = append(a.items, item{typ, event, at, at.Add(s.IngestTime(typ, i).Sub(s.EventTime(typ, i)) + 3*time.Second)})
		}
	}
	a.story()
	a.outage()
	slices.SortStableFunc(a.items, func(x, y item) int { return cmp.Or(x.at.Compare(y.at), cmp.Compare(x.id(), y.id())) })
	return a
}

// delay is what the ingest pipelines make of the two times: seconds.
func (i item) delay() int { return int(i.arrived.Sub(i.at).Seconds()) }

func (i item) id() string { id, _ := i.event["uuid"].(string); return id }

// habits leaves most of what is unusual out of the simulator's events, where everything is equally frequent: work at the
// weekend, other devices than one's own, other countries than one's own, exports. What stands out is then the story.
type habits struct{ home map[string]string }

func (h *habits) unusual(i int, event map[string]any, at time.Time) bool {
	who, device, country := "", "", ""
	for _, key := range []string{"user", "target_user", "actor_details"} {
		if p, ok := event[key].(map[string]any); ok {
			who, _ = p["email"].(string)
		}
	}
	if c, ok := event["client"].(map[string]any); ok {
		device, _ = c["platform_name"].(string)
	}
	if l, ok := event["location"].(map[string]any); ok {
		country, _ = l["region"].(string)
	}
	if h.home == nil {
		h.home = make(map[string]string)
	}
	if h.home[who] == "" {
		h.home[who] = country
	}
	rare := event["action"] == "export" || event["action"] == "share" && event["item_uuid"] != nil
	return rare && i%9 != 0 || // an odd number: the simulator's actions come in turn
		country != h.home[who] && country != "" && i%11 != 0 ||
		device != "" && hash(who+device)%3 != 0 && hash(who)%3 != i%40 ||
		(at.Weekday() == time.Saturday || at.Weekday() == time.Sunday) && i%5 != 0 ||
		who == victim && at.After(suspended)
}

func hash(s string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(s))
	return int(h.Sum32() >> 4)
}

// workingHours moves a time within its day to between seven and nineteen o'clock, most of it around noon.
func workingHours(at time.Time) time.Time {
	day := at.Truncate(24 * time.Hour)
	f := at.Sub(day).Hours() / 24
	return day.Add(time.Duration((7 + 12*(f-math.Sin(4*math.Pi*f)/20)) * float64(time.Hour)))
}

// learn remembers who and what there is.
func (a *account) learn(event map[string]any) {
	for _, key := range []string{"user", "target_user"} {
		if p, ok := event[key].(map[string]any); ok {
			email, _ := p["email"].(string)
			a.people[email] = p
		}
	}
	if vault, ok := event["vault_uuid"].(string); ok {
		if id, _ := event["item_uuid"].(string); !slices.Contains(a.vaults[vault], id) {
			a.vaults[vault] = append(a.vaults[vault], id)
		}
	}
}

// The outage: what happened while it lasted arrived when it was over.
var (
	outageFrom = time.Date(2026, 10, 1, 9, 0, 0, 0, time.UTC)
	outageTo   = time.Date(2026, 10, 2, 11, 0, 0, 0, time.UTC)
)

func (a *account) outage() {
	for i := range a.items {
		if at := a.items[i].arrived; at.After(outageFrom) && at.Before(outageTo) {
			a.items[i].arrived = outageTo.Add(at.Sub(outageFrom) / 100)
		}
	}
}

// place is where somebody is.
type place struct {
	ip, country, iso, region, city string
	lat, lon                       float64
}

var (
	attacker = place{"203.0.113.66", "Singapore", "SG", "Central Singapore", "Singapore", 1.3521, 103.8198}
	office   = place{"198.51.100.200", "Canada", "CA", "Ontario", "Toronto", 43.6532, -79.3832}
)

func (p place) location(iso bool) map[string]any {
	country := p.country
	if iso {
		country = p.iso
	}
	return map[string]any{"country": country, "region": p.region, "city": p.city, "latitude": p.lat, "longitude": p.lon}
}

// add invents an event.
func (a *account) add(typ sim.EventType, at time.Time, event map[string]any) {
	a.made++
	event["uuid"] = fmt.Sprintf("STORY%021d", a.made)
	event["timestamp"] = at.Format(time.RFC3339Nano)
	event["account_uuid"] = a.id
	a.items = append(a.items, item{typ, event, at, at.Add(4 * time.Second)})
}

func (a *account) signIn(at time.Time, who string, from place, category, typ string) {
	a.add(sim.SignInAttempts, at, map[string]any{
		"session_uuid": fmt.Sprintf("SESSION%019d", a.made), "category": category, "type": typ, "country": from.iso,
		"target_user": a.people[who], "client": a.client(from), "location": from.location(true),
	})
}

func (a *account) client(from place) map[string]any {
	return map[string]any{
		"app_name": "1Password for Windows", "app_version": "81055002", "platform_name": "DESKTOP-9QX2", "platform_version": "x86_64",
		"os_name": "Windows", "os_version": "11", "ip_address": from.ip,
	}
}

func (a *account) use(at time.Time, who string, from place, action, vault, id string) {
	a.add(sim.ItemUsages, at, map[string]any{
		"used_version": 3, "vault_uuid": vault, "item_uuid": id, "action": action, "user": a.people[who],
		"client": a.client(from), "location": from.location(true),
	})
}

// person is somebody as audit events name people.
func (a *account) person(who string) map[string]any {
	p := a.people[who]
	return map[string]any{"uuid": p["uuid"], "name": p["name"], "email": p["email"]}
}

// audit adds what the administrator did; more are the fields that the action needs.
func (a *account) audit(at time.Time, action, object string, more map[string]any) {
	event := map[string]any{
		"actor_uuid": a.people[admin]["uuid"], "actor_details": a.person(admin), "actor_type": "user", "action": action, "object_type": object,
		"session":  map[string]any{"uuid": "ADMINSESSION00000000000001", "login_time": at.Add(-time.Minute), "device_uuid": "admindevice000000000000001", "ip": office.ip},
		"location": office.location(false),
	}
	maps.Copy(event, more)
	a.add(sim.AuditEvents, at, event)
}

// Who plays a part in the story.
const (
	victim = "sipho.dlamini@example.com"
	admin  = "aoife.oneill@example.com"
	// technician works for the service provider.
	technician = "idris.bello@msp.example.net"
	// serviceAccounts is what their addresses end in.
	serviceAccounts = "@1passwordserviceaccounts.com"
	guessed         = 41 // failed attempts of the attacker
	targets         = 9  // people whose password was guessed
)

// suspended is when the administrators reacted.
var suspended = time.Date(2026, 9, 30, 8, 30, 0, 0, time.UTC)

// What the attacker took.
var spoils = map[string]int{"reveal": 38, "secure-copy": 17, "export": 6, "share": 2}

func (a *account) story() {
	night := time.Date(2026, 9, 30, 2, 10, 0, 0, time.UTC)
	people := slices.Concat(a.members()[:targets-1], []string{victim})
	for i := range guessed {
		a.signIn(night.Add(time.Duration(i)*71*time.Second), people[i%targets], attacker, "credentials_failed", "password_secret_bad")
	}
	a.signIn(night.Add(55*time.Minute), victim, attacker, "success", "credentials_ok")
	// At the same time the victim works at home: two countries at once.
	a.signIn(night.Add(75*time.Minute), victim, office, "success", "mfa_ok")
	a.spoil(night.Add(time.Hour))
	a.reaction(suspended)
	a.onboarding(time.Date(2026, 9, 29, 10, 0, 0, 0, time.UTC))
	a.leaving(time.Date(2026, 10, 2, 13, 0, 0, 0, time.UTC))
	a.strange(time.Date(2026, 10, 2, 15, 0, 0, 0, time.UTC))
}

// members are the addresses of the account's people but the victim.
func (a *account) members() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(a.people)), func(email string) bool {
		return email == victim || a.people[email]["type"] != "user" || strings.HasSuffix(email, serviceAccounts)
	})
}

func (a *account) spoil(at time.Time) {
	vaults := slices.Sorted(maps.Keys(a.vaults))[:2]
	n := 0
	for _, action := range slices.Sorted(maps.Keys(spoils)) {
		for range spoils[action] {
			vault := vaults[n%len(vaults)]
			a.use(at.Add(time.Duration(n)*23*time.Second), victim, attacker, action, vault, a.vaults[vault][n%len(a.vaults[vault])])
			n++
		}
	}
}

func (a *account) reaction(at time.Time) {
	people := a.members()
	user := func(who string) map[string]any {
		return map[string]any{"object_uuid": a.people[who]["uuid"], "object_details": a.person(who)}
	}
	a.audit(at, "suspend", "user", user(victim))
	a.audit(at.Add(2*time.Minute), "dealldev", "user", user(victim))
	a.audit(at.Add(9*time.Minute), "updatfw", "account", map[string]any{"object_uuid": a.id, "aux_info": "deny country SG"})
	a.audit(at.Add(14*time.Minute), "chngpsso", "sso", map[string]any{"object_uuid": "SSO00000000000000000000001"})
	a.audit(at.Add(25*time.Minute), "updatmfa", "user", user(people[0]))
	a.audit(at.Add(40*time.Minute), "beginr", "user", user(victim))
}

// onboarding: a group gets access to five vaults, four people join it.
func (a *account) onboarding(at time.Time) {
	const group = "groupofnewpeople0000000001"
	a.audit(at, "create", "group", map[string]any{"object_uuid": group})
	for i, vault := range slices.Sorted(maps.Keys(a.vaults))[:5] {
		a.audit(at.Add(time.Duration(i+1)*time.Minute), "grant", "gva", map[string]any{"object_uuid": vault, "aux_uuid": group, "aux_info": "255"})
	}
	for i, who := range []string{"nadia.rahman@example.org", "kenji.watanabe@example.com", "ethan.brooks@example.org", "rajesh.iyer@example.com"} {
		if a.people[who] == nil {
			continue
		}
		aux := map[string]any{"object_uuid": group, "aux_uuid": a.people[who]["uuid"], "aux_details": a.person(who), "aux_info": "R"}
		a.audit(at.Add(time.Duration(i+10)*time.Minute), "join", "gm", aux)
	}
	a.audit(at.Add(time.Hour), "create", "sa", map[string]any{"object_uuid": "SERVICEACCOUNT000000000001", "aux_info": "D"})
	a.audit(at.Add(61*time.Minute), "create", "satoken", map[string]any{"object_uuid": "SERVICEACCOUNT000000000001", "aux_info": "nightly export"})
}

// leaving: a vault is exported, as another one was a week before, an item is sent, and a technician of the service provider opens it to himself.
func (a *account) leaving(at time.Time) {
	vault := slices.Sorted(maps.Keys(a.vaults))[0]
	for _, when := range []time.Time{at.AddDate(0, 0, -9), at} {
		a.audit(when, "export", "vault", map[string]any{"object_uuid": vault})
	}
	receiver := a.members()[1]
	a.audit(at.Add(20*time.Minute), "sendpkg", "user", map[string]any{"object_uuid": a.people[receiver]["uuid"], "object_details": a.person(receiver)})
	a.audit(at.Add(time.Hour), "grant", "uva", map[string]any{
		"actor_uuid": a.people[technician]["uuid"], "actor_details": a.person(technician), "actor_type": "external_user",
		"actor_account_uuid": a.people[technician]["user_account_uuid"], "object_uuid": vault,
		"aux_uuid": a.people[technician]["uuid"], "aux_details": a.person(technician), "aux_info": "255",
	})
}

// strange adds events that are newer than this version, and one whose values have other types than documented.
func (a *account) strange(at time.Time) {
	for _, email := range slices.Sorted(maps.Keys(a.people)) {
		if strings.HasSuffix(email, serviceAccounts) {
			a.signIn(at, email, office, "sso_failed", "service_account_sso_denied")
			break
		}
	}
	a.signIn(at, a.members()[0], office, "passkey_failed", "passkey_bad")
	a.audit(at.Add(time.Minute), "foresee", "oracle", map[string]any{"object_uuid": "ORACLE00000000000000000001"})
	a.add(sim.ItemUsages, at.Add(2*time.Minute), map[string]any{
		"used_version": "three", "vault_uuid": 7, "item_uuid": brokenItem, "action": "reveal", "user": a.people[victim],
	})
}

// brokenItem is that of an event that the ingest pipeline could not process.
const brokenItem = "itemofabrokenevent00000001"

// modules by the type of their events.
func moduleOf(typ sim.EventType) module.Module {
	for _, m := range module.All() {
		if m.Path == string(typ) {
			return m
		}
	}
	panic("no module for " + typ)
}

// document is the event as it is stored: as the beat sends it, with the time at which it arrived.
func (i item) document(t testing.TB) (id string, fields map[string]any) {
	t.Helper()
	raw, err := json.Marshal(i.event)
	require.NoError(t, err)
	m := moduleOf(i.typ)
	ev, _, err := m.Map(raw)
	if err == nil && i.event["item_uuid"] == brokenItem {
		err = errors.New("the pipeline could not process it")
	}
	if err != nil {
		ev.Fields["error"] = map[string]any{"message": "onepasswordbeat can't map this item: " + err.Error()}
	}
	encoded, err := json.Marshal(ev.Fields)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(encoded, &fields))
	fields["@timestamp"] = ev.Timestamp
	fields["data_stream"] = map[string]any{"type": "logs", "dataset": m.Dataset, "namespace": "default"}
	fields["tags"] = []string{"forwarded"}
	collector := collectors[i.typ]
	fields["agent"] = map[string]any{
		"id": fmt.Sprintf("00000000-0000-4000-8000-%012d", hash(collector)), "name": collector, "type": "onepasswordbeat", "version": "2.0.0",
	}
	event := as[map[string]any](t, fields["event"])
	event["created"], event["ingested"] = i.arrived.Add(-2*time.Second), i.arrived
	own, ok := fields["onepassword"].(map[string]any)
	if !ok {
		own = make(map[string]any)
		fields["onepassword"] = own
	}
	own["ingest_delay"] = i.delay()
	addNames(fields, own)
	return i.id(), fields
}

// addNames adds what the collector looks up in its files of names.
func addNames(fields, own map[string]any) {
	if id, ok := own["vault_uuid"].(string); ok {
		own["vault"] = map[string]any{"name": "Vault " + id}
	}
	if id, ok := own["item_uuid"].(string); ok {
		own["item"] = map[string]any{"title": "Item " + id}
	}
	if group, ok := fields["group"].(map[string]any); ok {
		group["name"] = fmt.Sprint("Group ", group["id"])
	}
}

// collectors are the hosts that ship the types of events.
var collectors = map[sim.EventType]string{
	sim.AuditEvents: "collector-1", sim.SignInAttempts: "collector-1", sim.ItemUsages: "collector-2",
}
