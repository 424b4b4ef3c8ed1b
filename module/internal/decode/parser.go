// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The JSON parser: recursive descent over one string, of which all unescaped strings are substrings.

package decode

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

type parser struct {
	in         string
	at         int
	rec        *Record
	unexpected map[string]any
}

func (p *parser) fail(what string) error {
	return fmt.Errorf("malformed JSON at byte %d: %s", p.at, what)
}

func (p *parser) peek() byte {
	if p.at < len(p.in) {
		return p.in[p.at]
	}
	return 0
}

func (p *parser) space() {
	for p.at < len(p.in) {
		switch p.in[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

// object reads an object from its brace on. It returns nil if nothing of it stays.
func (p *parser) object(schema Schema, depth int) (map[string]any, error) {
	var m map[string]any
	p.at++
	p.space()
	if p.peek() == '}' {
		p.at++
		return nil, nil
	}
	for {
		if p.peek() != '"' {
			return nil, p.fail("a key must be a string")
		}
		key, err := p.text()
		if err != nil {
			return nil, err
		}
		p.space()
		if p.peek() != ':' {
			return nil, p.fail("a colon must follow a key")
		}
		p.at++
		p.space()
		if m, err = p.member(schema, key, m, depth); err != nil {
			return nil, err
		}
		p.space()
		switch p.peek() {
		case ',':
			p.at++
			p.space()
		case '}':
			p.at++
			return m, nil
		default:
			return nil, p.fail("a comma or a brace must follow a value")
		}
	}
}

// member reads one value and puts it into m, or where the schema wants it.
func (p *parser) member(schema Schema, key string, m map[string]any, depth int) (map[string]any, error) {
	f := schema[key]
	if f == nil {
		v, err := p.value(nil, depth)
		if err != nil || v == nil {
			return m, err
		}
		return put(m, fieldName(key), v), nil
	}
	v, err := p.value(f.Object, depth)
	if err != nil {
		return nil, err
	}
	return p.place(f, v, m), nil
}

// value reads any value. It returns nil for what is left out.
func (p *parser) value(schema Schema, depth int) (any, error) {
	switch c := p.peek(); c {
	case '{', '[':
		return p.nested(schema, depth+1)
	case '"':
		s, err := p.text()
		if err != nil || s == "" {
			return nil, err
		}
		return s, nil
	case 't':
		return true, p.literal("true")
	case 'f':
		return false, p.literal("false")
	case 'n':
		return nil, p.literal("null")
	default:
		return p.number()
	}
}

func (p *parser) nested(schema Schema, depth int) (any, error) {
	if depth > MaxDepth {
		return p.opaque()
	}
	if p.peek() == '[' {
		return p.array(depth)
	}
	m, err := p.object(schema, depth)
	if err != nil || m == nil {
		return nil, err
	}
	return m, nil
}

func (p *parser) array(depth int) (any, error) {
	var list []any
	p.at++
	p.space()
	if p.peek() == ']' {
		p.at++
		return nil, nil
	}
	for {
		v, err := p.value(nil, depth)
		if err != nil {
			return nil, err
		}
		if v != nil {
			list = append(list, v)
		}
		p.space()
		switch p.peek() {
		case ',':
			p.at++
			p.space()
		case ']':
			p.at++
			if list == nil {
				return nil, nil
			}
			if objects, others := kindsIn(list); objects && others {
				objectsAsText(list)
			}
			return list, nil
		default:
			return nil, p.fail("a comma or a bracket must follow a value")
		}
	}
}

// place puts a known key's value where the schema wants it, or aside if it has another type than documented.
func (p *parser) place(f *Field, v any, into map[string]any) map[string]any {
	if v == nil {
		return into
	}
	if s, ok := v.(string); ok && f.Kind == String {
		trimmed := Trim(s)
		if trimmed == "" {
			return into
		}
		if len(trimmed) != len(s) {
			v = trimmed
		}
	}
	typed, ok := check(f.Kind, v)
	if ok && f.Kind == Time && typed == nil {
		return into
	}
	if !ok {
		p.setAside(f, v)
		return into
	}
	if f.Slot != 0 {
		p.rec.slots[f.Slot] = typed
	}
	if f.Moved {
		return into
	}
	return put(into, f.As, typed)
}

// asText returns the JSON of a value. Unlike json.Marshal, it leaves <, > and & alone: escaped, they take six times the room.
func asText(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil { // cannot happen: the value came from JSON
		return ""
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// setAside keeps a value of an unexpected type as text.
func (p *parser) setAside(f *Field, v any) {
	text, ok := v.(string)
	if !ok {
		text = asText(v)
	}
	if p.unexpected == nil {
		p.unexpected = map[string]any{}
	}
	p.unexpected[f.path] = text
}

// kindsIn tells whether a list, with the lists in it, has objects and whether it has anything else. Elasticsearch
// takes all values of a list for one field, which is an object or is not.
func kindsIn(list []any) (objects, others bool) {
	for _, v := range list {
		switch v := v.(type) {
		case map[string]any:
			objects = true
		case []any:
			o, r := kindsIn(v)
			objects, others = objects || o, others || r
		default:
			others = true
		}
	}
	return objects, others
}

// objectsAsText replaces the objects of a list by their JSON.
func objectsAsText(list []any) {
	for i, v := range list {
		switch v := v.(type) {
		case map[string]any:
			list[i] = asText(v)
		case []any:
			objectsAsText(v)
		}
	}
}

// opaque reads a value that is nested too deeply for a document, as JSON text.
func (p *parser) opaque() (any, error) {
	var text json.RawMessage
	d := json.NewDecoder(strings.NewReader(p.in[p.at:]))
	if err := d.Decode(&text); err != nil {
		return nil, p.fail(err.Error())
	}
	p.at += int(d.InputOffset())
	return string(text), nil
}

func (p *parser) literal(word string) error {
	if !strings.HasPrefix(p.in[p.at:], word) {
		return p.fail("a value must follow")
	}
	p.at += len(word)
	return nil
}

// text reads a string from its quote on.
func (p *parser) text() (string, error) {
	p.at++
	start, ascii := p.at, true
	for p.at < len(p.in) {
		switch c := p.in[p.at]; {
		case c == '"':
			s := p.in[start:p.at]
			p.at++
			if !ascii && !utf8.ValidString(s) {
				s = string([]rune(s)) // each bad byte becomes U+FFFD, as with encoding/json
			}
			return s, nil
		case c == '\\':
			return p.escaped(start)
		case c < ' ':
			return "", p.fail("a control character in a string")
		case c >= utf8.RuneSelf:
			ascii = false
		}
		p.at++
	}
	return "", p.fail("a string does not end")
}

// escaped reads the rest of a string that has an escape; encoding/json resolves it.
func (p *parser) escaped(start int) (string, error) {
	for p.at < len(p.in) && p.in[p.at] != '"' {
		if p.in[p.at] == '\\' {
			p.at++
		}
		p.at++
	}
	if p.at >= len(p.in) {
		return "", p.fail("a string does not end")
	}
	p.at++
	var s string
	if err := json.Unmarshal([]byte(p.in[start-1:p.at]), &s); err != nil {
		return "", p.fail(err.Error())
	}
	return s, nil
}

// number reads a number: int64 if it is written as an integer and fits, float64 if not, and its own text if it is
// too large for either, since no JSON writer could write it again.
func (p *parser) number() (any, error) {
	start := p.at
	if p.peek() == '-' {
		p.at++
	}
	whole := p.digits()
	if whole == 0 || whole > 1 && p.in[p.at-whole] == '0' {
		return nil, p.fail("a value must follow")
	}
	integer := true
	if p.peek() == '.' {
		integer = false
		p.at++
		if p.digits() == 0 {
			return nil, p.fail("a digit must follow the decimal point")
		}
	}
	if c := p.peek(); c == 'e' || c == 'E' {
		integer = false
		p.at++
		if c := p.peek(); c == '+' || c == '-' {
			p.at++
		}
		if p.digits() == 0 {
			return nil, p.fail("a digit must follow the exponent")
		}
	}
	text := p.in[start:p.at]
	if integer {
		if i, err := strconv.ParseInt(text, 10, 64); err == nil {
			return i, nil
		}
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil {
		return f, nil
	}
	return text, nil
}

func (p *parser) digits() int {
	start := p.at
	for p.at < len(p.in) && p.in[p.at] >= '0' && p.in[p.at] <= '9' {
		p.at++
	}
	return p.at - start
}

// fieldName makes an unknown key safe as a field name: Elasticsearch splits names at dots and rejects empty parts,
// and one name is ours.
func fieldName(key string) string {
	if key == UnexpectedKey {
		return key + "_"
	}
	if strings.IndexByte(key, '.') >= 0 {
		key = strings.ReplaceAll(key, ".", "_")
	}
	if strings.TrimSpace(key) == "" {
		return "_"
	}
	return key
}
