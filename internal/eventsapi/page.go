// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Decoding of a page: the three keys of a response, each with its type and its limits.
//
// The JSON is read by jsontext, the token layer of Go's encoding/json/v2: it checks the syntax and cuts the items out
// of the response in one pass and without copying them. Its idea of valid JSON is set to encoding/json's, and a fuzz test
// compares the two.

package eventsapi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"onepasswordbeat/internal/safetext"
)

// Page is one answer to Fetch.
type Page struct {
	// Cursor continues after this page; never empty. The server returns the same one again while nothing is new.
	Cursor string
	// HasMore says that another page may be had at once. That page may be empty.
	HasMore bool
	// Items are the events, in the server's order: each one well-formed JSON, unchanged. They share one buffer; who keeps
	// one for long should copy it. An item whose index is in Oversized is nil.
	Items []json.RawMessage
	// Oversized are the items that exceed MaxItemBytes or MaxItemValues, by their index in Items; nil if there are none.
	// They are published without their body.
	Oversized map[int]Oversized
	// Bytes is the size of the answer after decompression.
	Bytes int64
	// ServerTime is the server's clock at the answer (its Date header, whole seconds); zero if it sent none.
	ServerTime time.Time
}

// Oversized is what is known of an item that is too large to be decoded.
type Oversized struct {
	// UUID is the event's; "" if it has none that can be read.
	UUID string
	// SHA256 is that of the item's JSON, to tell items without a UUID apart.
	SHA256 [sha256.Size]byte
	// Bytes is the length of the item's JSON.
	Bytes int
	// Reason says in a sentence which limit it exceeds, for error.message.
	Reason string
}

// lenient accepts what encoding/json accepts.
var lenient = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

// decodePage reads {"cursor":string,"has_more":bool,"items":[...]} in one pass over body, which the page's items alias from then on.
//
// Keys in any order; unknown ones are checked and skipped; a repeated one must not contradict the first. All
// three must be there, and only items may be null. The time is linear in the length of body, and ctx ends it.
func decodePage(ctx context.Context, body []byte, maxItems int) (*Page, error) {
	page, err := decodeNested(ctx, body, nil, maxItems)
	if err == nil || ctx.Err() != nil {
		return page, err
	}
	if deep := flatten(body); len(deep) > 0 { // otherwise one item would keep back all that come after it
		return decodeNested(ctx, body, deep, maxItems)
	}
	return page, err
}

// decodeNested decodes a page. deep are the offsets of what was nested too deeply, see flatten.
func decodeNested(ctx context.Context, body []byte, deep []int, maxItems int) (*Page, error) {
	d := pageDecoder{ctx: ctx, body: body, deep: deep, json: jsontext.NewDecoder(bytes.NewBuffer(body), lenient...), maxItems: maxItems, page: Page{Bytes: int64(len(body))}}
	if err := d.document(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("not a page: %w", describeJSON(body, err))
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
	d.compact()
	return &d.page, nil
}

// describeJSON says what a body is that is not JSON at all, and keeps the data, which may be personal, out
// of the error.
func describeJSON(body []byte, err error) error {
	body = trimBody(body)
	switch {
	case len(body) == 0:
		return errors.New("the response is empty")
	case body[0] == '<':
		return errors.New("the response is an HTML or XML document, from a proxy or a login page?")
	}
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return fmt.Errorf("invalid JSON at byte %d", syntax.ByteOffset)
	}
	if errors.Is(err, errShape) {
		return err
	}
	if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return errors.New("a value in it has another type than documented")
	}
	return errors.New("the JSON is cut off or invalid")
}

// errShape is in the tree of the errors about valid JSON that is not a page.
var errShape = errors.New("unexpected shape")

type shapeError string

func (e shapeError) Error() string      { return string(e) }
func (shapeError) Is(target error) bool { return target == errShape }

type pageDecoder struct {
	ctx                          context.Context
	body                         []byte
	json                         *jsontext.Decoder
	deep                         []int // what comes after the values that were read
	maxItems                     int
	page                         Page
	hasCursor, hasMore, hasItems bool
}

