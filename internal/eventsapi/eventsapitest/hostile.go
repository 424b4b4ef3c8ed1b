// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Hostile answers: what a server sends to stop, fill or fool a client. Each is a kind of fault, so that it can be scripted
// and comes by chance like the others.

package eventsapitest

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The kinds of hostile answers.
const (
	Hostile101         Kind = "hostile-101"          // Switching Protocols, and the connection stays open
	Hostile206         Kind = "hostile-206"          // a success other than 200, whose body does not end
	HostileErrorDrip   Kind = "hostile-error-drip"   // a 401 whose body comes byte by byte
	HostileErrorFlood  Kind = "hostile-error-flood"  // a 500 whose body does not end
	HostileDrip        Kind = "hostile-drip"         // a 200 whose body comes byte by byte
	HostileHeaders     Kind = "hostile-headers"      // a megabyte of headers
	HostileRedirect    Kind = "hostile-redirect"     // a redirect to another host
	HostileRetryAfter  Kind = "hostile-retry-after"  // 429 with an absurd Retry-After
	HostileBomb        Kind = "hostile-bomb"         // 256 MiB of blanks in a small gzip
	HostileValues      Kind = "hostile-values"       // 31 MiB of tiny items in a small gzip
	HostileManyValues  Kind = "hostile-many-values"  // 63 MiB of them
	HostileNested      Kind = "hostile-nested-items" // one item of 31 MiB with millions of values
	HostileBigItem     Kind = "hostile-big-item"     // one item with a string of 31 MiB
	HostileLargeItems  Kind = "hostile-large-items"  // eight items with strings of 3.8 MiB, each within the limit of an item
	HostileRepeatedKey Kind = "hostile-repeated-key" // one item that repeats a key of another type 20,000 times
	HostileFewerKeys   Kind = "hostile-fewer-keys"   // the same 9,000 times, which is within the limit of values
	HostileManyKeys    Kind = "hostile-many-keys"    // one item with 12,500 unknown keys
	HostileDeep        Kind = "hostile-deep"         // one item of 9,000 arrays in each other
	HostileSteering    Kind = "hostile-steering"     // one item whose keys try to steer where and how it is indexed
	HostileCursor      Kind = "hostile-cursor"       // a cursor of 20 MiB
	HostileLongCursor  Kind = "hostile-long-cursor"  // a cursor of 60 MiB
	HostileEcho        Kind = "hostile-echo"         // a 401 that echoes the token, wrapped, cut and in lower case
	HostileTerminal    Kind = "hostile-terminal"     // a 403 with escape sequences and 15 KB of text
	HostileTexts       Kind = "hostile-texts"        // a 500 with another text each time
	HostileAccount     Kind = "hostile-account"      // for Introspect: account_uuid of 60 KB with escape sequences
	HostileLongAccount Kind = "hostile-long-account" // for Introspect: account_uuid of 900 KB
)

// HostileKinds lists the kinds for the event types in the order of their declaration.
func HostileKinds() []Kind {
	return []Kind{
		Hostile101, Hostile206, HostileErrorDrip, HostileErrorFlood, HostileDrip, HostileHeaders, HostileRedirect, HostileRetryAfter,
		HostileBomb, HostileValues, HostileManyValues, HostileNested, HostileBigItem, HostileLargeItems, HostileRepeatedKey, HostileFewerKeys, HostileManyKeys,
		HostileDeep, HostileSteering, HostileCursor, HostileLongCursor, HostileEcho, HostileTerminal, HostileTexts,
	}
}

// size of what exceeds a client's limit for items while the response stays below that for responses.
const hostileSize = 31 << 20

