// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Writing events: what the three types have in common.

package eventsapitest

import (
	"strconv"
	"time"
)

// eventWriter appends one generated event to dst.
type eventWriter struct {
	*world
	stream *stream
	dst    []byte
	g      int // number among the generated events
	time   int64
	v1     bool
	r      rng
}

func (e *eventWriter) raw(s string) { e.dst = append(e.dst, s...) }

// str appends a key, with all that stands before it, and a string value.
func (e *eventWriter) str(key, value string) {
	e.raw(key)
	e.dst = appendString(e.dst, value)
}

func (e *eventWriter) num(key string, n int) {
	e.raw(key)
	e.dst = strconv.AppendInt(e.dst, int64(n), 10)
}

// stamp appends a time as the API writes it: UTC, as many digits as there are.
func (e *eventWriter) stamp(key string, nanos int64) {
	e.raw(key)
	e.dst = append(e.dst, '"')
	e.dst = time.Unix(0, nanos).UTC().AppendFormat(e.dst, time.RFC3339Nano)
	e.dst = append(e.dst, '"')
}

// begin opens the event with its id.
func (e *eventWriter) begin() {
	e.raw(`{"uuid":"`)
	e.dst = appendEventID(e.dst, &e.r)
	e.raw(`"`)
}

// id appends a key and a new id.
func (e *eventWriter) id(key, alphabet string) {
	e.raw(key)
	e.dst = append(e.dst, '"')
	e.dst = appendID(e.dst, &e.r, alphabet)
	e.dst = append(e.dst, '"')
}

// ip is where somebody is: mostly at home, by IPv4 or IPv6.
func (e *eventWriter) ip(r *rng, p *person) (address string, at *place) {
	at = &places[p.home]
	if r.permille(60) { // travelling
		at = &places[r.n(len(places))]
	}
	if r.permille(300) {
		return p.v6, at
	}
	return p.v4, at
}

// location appends the place; now and then the API does not know it, or not all.
func (e *eventWriter) location(at *place, iso bool) {
	country := at.country
	if iso {
		country = at.iso
	}
	switch roll := e.r.n(1000); {
	case roll < 30:
		return
	case roll < 40:
		e.raw(`,"location":null`)
		return
	case roll < 55:
		e.str(`,"location":{"country":`, country)
	default:
		e.str(`,"location":{"country":`, country)
		e.str(`,"region":`, at.region)
		e.str(`,"city":`, at.city)
	}
	e.raw(`,"latitude":`)
	e.raw(at.lat)
	e.raw(`,"longitude":`)
	e.raw(at.lon)
	e.raw("}")
}

// user appends a person as the version shows users.
func (e *eventWriter) user(key string, p *person) {
	e.raw(key)
	if e.v1 {
		e.raw(p.details)
	} else {
		e.raw(p.user)
	}
}

func (e *eventWriter) client(c *client, p *person, ip string) {
	platform := c.platform
	if platform == "" {
		platform = p.host
	}
	e.str(`,"client":{"app_name":`, c.app)
	e.str(`,"app_version":`, c.appVersion)
	e.str(`,"platform_name":`, platform)
	e.str(`,"platform_version":`, c.platformVersion)
	e.str(`,"os_name":`, c.os)
	e.str(`,"os_version":`, c.osVersion)
	e.str(`,"ip_address":`, ip)
	e.raw("}")
}

// end closes the event; v2 names the account.
func (e *eventWriter) end() {
	if !e.v1 {
		e.str(`,"account_uuid":`, e.account)
	}
	e.raw("}")
}

const hexDigits = "0123456789abcdef"

// appendString appends s as JSON. The API is not known to escape more than it must.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
