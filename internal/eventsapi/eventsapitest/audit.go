// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Audit events.

package eventsapitest

import "time"

// audit appends an audit event. Some events in a row belong to one session, and
// with it to one actor, device and address.
func (e *eventWriter) audit() {
	e.begin()
	pair := &usualPairs[e.r.n(len(usualPairs))]
	if e.g%8 == 7 { // every pair comes round
		pair = &auditPairs[e.g/8%len(auditPairs)]
	}
	s := e.session()
	e.stamp(`,"timestamp":`, e.time)
	e.str(`,"actor_uuid":`, s.actor.uuid)
	if missing := e.r.permille(20); !e.v1 || !missing {
		e.raw(`,"actor_details":`)
		e.raw(s.actor.details)
	}
	e.str(`,"action":`, pair.action)
	e.str(`,"object_type":`, pair.typ)
	e.refer("object", pair.object, s)
	if pair.auxID {
		e.num(`,"aux_id":`, 1+e.r.n(9_500_000))
	}
	if pair.aux != refNone {
		e.refer("aux", pair.aux, s)
	}
	if len(pair.info) > 0 {
		e.str(`,"aux_info":`, pick(&e.r, pair.info))
	}
	e.sessionObject(s)
	e.location(s.at, false)
	e.actorType(s.actor)
	e.end()
}

type session struct {
	uuid, device, ip string
	login            int64
	actor            *person
	at               *place
}

const eventsPerSession = 4

// session is a function of the first event's number, so all its events agree.
func (e *eventWriter) session() session {
	first := e.g - e.g%eventsPerSession
	r := rng(mix(e.stream.key^saltSession, uint64(first)))
	s := session{uuid: string(appendID(nil, &r, upper)), actor: &e.people[r.n(len(e.people))]}
	s.device = s.actor.device
	if r.permille(250) {
		s.device = s.actor.phone
	}
	s.ip, s.at = e.ip(&r, s.actor)
	// Before all that happens in it, from a moment to half an hour.
	s.login = e.stream.generatedBase(first) - int64(maxDelay) - int64(100*time.Millisecond) - int64(r.next()%uint64(time.Second))
	if r.permille(300) {
		s.login -= int64(r.next() % uint64(30*time.Minute))
	}
	if s.login >= e.time { // a late event
		s.login = e.time - int64(r.next()%uint64(time.Second)) - int64(130*time.Millisecond)
	}
	return s
}

// refer appends <role>_uuid and, for people, <role>_details.
func (e *eventWriter) refer(role string, to ref, s session) {
	key := `,"` + role + `_uuid":`
	switch to {
	case refNone:
		e.str(key, "")
	case refUpper:
		e.id(key, upper)
	case refLower:
		e.id(key, lower)
	case refAccount:
		e.str(key, e.account)
	case refMember:
		e.member(role, key, &e.people[e.r.n(e.members)])
	case refSelf:
		e.member(role, key, s.actor)
	case refDevice:
		e.str(key, s.device)
	case refGroup:
		e.str(key, pick(&e.r, e.groups))
	case refVault:
		e.str(key, pick(&e.r, e.vaults))
	case refItem:
		e.str(key, pick(&e.r, e.items))
	case refServiceAccount:
		e.str(key, pick(&e.r, e.integrated))
	case refSession:
		if e.r.permille(75) { // delegated by a session above it
			e.id(key, upper)
			return
		}
		e.str(key, s.uuid)
	}
}

func (e *eventWriter) member(role, key string, p *person) {
	e.str(key, p.uuid)
	e.raw(`,"`)
	e.raw(role)
	e.raw(`_details":`)
	e.raw(p.details)
}

func (e *eventWriter) sessionObject(s session) {
	e.str(`,"session":{"uuid":`, s.uuid)
	e.stamp(`,"login_time":`, s.login)
	e.str(`,"device_uuid":`, s.device)
	e.str(`,"ip":`, s.ip)
	e.raw("}")
}

// actorType is v2 only.
func (e *eventWriter) actorType(actor *person) {
	switch {
	case e.v1:
	case actor.external != "":
		e.raw(`,"actor_type":"external_user"`)
		e.str(`,"actor_account_uuid":`, actor.external)
	default:
		e.raw(`,"actor_type":"user"`)
	}
}