var hostile = map[Kind]behaviour{
	Hostile101:        {before: (*exchange).switchProtocols},
	Hostile206:        {before: func(x *exchange) bool { return x.pour(http.StatusPartialContent, 0) }},
	HostileErrorDrip:  {before: func(x *exchange) bool { return x.pour(http.StatusUnauthorized, time.Second) }},
	HostileErrorFlood: {before: func(x *exchange) bool { return x.pour(http.StatusInternalServerError, 0) }},
	HostileDrip:       {before: func(x *exchange) bool { return x.pour(http.StatusOK, time.Second) }},
	HostileHeaders: {before: func(x *exchange) bool {
		for i := range 1000 {
			x.w.Header().Set(fmt.Sprintf("X-Hostile-%d", i), strings.Repeat("h", 1000))
		}
		x.write(http.StatusOK, []byte(`{"cursor":"c","has_more":false,"items":[]}`))
		return true
	}},
	HostileRedirect: {before: func(x *exchange) bool {
		x.w.Header().Set("Location", "http://hostile.invalid/\x1b[31m")
		x.write(http.StatusFound, nil)
		return true
	}},
	HostileRetryAfter: {before: func(x *exchange) bool {
		x.w.Header().Set("Retry-After", "99999999999999999999")
		x.write(http.StatusTooManyRequests, nil)
		return true
	}},
	HostileBomb:       {before: func(x *exchange) bool { return x.gzipped(bomb()) }},
	HostileValues:     {before: func(x *exchange) bool { return x.gzipped(tinyItems()) }},
	HostileManyValues: {before: func(x *exchange) bool { return x.gzipped(manyTinyItems()) }},
	HostileNested: {encode: oneItem(func(w *bytes.Buffer) {
		w.WriteString(`{"uuid":"HOSTILENESTED2AAAAAAAAAAAA","x":[1`)
		w.Write(bytes.Repeat([]byte(",1"), hostileSize/2))
		w.WriteString(`]}`)
	})},
	HostileBigItem: {encode: oneItem(func(w *bytes.Buffer) {
		w.WriteString(`{"uuid":"HOSTILEBIG2AAAAAAAAAAAAAAA","x":"`)
		w.Write(bytes.Repeat([]byte("x"), hostileSize))
		w.WriteString(`"}`)
	})},
	HostileLargeItems: {encode: oneItem(func(w *bytes.Buffer) {
		for i := range 8 {
			if i > 0 {
				w.WriteByte(',')
			}
			fmt.Fprintf(w, `{"uuid":"HOSTILELARGE%dAAAAAAAAAAAAA","timestamp":"2026-03-04T05:06:07Z","x":"`, i)
			w.Write(bytes.Repeat([]byte("x"), 38<<20/10))
			w.WriteString(`"}`)
		}
	})},
	HostileRepeatedKey: {encode: oneItem(repeatKey("HOSTILEREPEATED2AAAAAAAAAA", 20_000))},
	HostileFewerKeys:   {encode: oneItem(repeatKey("HOSTILEFEWER2AAAAAAAAAAAAA", 9_000))},
	HostileManyKeys: {encode: oneItem(func(w *bytes.Buffer) {
		w.WriteString(`{"uuid":"HOSTILEMANYKEYS2AAAAAAAAAA","timestamp":"2026-03-04T05:06:07Z"`)
		for i := range 12_500 {
			fmt.Fprintf(w, `,"key_%d":%d`, i, i)
		}
		w.WriteString(`}`)
	})},
	HostileDeep: {encode: oneItem(func(w *bytes.Buffer) {
		w.WriteString(`{"uuid":"HOSTILEDEEP2AAAAAAAAAAAAAA","timestamp":"2026-03-04T05:06:07Z","x":`)
		w.WriteString(strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000) + `}`)
	})},
	HostileSteering: {encode: oneItem(func(w *bytes.Buffer) {
		w.WriteString(`{"uuid":"HOSTILESTEERING2AAAAAAAAAA","timestamp":"2026-03-04T05:06:07Z","_index":"other","_id":"other",` +
			`"@metadata":{"raw_index":"other","index":"other","_id":"other","pipeline":"other","op_type":"delete"},` +
			`"data_stream":{"dataset":"other","namespace":"other","type":"metrics"},"event":{"dataset":"other","kind":"alert"},` +
			`"@timestamp":"1970-01-01T00:00:00Z","a..b.":{"":1," ":2},"__proto__":{"x":1},"unexpected":{"uuid":"other"}}`)
	})},
	HostileCursor: {encode: func(*page) []byte {
		return []byte(`{"cursor":"` + strings.Repeat("c", 20<<20) + `","has_more":true,"items":[]}`)
	}},
	HostileLongCursor: {encode: func(*page) []byte {
		return []byte(`{"cursor":"` + strings.Repeat("c", 60<<20) + `","has_more":true,"items":[]}`)
	}},
	HostileEcho: {before: (*exchange).echo},
	HostileTerminal: {before: func(x *exchange) bool {
		x.write(http.StatusForbidden, []byte("\x1b]0;owned\x07\x1b[31mred\x1b[0m\u202e\r\n"+strings.Repeat("text ", 3000)))
		return true
	}},
	HostileTexts: {before: func(x *exchange) bool {
		x.write(http.StatusInternalServerError, fmt.Appendf(nil, `{"Error":{"Message":"failure %x"}}`, rand.Uint64())) //nolint:gosec // any text will do
		return true
	}},
	HostileAccount: {deliver: func(x *exchange, _ []byte) {
		x.write(http.StatusOK, []byte(`{"uuid":"U\u001b[31m","features":["auditevents","itemusages","signinattempts","\u001b[2J`+strings.Repeat("f", 2000)+
			`"],"account_uuid":"\u001b[31mA\r\n`+strings.Repeat("A", 60_000)+`"}`))
	}},
	HostileLongAccount: {deliver: func(x *exchange, _ []byte) {
		x.write(http.StatusOK, []byte(`{"uuid":"U","features":["auditevents","itemusages","signinattempts"],"account_uuid":"`+strings.Repeat("A", 900_000)+`"}`))
	}},
}

