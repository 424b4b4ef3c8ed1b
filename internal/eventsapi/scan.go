// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A strict JSON scanner that accepts exactly what encoding/json accepts (a fuzz test holds it to that), several times faster and without copying.
// encoding/json goes over a page three times before its items are []json.RawMessage, and copies each of them.

package eventsapi

import "fmt"

// maxDepth is encoding/json's own limit, so that nothing an event's mapping could read is refused here.
const maxDepth = 10000

// scanner walks over JSON text. Its methods return false after fail; pos is then where the trouble is.
type scanner struct {
	data []byte
	pos  int
	err  error
}

// fail records what is wrong at pos, without quoting the data, which may be personal.
func (s *scanner) fail(what string) bool {
	if s.pos >= len(s.data) {
		what = "the answer ends too early"
	}
	s.err = fmt.Errorf("%s, at byte %d", what, s.pos)
	return false
}

// peek returns the byte at pos, and 0 at the end, which no JSON value begins with.
func (s *scanner) peek() byte {
	if s.pos < len(s.data) {
		return s.data[s.pos]
	}
	return 0
}

func (s *scanner) space() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\n', '\r', '\t':
			s.pos++
		default:
			return
		}
	}
}

// value scans any value at pos; depth is the number of objects and arrays around it.
func (s *scanner) value(depth int) bool {
	switch c := s.peek(); c {
	case '{':
		return s.object(s.skipField, depth+1)
	case '[':
		return s.array(s.value, depth+1)
	case '"':
		_, ok := s.str()
		return ok
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	default:
		if c == '-' || isDigit(c) {
			return s.number()
		}
	}
	return s.fail("want a value")
}

func (s *scanner) skipField(_ []byte, depth int) bool { return s.value(depth) }

// object scans from '{' to '}', and has field scan each value, given its key with the quotes. depth counts this object.
func (s *scanner) object(field func(key []byte, depth int) bool, depth int) bool {
	if depth > maxDepth {
		return s.fail("nested too deeply")
	}
	s.pos++
	s.space()
	if s.peek() == '}' {
		s.pos++
		return true
	}
	for {
		if s.peek() != '"' {
			return s.fail("want a key")
		}
		key, ok := s.str()
		if !ok {
			return false
		}
		s.space()
		if s.peek() != ':' {
			return s.fail("want a colon after a key")
		}
		s.pos++
		s.space()
		if !field(key, depth) {
			return false
		}
		if done, ok := s.next('}'); done || !ok {
			return ok
		}
	}
}

// array scans from '[' to ']', and has element scan each value. depth counts this array.
func (s *scanner) array(element func(depth int) bool, depth int) bool {
	if depth > maxDepth {
		return s.fail("nested too deeply")
	}
	s.pos++
	s.space()
	if s.peek() == ']' {
		s.pos++
		return true
	}
	for {
		if !element(depth) {
			return false
		}
		if done, ok := s.next(']'); done || !ok {
			return ok
		}
	}
}

// next scans what follows a member: the end of its object or array, or a comma and the space before the next member.
func (s *scanner) next(end byte) (done, ok bool) {
	s.space()
	switch s.peek() {
	case end:
		s.pos++
		return true, true
	case ',':
		s.pos++
		s.space()
		return false, true
	}
	return false, s.fail("want a comma or the end of an object or array")
}

// plain marks the bytes that stand for themselves in a string. Invalid UTF-8 is among them, as in encoding/json.
var plain = func() (t [256]bool) {
	for c := 0x20; c < 0x100; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// str scans a string and returns it with its quotes.
func (s *scanner) str() ([]byte, bool) {
	start := s.pos
	s.pos++
	for {
		i := s.pos
		for i < len(s.data) && plain[s.data[i]] {
			i++
		}
		s.pos = i
		switch s.peek() {
		case '"':
			s.pos++
			return s.data[start:s.pos], true
		case '\\':
			if !s.escape() {
				return nil, false
			}
		default:
			return nil, s.fail("control character in a string")
		}
	}
}

func (s *scanner) escape() bool {
	s.pos++
	switch s.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.pos++
		return true
	case 'u':
		s.pos++
		for range 4 {
			if !isHex(s.peek()) {
				return s.fail("want four hexadecimal digits")
			}
			s.pos++
		}
		return true
	}
	return s.fail("unknown escape in a string")
}

func (s *scanner) literal(word string) bool {
	for i := range len(word) {
		if s.peek() != word[i] {
			return s.fail("want " + word)
		}
		s.pos++
	}
	return true
}

func (s *scanner) number() bool {
	if s.peek() == '-' {
		s.pos++
	}
	if s.peek() == '0' {
		s.pos++
	} else if !s.digits() {
		return false
	}
	if s.peek() == '.' {
		s.pos++
		if !s.digits() {
			return false
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.pos++
		if c := s.peek(); c == '+' || c == '-' {
			s.pos++
		}
		return s.digits()
	}
	return true
}

func (s *scanner) digits() bool {
	if !isDigit(s.peek()) {
		return s.fail("want a digit")
	}
	for isDigit(s.peek()) {
		s.pos++
	}
	return true
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isHex(c byte) bool {
	return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f'
}