func (d *pageDecoder) document() error {
	if d.json.PeekKind() != '{' {
		if _, err := d.json.ReadValue(); err != nil {
			return err
		}
		return shapeError("it is not an object")
	}
	if _, err := d.json.ReadToken(); err != nil {
		return err
	}
	for d.json.PeekKind() == '"' {
		if err := d.ctx.Err(); err != nil {
			return err
		}
		key, err := d.json.ReadValue()
		if err != nil {
			return err
		}
		if err := d.field(unquote(key)); err != nil {
			return err
		}
	}
	if _, err := d.json.ReadToken(); err != nil {
		return err
	}
	if len(bytes.TrimLeft(d.body[d.json.InputOffset():], " \t\r\n")) > 0 {
		return shapeError("something follows the page")
	}
	return nil
}

// field decodes the value of one top-level key.
func (d *pageDecoder) field(key string) error {
	switch key {
	case "cursor":
		return d.cursor()
	case "has_more":
		return d.more()
	case "items":
		return d.items()
	}
	_, err := d.json.ReadValue()
	return err
}

func (d *pageDecoder) cursor() error {
	value, err := d.json.ReadValue()
	switch {
	case err != nil:
		return err
	case value.Kind() != '"':
		return shapeError("cursor is not a string")
	case len(value) > MaxCursorBytes+2:
		return shapeError(fmt.Sprintf("its cursor has more than %d bytes", MaxCursorBytes))
	}
	cursor := unquote(value)
	if d.hasCursor && cursor != d.page.Cursor {
		return shapeError("it has two cursors")
	}
	d.hasCursor, d.page.Cursor = true, cursor
	return nil
}

func (d *pageDecoder) more() error {
	value, err := d.json.ReadValue()
	switch {
	case err != nil:
		return err
	case value.Kind() != 't' && value.Kind() != 'f':
		return shapeError("has_more is not a boolean")
	}
	more := value.Kind() == 't'
	if d.hasMore && more != d.page.HasMore {
		return shapeError("has_more is both true and false")
	}
	d.hasMore, d.page.HasMore = true, more
	return nil
}

// items decodes an array of events. A second one adds to the first: the cursor comes after both.
func (d *pageDecoder) items() error {
	d.hasItems = true
	if d.json.PeekKind() != '[' {
		value, err := d.json.ReadValue()
		if err == nil && value.Kind() != 'n' {
			err = shapeError("items is not an array")
		}
		return err
	}
	if _, err := d.json.ReadToken(); err != nil {
		return err
	}
	for d.json.PeekKind() != ']' {
		if err := d.item(); err != nil {
			return err
		}
	}
	_, err := d.json.ReadToken()
	return err
}

// item cuts one event out. The capacity ends with it, so that an append to it cannot run into the next one.
func (d *pageDecoder) item() error {
	if err := d.ctx.Err(); err != nil {
		return err
	}
	raw, err := d.json.ReadValue()
	if err != nil {
		return err
	}
	if len(d.page.Items) == d.maxItems {
		return shapeError(fmt.Sprintf("it has more than %d items", d.maxItems))
	}
	item := json.RawMessage(raw[:len(raw):len(raw)])
	reason := oversize(raw)
	if d.isDeep(len(raw)) {
		reason = fmt.Sprintf("the event is nested more than %d levels deep", MaxItemDepth)
	}
	if reason != "" {
		if d.page.Oversized == nil {
			d.page.Oversized = map[int]Oversized{}
		}
		d.page.Oversized[len(d.page.Items)] = Oversized{UUID: topLevelUUID(raw), SHA256: sha256.Sum256(raw), Bytes: len(raw), Reason: reason}
		item = nil
	}
	d.page.Items = append(d.page.Items, item)
	return nil
}

// isDeep is whether the value that was just read, of n bytes, held what was nested too deeply.
func (d *pageDecoder) isDeep(n int) (is bool) {
	end := int(d.json.InputOffset())
	for len(d.deep) > 0 && d.deep[0] < end {
		is = is || d.deep[0] >= end-n
		d.deep = d.deep[1:]
	}
	return is
}

