// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package detectionstest has events to try the detection rules on: for each rule stories that it must and must not report,
// and a normal week. All events are made by the simulator of the Events API, which knows how each kind looks; who does what
// when is set here.
//
//	world.go    the simulator's events as patterns, people and things
//	maker.go    events: the pattern, with people, times and places of a story
//	stories.go  what stories are; signins.go, secrets.go, account.go: the stories
//	week.go     the normal week
package detectionstest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	sim "onepasswordbeat/internal/eventsapi/eventsapitest"
)

type object = map[string]any

// Event is an item of the Events API, and when it reached the collector.
type Event struct {
	Type        sim.EventType
	Item        object
	At, Arrived time.Time
}

// JSON is the item as the API sends it.
func (e Event) JSON() []byte {
	content, err := json.Marshal(e.Item)
	if err != nil { // decoded JSON and strings only
		panic(err)
	}
	return content
}

// ServiceAccounts is what the e-mail addresses of service accounts end in.
const ServiceAccounts = "@1passwordserviceaccounts.com"

// Person is a member of the account, or a service account, with the usual place and client.
type Person struct {
	user   object // as sign-ins and item usages name people
	place  place
	client object // without the address
}

// details is the person as audit events name people.
func (p *Person) details() object {
	return object{"uuid": p.user["uuid"], "name": p.user["name"], "email": p.user["email"]}
}

// place is where somebody is; country is the ISO code.
type place struct {
	ip, country, name string
	lat, lon          float64
}

func (p place) location(iso bool) object {
	country := p.name
	if iso {
		country = p.country
	}
	return object{"country": country, "latitude": p.lat, "longitude": p.lon}
}

// World is a simulated account.
type World struct {
	People   []*Person
	Machines []*Person // service accounts
	vaults   []string
	items    map[string][]string // by vault
	patterns map[string][]object // by kind
	start    time.Time
	made     int
}

// NewWorld takes patterns, people and things from a simulator. The same world comes out each time.
func NewWorld(start time.Time) (*World, error) {
	s, err := sim.New(sim.Config{Seed: 13, Epoch: start, Now: func() time.Time { return start }, Backlog: sim.Each(1200)})
	if err != nil {
		return nil, err
	}
	w := &World{items: make(map[string][]string), patterns: make(map[string][]object), start: start}
	known := make(map[string]*Person)
	for _, typ := range sim.Types() {
		for _, raw := range s.All(typ, time.Time{}) {
			var item object
			if err := json.Unmarshal(raw, &item); err != nil {
				return nil, err
			}
			w.learn(known, typ, item)
		}
	}
	for _, email := range slices.Sorted(maps.Keys(known)) {
		if strings.HasSuffix(email, ServiceAccounts) {
			w.Machines = append(w.Machines, known[email])
		} else {
			w.People = append(w.People, known[email])
		}
	}
	w.vaults = slices.Sorted(maps.Keys(w.items))
	return w, nil
}

func (w *World) learn(known map[string]*Person, typ sim.EventType, item object) {
	k := kind(typ, item)
	w.patterns[k] = append(w.patterns[k], item)
	if vault := text(item, "vault_uuid"); vault != "" && !slices.Contains(w.items[vault], text(item, "item_uuid")) {
		w.items[vault] = append(w.items[vault], text(item, "item_uuid"))
	}
	user, _ := item["user"].(object)
	if user == nil {
		user, _ = item["target_user"].(object)
	}
	if email := text(user, "email"); email != "" && known[email] == nil {
		n := len(known)
		client, _ := item["client"].(object)
		home := homes[n%len(homes)]
		home.ip = fmt.Sprintf("198.51.100.%d", 1+n)
		known[email] = &Person{user: user, place: home, client: client}
	}
}

// kind names what happened, so that a pattern for it can be found.
func kind(typ sim.EventType, item object) string {
	switch typ {
	case sim.SignInAttempts:
		return text(item, "category") + "/" + text(item, "type")
	case sim.AuditEvents:
		return text(item, "action") + "/" + text(item, "object_type")
	default:
		return text(item, "action")
	}
}

func text(item object, key string) string { s, _ := item[key].(string); return s }

// homes are places of an ordinary working day; far are others.
var (
	homes = []place{
		{country: "CA", name: "Canada", lat: 43.6532, lon: -79.3832},
		{country: "DE", name: "Germany", lat: 48.1374, lon: 11.5755},
		{country: "US", name: "United States", lat: 45.5152, lon: -122.6784},
	}
	far = place{"203.0.113.66", "SG", "Singapore", 1.3521, 103.8198}
)
