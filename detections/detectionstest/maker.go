// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Events of a story: the simulator's pattern of the kind, with the people, times and places of the story.

package detectionstest

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"maps"
	"strings"
	"time"

	sim "onepasswordbeat/internal/eventsapi/eventsapitest"
)

// change is a difference from what is usual.
type change func(*Event)

// delay is how long an event takes to reach the collector.
const delay = 40 * time.Second

// make returns the next event of a kind after the simulator's pattern.
func (w *World) make(typ sim.EventType, kind string, at time.Time) Event {
	patterns := w.patterns[kind]
	if len(patterns) == 0 { // a mistake in a story, found by the first test that runs
		panic(fmt.Sprintf("the simulator made no event %q", kind))
	}
	w.made++
	item := maps.Clone(patterns[w.made%len(patterns)])
	item["uuid"] = w.id(false)
	item["timestamp"] = at.UTC().Format(time.RFC3339Nano)
	return Event{typ, item, at, at.Add(delay)}
}

// id is a new id as the API's are: upper case for events, sessions and people, lower case for things.
func (w *World) id(lower bool) string {
	w.made++
	sum := sha256.Sum256(fmt.Append(nil, "detectionstest ", w.made))
	id := base32.StdEncoding.EncodeToString(sum[:])[:26]
	if lower {
		return strings.ToLower(id)
	}
	return id
}

func (w *World) signIn(at time.Time, who *Person, category, typ string, changes ...change) Event {
	e := w.make(sim.SignInAttempts, category+"/"+typ, at)
	e.Item["target_user"], e.Item["session_uuid"] = who.user, w.id(false)
	e.Item["client"] = maps.Clone(who.client)
	return e.with(append([]change{from(who.place)}, changes...))
}

func (w *World) success(at time.Time, who *Person, changes ...change) Event {
	return w.signIn(at, who, "success", "credentials_ok", changes...)
}

func (w *World) failure(at time.Time, who *Person, changes ...change) Event {
	return w.signIn(at, who, "credentials_failed", "password_secret_bad", changes...)
}

// use is an item usage. What an app does itself, such as server-fetch, has the client of the pattern.
func (w *World) use(at time.Time, who *Person, action, vault, item string, changes ...change) Event {
	e := w.make(sim.ItemUsages, action, at)
	e.Item["user"], e.Item["vault_uuid"], e.Item["item_uuid"] = who.user, vault, item
	client := who.client
	if pattern, ok := e.Item["client"].(object); ok && strings.HasPrefix(action, "server-") {
		client = pattern
	}
	e.Item["client"] = maps.Clone(client)
	return e.with(append([]change{from(who.place)}, changes...))
}

func (w *World) audit(at time.Time, who *Person, action, objectType string, changes ...change) Event {
	e := w.make(sim.AuditEvents, action+"/"+objectType, at)
	e.Item["actor_uuid"], e.Item["actor_details"], e.Item["actor_type"] = who.user["uuid"], who.details(), "user"
	delete(e.Item, "actor_account_uuid")
	e.Item["session"] = object{
		"uuid": w.id(false), "device_uuid": w.id(true), "login_time": at.Add(-5 * time.Minute).UTC().Format(time.RFC3339Nano), "ip": who.place.ip,
	}
	return e.with(append([]change{from(who.place)}, changes...))
}

func (e Event) with(changes []change) Event {
	for _, change := range changes {
		change(&e)
	}
	return e
}

// from puts the event at a place.
func from(p place) change {
	return func(e *Event) {
		e.Item["location"] = p.location(e.Type != sim.AuditEvents)
		if e.Type == sim.SignInAttempts {
			e.Item["country"] = p.country
		}
		if client, ok := e.Item["client"].(object); ok {
			client["ip_address"] = p.ip
		}
		if session, ok := e.Item["session"].(object); ok {
			session["ip"] = p.ip
		}
	}
}

// at is a place with another address.
func (p place) at(ip string) place { p.ip = ip; return p }

// on has the event come from another app or machine.
func on(app, platform string) change {
	return func(e *Event) {
		if client, ok := e.Item["client"].(object); ok {
			client["app_name"], client["platform_name"] = app, platform
		}
	}
}

// target is to whom an audit event happened.
func target(p *Person) change {
	return func(e *Event) {
		role := "aux"
		if e.Item["object_type"] == "user" {
			role = "object"
		}
		e.Item[role+"_uuid"], e.Item[role+"_details"] = p.user["uuid"], p.details()
	}
}

// of is the object of an audit event: a vault, an item, a group.
func of(id string) change { return func(e *Event) { e.Item["object_uuid"] = id } }

// in is the vault of an audit event about an item.
func in(vault string) change { return func(e *Event) { e.Item["aux_uuid"] = vault } }

// late delays the arrival.
func late(by time.Duration) change { return func(e *Event) { e.Arrived = e.At.Add(by) } }
