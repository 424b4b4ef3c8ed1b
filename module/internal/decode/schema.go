// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What is known about an object and what is taken out of it: schemas, records and the checks of single values.

package decode

import (
	"math"
	"strings"
	"time"
)

// UnexpectedKey is the object below Record.Rest that holds the values whose JSON type was not the documented one.
const UnexpectedKey = "unexpected"

// MaxDepth is how deep objects and arrays may nest; deeper ones are kept as JSON text. Elasticsearch's default limit
// for a document is 20, and the document adds some levels of its own.
const MaxDepth = 12

// Slots is the number of values that a Record can hold beside its document.
const Slots = 40

// Slot numbers a value that the mapping wants to look at. Zero means none.
type Slot uint8

// Kind is the JSON type, or the format of a string, that a known key must have.
type Kind uint8

// The kinds of known keys.
const (
	String  Kind = iota // a string; stored as string
	Integer             // a number without a fraction that fits 64 bits; stored as int64
	Number              // any finite number; stored as float64
	Time                // an RFC 3339 string with at most nine fractional digits; stored as string
	Object              // an object with a schema of its own
)

// String names the kind as a part of a sentence, such as "an integer".
func (k Kind) String() string { return kindNames[k] }

var kindNames = [...]string{"a string", "an integer", "a number", "an RFC 3339 time", "an object"}

// Field describes a known key.
type Field struct {
	Kind   Kind
	Slot   Slot   // where the value goes for the mapping, or 0
	Moved  bool   // the value does not stay in the document
	As     string // the key under which the value stays, if not its own
	Object Schema // the known keys of an Object

	path string // the key's path, joined by "_"
}

// Path is the key's path in the item, joined by "_", which names the value where it is kept as text.
func (f *Field) Path() string { return f.path }

// Schema lists the known keys of an object. Prepare must have been called on it before its first use; it is
// read-only afterwards and may be used by any number of goroutines.
type Schema map[string]*Field

// Prepare returns the schema with each field knowing its path.
func (s Schema) Prepare() Schema {
	s.prepare("")
	return s
}

func (s Schema) prepare(prefix string) {
	for key, f := range s {
		f.path = prefix + key
		if f.As == "" {
			f.As = key
		}
		f.Object.prepare(f.path + "_")
	}
}

// Record is a decoded object. Its zero value is ready for Decode.
type Record struct {
	Rest map[string]any // what stays in the document; never nil after a successful Decode

	slots [Slots]any
}

// Value returns the slot's value as it was stored, nil if the key was absent, empty or of another type.
func (r *Record) Value(s Slot) any { return r.slots[s] }

// Text returns the slot's string, or "".
func (r *Record) Text(s Slot) string {
	text, _ := r.slots[s].(string)
	return text
}

// Number returns the slot's number.
func (r *Record) Number(s Slot) (float64, bool) {
	n, ok := r.slots[s].(float64)
	return n, ok
}

// check returns v in the shape of kind.
func check(kind Kind, v any) (any, bool) {
	switch kind {
	case String:
		_, ok := v.(string)
		return v, ok
	case Time:
		s, ok := v.(string)
		if !ok {
			return v, false
		}
		t, ok := ParseTime(s)
		if ok && ZeroTime(t) {
			return nil, true
		}
		return v, ok
	case Integer:
		if f, ok := v.(float64); ok && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			return int64(f), true
		}
		_, ok := v.(int64)
		return v, ok
	case Number:
		if i, ok := v.(int64); ok {
			return float64(i), true
		}
		_, ok := v.(float64)
		return v, ok
	default:
		_, ok := v.(map[string]any)
		return v, ok
	}
}

// ParseTime reads an RFC 3339 time as strictly as Elasticsearch's date type would: with zero to nine fractional
// digits after a point, and at most 18 hours from UTC.
func ParseTime(s string) (time.Time, bool) {
	const (
		second  = len("2006-01-02T15:04:05")
		longest = len("2006-01-02T15:04:05.999999999-07:00")
		offset  = 18 * 60 * 60
	)
	if len(s) <= second || len(s) > longest || s[10] != 'T' || s[13] != ':' || s[second] == ',' {
		return time.Time{}, false
	}
	if s[second] == '.' && strings.IndexAny(s[second:], "Z+-") > len(".999999999") {
		return time.Time{}, false
	}
	if s[len(s)-1] != 'Z' && s[len(s)-2] > '5' { // minutes of an offset, of which Go takes 60
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, false
	}
	if _, east := t.Zone(); east < -offset || east > offset {
		return time.Time{}, false
	}
	return t, true
}

// ZeroTime reports whether a time is the zero value of a client's language, which means that there is no time: year 1
// or earlier, or the start of 1970.
func ZeroTime(t time.Time) bool {
	return t.UTC().Year() <= 1 || t.Unix() == 0 && t.Nanosecond() == 0
}

// Trim removes spaces and control characters of ASCII from both ends, as Java's String.trim does.
func Trim(s string) string {
	if s == "" || s[0] > ' ' && s[len(s)-1] > ' ' {
		return s
	}
	return strings.TrimFunc(s, func(r rune) bool { return r <= ' ' })
}

func put(into map[string]any, key string, v any) map[string]any {
	if into == nil {
		into = make(map[string]any)
	}
	into[key] = v
	return into
}

func clip(s string) string {
	const most = 20
	if len(s) > most {
		return s[:most]
	}
	return s
}
