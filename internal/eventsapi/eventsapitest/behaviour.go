// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What each kind of fault does to an answer.

package eventsapitest

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"strconv"
	"time"
)

// behaviour is where a kind of fault steps in. All of it is optional.
type behaviour struct {
	before  func(x *exchange) bool           // before the token is looked at; true: nothing more to do
	page    func(p *page)                    // changes the page
	encode  func(p *page) []byte             // replaces the encoding
	deliver func(x *exchange, answer []byte) // replaces the delivery
}

// An unknown kind behaves as Pass does; New and ParseFault reject it.
var behaviours = join(ordinary, hostile)

func join(tables ...map[Kind]behaviour) map[Kind]behaviour {
	all := map[Kind]behaviour{}
	for _, table := range tables {
		maps.Copy(all, table)
	}
	return all
}

var ordinary = map[Kind]behaviour{
	Pass:   {},
	Status: {before: (*exchange).failAsTold},
	Slow:   {before: func(x *exchange) bool { return !sleep(x.r.Context(), x.fault.Delay) }},
	Hang:   {before: (*exchange).hang},
	Reset:  {before: func(x *exchange) bool { x.reset(); return true }},
	Cut:    {deliver: func(x *exchange, answer []byte) { x.half(answer); panic(http.ErrAbortHandler) }},
	Stall:  {deliver: func(x *exchange, answer []byte) { x.half(answer); x.wait() }},

	Garbage: {deliver: func(x *exchange, _ []byte) { x.write(http.StatusOK, []byte("\x00\xff{{not json")) }},
	HTML:    {deliver: (*exchange).webPage},
	Huge:    {deliver: (*exchange).huge},

	ItemsObject:  {encode: wrong(`{"cursor":`, true, `,"has_more":false,"items":{"0":{}}}`)},
	ItemsNull:    {encode: wrong(`{"cursor":`, true, `,"has_more":false,"items":null}`)},
	MoreString:   {encode: wrong(`{"cursor":`, true, `,"has_more":"false","items":[]}`)},
	CursorNumber: {encode: wrong(`{"cursor":17,"has_more":false,"items":[]}`, false, "")},
	NoCursor:     {encode: wrong(`{"has_more":false,"items":[]}`, false, "")},

	JunkItems:    {page: addJunk},
	UnknownKeys:  {page: eachObject(addUnknown)},
	UnknownEnums: {page: eachObject(replaceEnums)},
	Nulls:        {page: eachObject(nullOptional)},
	Missing:      {page: eachObject(dropOptional)},

	RejectCursor: {before: func(x *exchange) bool { x.fail(http.StatusBadRequest); return true }},
	Endless:      {page: func(p *page) { p.clear(); p.cursor, p.more = p.same, true }},
	Repeat:       {page: func(p *page) { p.cursor, p.more = p.same, true }},
	EmptyPage:    {page: func(p *page) { p.more = p.more || p.count() > 0; p.clear(); p.cursor = p.same }},
}

func (x *exchange) failAsTold() bool {
	if x.fault.Delay > 0 {
		setRetryAfter(x.w.Header(), x.fault.RetryAfter, x.now, x.fault.Delay)
	}
	x.fail(x.fault.Code)
	return true
}

// sleep is false if the client left.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

func (x *exchange) hang() bool {
	x.record(0)
	x.wait()
	return true
}

// wait ends when the client leaves or the server is closed.
func (x *exchange) wait() {
	<-x.r.Context().Done()
	panic(http.ErrAbortHandler) // net/http's way to end without an answer
}

// reset closes the connection so that the client sees a reset.
func (x *exchange) reset() {
	x.record(0)
	conn, _, err := http.NewResponseController(x.w).Hijack()
	if err != nil { // HTTP/2: this resets the stream
		panic(http.ErrAbortHandler)
	}
	raw := conn
	if secure, ok := conn.(interface{ NetConn() net.Conn }); ok {
		raw = secure.NetConn()
	}
	if tcp, ok := raw.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = raw.Close()
}

