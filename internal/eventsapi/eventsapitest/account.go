// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// An account: its people and things, and its three streams.

package eventsapitest

import (
	"encoding/json"
	"iter"
	"time"
)

// Account is one 1Password account as the simulator knows it: what a client
// with a token of that account must have delivered. Events are numbered per type
// in the order in which a cursor meets them.
type Account struct {
	id      string
	now     func() time.Time
	world   *world
	streams map[EventType]*stream
}

func newAccount(cfg Config, id string) *Account {
	a := &Account{
		id:      id,
		now:     cfg.Now,
		world:   newWorld(mix(uint64(cfg.Seed), hashOf(id)^saltWorld), id, cfg.UserTypeKey),
		streams: make(map[EventType]*stream),
	}
	for _, t := range Types() {
		a.streams[t] = newStream(cfg, id, t)
	}
	return a
}

// ID is the account's uuid.
func (a *Account) ID() string { return a.id }

// view is the stream at this moment; an empty one for an unknown type.
func (a *Account) view(t EventType) view {
	st, ok := a.streams[t]
	if !ok {
		st = &stream{typ: t}
	}
	return st.at(nanos(a.now()))
}

// Publish adds hand-made items to a stream. They are ingested now; their event
// time, which a start_time is compared with, is their "timestamp", or now where
// that is missing. Items are served byte for byte, also ones that are not events.
func (a *Account) Publish(t EventType, items ...json.RawMessage) {
	st, ok := a.streams[t]
	if !ok {
		return
	}
	for _, item := range items {
		st.add(nanos(a.now()), item)
	}
}

// Total is the number of events that the API shows now. In event-time order it
// looks at every event.
func (a *Account) Total(t EventType) int {
	v := a.view(t)
	if v.order == IngestOrder {
		return v.count
	}
	n := 0
	for range v.visible(minTime) {
		n++
	}
	return n
}

// Event is event i of a type as v2 of the API serves it.
func (a *Account) Event(t EventType, i int) json.RawMessage {
	return a.appendEvent(nil, a.view(t), i, false)
}

// UUID is the id of event i.
func (a *Account) UUID(t EventType, i int) string { return a.view(t).uuid(i) }

// EventTime is when event i happened: its timestamp.
func (a *Account) EventTime(t EventType, i int) time.Time {
	event, _ := a.view(t).times(i)
	return time.Unix(0, event).UTC()
}

// IngestTime is when event i appeared, or will appear, in the API.
func (a *Account) IngestTime(t EventType, i int) time.Time {
	_, ingest := a.view(t).times(i)
	return time.Unix(0, ingest).UTC()
}

// All yields number and v2 JSON of the events shown now whose event time is not
// before since: what a client that began with that start_time must have
// delivered. It may have delivered more: late events, older than since, that
// were ingested after it began. In event-time order it may have missed the late
// ones, which is what that order is for.
func (a *Account) All(t EventType, since time.Time) iter.Seq2[int, json.RawMessage] {
	return func(yield func(int, json.RawMessage) bool) {
		v := a.view(t)
		for i := range v.visible(nanos(since)) {
			if !yield(i, a.appendEvent(nil, v, i, false)) {
				return
			}
		}
	}
}

// UUIDs is All for those who need only the ids.
func (a *Account) UUIDs(t EventType, since time.Time) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		v := a.view(t)
		for i := range v.visible(nanos(since)) {
			if !yield(i, v.uuid(i)) {
				return
			}
		}
	}
}

// visible yields the indices of the events shown at the view's moment.
func (v view) visible(since int64) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := v.first(since); i < v.count; i++ {
			event, ingest := v.times(i)
			if event >= since && ingest <= v.now && !yield(i) {
				return
			}
		}
	}
}

func (v view) uuid(i int) string {
	p, g := v.locate(i)
	if p != nil {
		return p.uuid
	}
	r := v.rand(g)
	return string(appendEventID(nil, &r))
}

// rand is the generator of generated event g. Its first numbers are the event's id.
func (st *stream) rand(g int) rng { return rng(mix(st.key, uint64(g))) }

// appendEvent appends the JSON of event i in the shape of v1 or v2.
func (a *Account) appendEvent(dst []byte, v view, i int, v1 bool) []byte {
	p, g := v.locate(i)
	if p != nil {
		return append(dst, p.raw...)
	}
	event, _ := v.times(i)
	e := eventWriter{world: a.world, stream: v.stream, dst: dst, g: g, time: event, v1: v1, r: v.rand(g)}
	switch v.typ {
	case AuditEvents:
		e.audit()
	case ItemUsages:
		e.itemUsage()
	case SignInAttempts:
		e.signIn()
	default:
		return append(dst, "{}"...)
	}
	return e.dst
}
