// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package decode reads one JSON object of the Events API in a single pass, steered by a Schema that says which keys
// are known, which JSON type each must have, and whether its value stays in the document or is taken out of it.
//
// What a schema does not name stays where it is, so keys that the API adds later survive without a change here.
// Nulls, empty strings, empty objects and empty arrays are left out at any depth. Known strings are trimmed, and a
// known time that only says that a client had none is left out. A known key with a value of
// another type than its own is taken out of its place, because it would make Elasticsearch reject the document, and
// kept as text under "unexpected".
//
// The decoder exists for speed and for exactness: one copy of the input carries all strings, a known key costs one
// look-up, and integers stay integers. Its idea of valid JSON is encoding/json's; a fuzz test compares the two.
package decode

import (
	"encoding/json"
	"fmt"
)

// Decode reads one JSON object. It fails if raw is not exactly one valid JSON object; the slots filled until then
// keep their values.
func (r *Record) Decode(schema Schema, raw []byte) error {
	p := parser{in: string(raw), rec: r}
	p.space()
	if p.peek() != '{' {
		if !json.Valid(raw) {
			return p.fail("not valid JSON")
		}
		return fmt.Errorf("the item is not a JSON object: it starts with %q", clip(p.in[p.at:]))
	}
	rest, err := p.object(schema, 1)
	if err != nil {
		return err
	}
	p.space()
	if p.at != len(p.in) {
		return p.fail("data after the JSON object")
	}
	r.Rest = rest
	if rest == nil {
		r.Rest = map[string]any{}
	}
	if len(p.unexpected) > 0 {
		r.Rest[UnexpectedKey] = p.unexpected
	}
	return nil
}