// switchProtocols answers 101 and keeps the connection until the client closes it.
func (x *exchange) switchProtocols() bool {
	x.req.Status = http.StatusSwitchingProtocols
	x.record(0)
	conn, _, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2 has no 101
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Minute))
	_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: hostile\r\n\r\n")
	_, _ = io.Copy(io.Discard, conn)
	return true
}

// pour sends a body that does not end: byte by byte with a pause, or as fast as it is read.
func (x *exchange) pour(status int, pause time.Duration) bool {
	x.req.Status = status
	x.record(0)
	x.w.Header().Set("Content-Type", "application/json")
	x.w.WriteHeader(status)
	chunk := bytes.Repeat([]byte(" "), 64<<10)
	if pause > 0 {
		chunk = chunk[:1]
	}
	for x.r.Context().Err() == nil {
		if _, err := x.w.Write(chunk); err != nil {
			break
		}
		_ = http.NewResponseController(x.w).Flush()
		if pause > 0 {
			sleep(x.r.Context(), pause)
		}
	}
	return true
}

// echo answers 401 with the token as a careless server or proxy would.
func (x *exchange) echo() bool {
	token := strings.TrimPrefix(x.r.Header.Get("Authorization"), "Bearer ")
	var wrapped strings.Builder
	for i := 0; i < len(token); i += 20 {
		wrapped.WriteString(token[i:min(i+20, len(token))] + "\r\n ")
	}
	x.write(http.StatusUnauthorized, []byte("bad token "+strings.ToLower(token)+" | "+wrapped.String()+" | "+token[len(token)/3:len(token)/2]))
	return true
}

func (x *exchange) gzipped(body []byte) bool {
	x.req.Status = http.StatusOK
	x.record(len(body))
	x.w.Header().Set("Content-Encoding", "gzip")
	x.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = x.w.Write(body)
	return true
}

// oneItem is a page of one more item, with a cursor that does not move, so that the page's own events come again.
func oneItem(write func(*bytes.Buffer)) func(*page) []byte {
	return func(p *page) []byte {
		var b bytes.Buffer
		b.WriteString(`{"cursor":`)
		b.Write(appendString(nil, p.same))
		b.WriteString(`,"has_more":true,"items":[`)
		write(&b)
		b.WriteString(`]}`)
		return b.Bytes()
	}
}

func repeatKey(uuid string, n int) func(*bytes.Buffer) {
	return func(w *bytes.Buffer) {
		w.WriteString(`{"uuid":"` + uuid + `","timestamp":"2026-03-04T05:06:07Z","actor_uuid":[1]`)
		w.WriteString(strings.Repeat(`,"aux_id":[1]`, n))
		w.WriteString(`}`)
	}
}

var bomb = sync.OnceValue(func() []byte {
	return compressed(`{"cursor":"x","has_more":false,"items":[`, " ", 256<<20, `]}`)
})

var tinyItems = sync.OnceValue(func() []byte {
	return compressed(`{"cursor":"x","has_more":false,"items":[1`, ",1", hostileSize, `]}`)
})

var manyTinyItems = sync.OnceValue(func() []byte {
	return compressed(`{"cursor":"x","has_more":false,"items":[1`, ",1", 63<<20, `]}`)
})

// compressed is the gzip of a text whose middle repeats a part up to a size.
func compressed(head, part string, size int, tail string) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = io.WriteString(z, head) // a bytes.Buffer takes all
	chunk := bytes.Repeat([]byte(part), 1<<20/len(part))
	for n := 0; n < size; n += len(chunk) {
		_, _ = z.Write(chunk)
	}
	_, _ = io.WriteString(z, tail)
	_ = z.Close()
	return out.Bytes()
}