// compact gives a page with an oversized item a buffer of its own, so that what was left out does not stay in memory.
func (d *pageDecoder) compact() {
	if len(d.page.Oversized) == 0 {
		return
	}
	for i, item := range d.page.Items {
		d.page.Items[i] = slices.Clip(bytes.Clone(item))
	}
}

// oversize returns why an item is published without its body; "" for one that fits.
func oversize(raw jsontext.Value) string {
	const least = 2 // bytes that a JSON value needs, with its comma
	switch {
	case len(raw) > MaxItemBytes:
		return fmt.Sprintf("the event has %d bytes, more than %d", len(raw), MaxItemBytes)
	case len(raw) > least*MaxItemValues && countValues(raw) > MaxItemValues:
		return fmt.Sprintf("the event has more than %d JSON values", MaxItemValues)
	case len(raw) > MaxItemInvalid && !utf8.Valid(raw) && invalidBytes(raw) > MaxItemInvalid:
		return fmt.Sprintf("the event has more than %d bytes that are not UTF-8", MaxItemInvalid)
	}
	return ""
}

// invalidBytes counts the bytes that are not UTF-8. Each is written as six: \ufffd.
func invalidBytes(raw []byte) (n int) {
	for len(raw) > 0 {
		r, size := utf8.DecodeRune(raw)
		if r == utf8.RuneError && size == 1 {
			n++
		}
		raw = raw[size:]
	}
	return n
}

// countValues counts the values in an item, with the objects and arrays and without the names, up to one more than allowed.
func countValues(raw jsontext.Value) (n int) {
	d := jsontext.NewDecoder(bytes.NewBuffer(raw), lenient...)
	for n <= MaxItemValues {
		token, err := d.ReadToken()
		if err != nil {
			return n
		}
		kind, length := d.StackIndex(d.StackDepth())
		isName := kind == '{' && length%2 == 1 && token.Kind() == '"'
		if k := token.Kind(); k != '}' && k != ']' && !isName {
			n++
		}
	}
	return n
}

// topLevelUUID returns the event's uuid; "" if there is none that can be its _id.
func topLevelUUID(raw jsontext.Value) (uuid string) {
	const longest = 512 // Elasticsearch's limit for an _id
	d := jsontext.NewDecoder(bytes.NewBuffer(raw), lenient...)
	if token, err := d.ReadToken(); err != nil || token.Kind() != '{' {
		return ""
	}
	for d.PeekKind() == '"' {
		key, err := d.ReadValue()
		if err != nil {
			return uuid
		}
		name := string(key) // ReadValue reuses nothing of it, but the next call may
		value, err := d.ReadValue()
		if err != nil {
			return uuid
		}
		if name == `"uuid"` && value.Kind() == '"' && len(value) <= longest {
			uuid = safetext.Line(unquote(value))
		}
	}
	return uuid
}

// unquote returns the text of a valid JSON string. Nearly none has an escape.
func unquote(quoted jsontext.Value) string {
	if inner := quoted[1 : len(quoted)-1]; isPlain(inner) {
		return string(inner)
	}
	var s string
	_ = json.Unmarshal(quoted, &s) // jsontext accepted it
	return s
}

// isPlain is whether a string's bytes stand for themselves.
func isPlain(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 || c == '\\' {
			return false
		}
	}
	return true
}

// flatten replaces each value in a body that is nested too deeply by an empty string of the same length, in place, and
// returns where these are. The JSON decoder would reject the whole body.
func flatten(body []byte) (deep []int) {
	const most = MaxItemDepth + 2 // the page and its items
	depth, quoted, escaped := 0, false, false
	for i, c := range body {
		blank := depth > most
		switch {
		case escaped:
			escaped = false
		case quoted && c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth == most+1 {
				deep, blank = append(deep, i), true
			}
		case c == '}' || c == ']':
			depth--
		}
		switch {
		case blank && depth == most:
			body[deep[len(deep)-1]], body[i] = '"', '"'
		case blank:
			body[i] = ' '
		}
	}
	return deep
}