// half sends headers that promise the answer and the first half of it.
func (x *exchange) half(answer []byte) {
	x.req.Status = http.StatusOK
	x.record(len(answer) / 2)
	x.w.Header().Set("Content-Type", "application/json; charset=utf-8")
	x.w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
	_, _ = x.w.Write(answer[:len(answer)/2])
	_ = http.NewResponseController(x.w).Flush()
}

func (x *exchange) webPage(_ []byte) {
	x.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	x.write(http.StatusOK, []byte("<!DOCTYPE html><title>Sign in to the guest network</title>"))
}

// huge sends a valid answer of the fault's size, in constant memory.
func (x *exchange) huge(_ []byte) {
	const head, tail = `{"cursor":"x","has_more":false,"items":[`, `]}`
	x.req.Status, x.req.Items = http.StatusOK, 0
	x.record(int(x.fault.Size))
	x.w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, err := io.WriteString(x.w, head)
	blank := make([]byte, 64<<10)
	for i := range blank {
		blank[i] = ' '
	}
	for left := x.fault.Size - int64(len(head)+len(tail)); left > 0 && err == nil; {
		var n int
		n, err = x.w.Write(blank[:min(left, int64(len(blank)))])
		left -= int64(n)
	}
	if err == nil {
		_, _ = io.WriteString(x.w, tail)
	}
}

// wrong makes an encoding that holds the page's cursor or not, and nothing else
// of the page.
func wrong(before string, cursor bool, after string) func(*page) []byte {
	return func(p *page) []byte {
		body := []byte(before)
		if cursor {
			body = appendString(body, p.same)
		}
		return append(body, after...)
	}
}

func (p *page) clear() { p.items, p.ends = p.items[:0], p.ends[:0] }

func addJunk(p *page) {
	for _, junk := range []string{`42`, `"text"`, `null`, `[1,2]`, `{}`, `{"uuid":7,"timestamp":"yesterday"}`} {
		p.add(func(dst []byte) []byte { return append(dst, junk...) })
	}
}

type object = map[string]json.RawMessage

var errNoObject = errors.New("not an object")

// eachObject decodes every item that is an object, changes and encodes it again.
func eachObject(change func(object)) func(*page) {
	return func(p *page) {
		p.each(func(item []byte) []byte {
			if changed, err := changeObject(item, change); err == nil {
				return changed
			}
			return item
		})
	}
}

func changeObject(item []byte, change func(object)) ([]byte, error) {
	var o object
	if err := json.Unmarshal(item, &o); err != nil {
		return nil, err
	}
	if o == nil {
		return nil, errNoObject
	}
	change(o)
	return json.Marshal(o)
}

func addUnknown(o object) {
	o["risk"] = json.RawMessage(`{"score":0.75,"reasons":["new device",null],"nested":{"deep":[1,{"er":true}]}}`)
	o["x_flag"] = json.RawMessage(`true`)
	o["a.dotted.key"] = json.RawMessage(`"kept"`)
	if client, err := changeObject(o["client"], func(c object) { c["build"] = json.RawMessage(`81134`) }); err == nil {
		o["client"] = client
	}
}

func replaceEnums(o object) {
	for key, value := range map[string]string{
		"action": "teleport", "object_type": "warpcore", "category": "quantum_failed", "type": "entangled", "actor_type": "robot",
	} {
		if _, ok := o[key]; ok {
			o[key] = json.RawMessage(strconv.Quote(value))
		}
	}
}

// optional are the keys that the API may leave out or send as null.
var optional = []string{
	"account_uuid", "actor_account_uuid", "actor_details", "actor_type", "aux_details", "aux_id", "aux_info",
	"aux_uuid", "client", "country", "details", "location", "object_details", "used_version",
}

func nullOptional(o object) {
	for _, key := range optional {
		if _, ok := o[key]; ok {
			o[key] = json.RawMessage("null")
		}
	}
}

func dropOptional(o object) {
	for _, key := range optional {
		delete(o, key)
	}
}
