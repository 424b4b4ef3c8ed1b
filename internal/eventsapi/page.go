// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Decoding of a page: the three keys of an answer, each with its type.

package eventsapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// decodePage reads {"cursor":string,"has_more":bool,"items":[...]} in one pass over body, which the page's items alias from then on.
//
// Keys in any order; unknown ones are checked and skipped; of a repeated one the last counts, as in encoding/json. All three must be there, and only items may be null.
func decodePage(body []byte) (*Page, error) {
	d := pageDecoder{scanner: scanner{data: body}, page: Page{Bytes: int64(len(body))}}
	if !d.document() {
		return nil, fmt.Errorf("not a page: %w", describeJSON(body, d.err))
	}
	switch {
	case !d.hasCursor:
		return nil, errors.New("not a page: it has no cursor")
	case !d.hasMore:
		return nil, errors.New("not a page: it has no has_more")
	case !d.hasItems:
		return nil, errors.New("not a page: it has no items")
	case d.page.Cursor == "":
		return nil, errors.New("not a page: its cursor is empty")
	}
	return &d.page, nil
}

// describeJSON says of a body that is no JSON at all what it rather is.
func describeJSON(body []byte, err error) error {
	body = bytes.TrimSpace(body)
	switch {
	case len(body) == 0:
		return errors.New("the answer is empty")
	case body[0] == '<':
		return errors.New("the answer is an HTML or XML document, from a proxy or a login page?")
	}
	return err
}

type pageDecoder struct {
	scanner
	page                         Page
	hasCursor, hasMore, hasItems bool
}

func (d *pageDecoder) document() bool {
	d.space()
	if d.peek() != '{' {
		return d.fail("want an object")
	}
	if !d.object(d.field, 1) {
		return false
	}
	d.space()
	return d.pos == len(d.data) || d.fail("something follows the page")
}

// field decodes the value of one top-level key, at which the scanner stands.
func (d *pageDecoder) field(key []byte, depth int) bool {
	switch string(unescape(key)) {
	case "cursor":
		return d.cursor()
	case "has_more":
		return d.more()
	case "items":
		return d.items(depth)
	}
	return d.value(depth)
}

func (d *pageDecoder) cursor() bool {
	if d.peek() != '"' {
		return d.fail("cursor is not a string")
	}
	raw, ok := d.str()
	if !ok {
		return false
	}
	d.hasCursor, d.page.Cursor = true, string(unescape(raw))
	return true
}

func (d *pageDecoder) more() bool {
	switch d.peek() {
	case 't', 'f':
		d.hasMore, d.page.HasMore = true, d.peek() == 't'
		return d.value(0)
	}
	return d.fail("has_more is not a boolean")
}

func (d *pageDecoder) items(depth int) bool {
	d.hasItems, d.page.Items = true, nil
	switch d.peek() {
	case 'n':
		return d.value(depth)
	case '[':
		return d.array(d.item, depth+1)
	}
	return d.fail("items is not an array")
}

// item cuts one event out. The capacity ends with it, so that an append to it cannot run into the next one.
func (d *pageDecoder) item(depth int) bool {
	start := d.pos
	if !d.value(depth) {
		return false
	}
	d.page.Items = append(d.page.Items, json.RawMessage(d.data[start:d.pos:d.pos]))
	return true
}

// unescape returns the text of a JSON string that the scanner accepted, given with its quotes. Nearly none has an escape or a byte beyond ASCII.
func unescape(quoted []byte) []byte {
	inner := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inner, '\\') < 0 && isASCII(inner) {
		return inner
	}
	var s string
	_ = json.Unmarshal(quoted, &s) // the scanner accepted it
	return []byte(s)
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}
