// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A request's way through the simulator: route, fault, token, rate limit, page.

package eventsapitest

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const maxBody = 1 << 20

// exchange is one request on its way.
type exchange struct {
	s     *Simulator
	w     http.ResponseWriter
	r     *http.Request
	now   time.Time
	body  []byte
	v1    bool
	req   Request
	fault Fault
	does  behaviour
}

// ServeHTTP answers one request.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{s: s, w: w, r: r, now: s.now()}
	x.req = Request{At: x.now, Method: r.Method, Path: r.URL.Path, UserAgent: r.UserAgent()}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return // the client is gone
	}
	x.body = body
	x.req.Body = string(body[:min(len(body), maxKeptBody)])
	t, known := x.route()
	if known {
		x.req.Type = t
	}
	// The fake clock, where there is one, is what the client is told.
	w.Header().Set("Date", x.now.UTC().Format(http.TimeFormat))
	switch {
	case s.down.Load():
		x.reset()
	case r.URL.Path == HealthPath:
		s.health(w)
	case !known:
		x.notFound()
	case t == Introspect:
		x.introspect()
	default:
		x.events()
	}
}

// route finds the endpoint. The API has no introspection below /api/v1.
func (x *exchange) route() (EventType, bool) {
	path, method := x.r.URL.Path, x.r.Method
	switch path {
	case "/api/auth/introspect":
		x.v1 = true
		return Introspect, method == http.MethodGet
	case "/api/v2/auth/introspect":
		return Introspect, method == http.MethodGet
	}
	version, name, _ := strings.Cut(strings.TrimPrefix(path, "/api/"), "/")
	x.v1 = version == "v1"
	t := EventType(name)
	known := strings.HasPrefix(path, "/api/") && (x.v1 || version == "v2") && slices.Contains(Types(), t)
	return t, known && method == http.MethodPost
}

// introspect answers what the token is and grants.
func (x *exchange) introspect() {
	if x.meetFault(false) {
		return
	}
	c, ok := x.admit()
	if !ok {
		return
	}
	issued := time.Unix(c.IssuedAt, 0).UTC().Format(time.RFC3339)
	keys := [...]string{"uuid", "issued_at", "features"}
	if x.v1 {
		keys = [...]string{"UUID", "IssuedAt", "Features"}
	}
	b := append([]byte(`{"`), keys[0]...)
	b = appendString(append(b, `":`...), c.Subject)
	b = appendString(append(append(append(b, `,"`...), keys[1]...), `":`...), issued)
	b = append(append(append(b, `,"`...), keys[2]...), `":[`...)
	for i, f := range c.Features {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, string(f))
	}
	b = append(b, ']')
	if !x.v1 && !x.s.cfg.NoIntrospectAccount {
		b = appendString(append(b, `,"account_uuid":`...), c.Account)
	}
	x.deliver(append(b, '}'))
}

var itemBuffers = sync.Pool{New: func() any { return new([]byte) }}

// events answers with a page of events.
func (x *exchange) events() {
	q, err := parseQuery(x.body, x.now)
	x.req.Cursor = q.cursor
	if x.meetFault(q.cursor != "") {
		return
	}
	c, ok := x.admit()
	if !ok {
		return
	}
	if !slices.Contains(c.Features, x.req.Type) {
		x.rejectFeature()
		return
	}
	if err != nil {
		x.fail(http.StatusBadRequest)
		return
	}
	buf := itemBuffers.Get().(*[]byte) //nolint:errcheck // the pool holds nothing else
	defer itemBuffers.Put(buf)
	p, ok := x.s.page(x.s.In(c.Account), x.req.Type, q, x.v1, *buf)
	if !ok {
		x.fail(http.StatusBadRequest)
		return
	}
	*buf = p.items[:0]
	if !p.more && p.count() > 0 && x.s.faults.roll(x.s.cfg.EmptyTail) {
		p.more = true
	}
	if x.does.page != nil {
		x.does.page(p)
	}
	x.req.Items = p.count()
	if x.does.encode != nil {
		x.deliver(x.does.encode(p))
		return
	}
	x.deliver(p.encode())
}

// meetFault finds out what goes wrong with this request, and reports whether
// that was all of the answer.
func (x *exchange) meetFault(cursor bool) bool {
	x.fault = x.s.faults.next(x.req.Type, cursor)
	x.does = behaviours[x.fault.Kind]
	if x.fault.Kind != Pass {
		x.req.Fault = x.fault.String()
	}
	return x.does.before != nil && x.does.before(x)
}

// admit checks the token and its rate limits, and answers if they do not hold.
func (x *exchange) admit() (claims, bool) {
	c, ok := x.s.authenticate(x.r.Header.Get("Authorization"), x.now)
	if !ok {
		x.fail(http.StatusUnauthorized)
		return c, false
	}
	x.req.Account = c.Account
	if wait, ok := x.s.limits.take(c.ID, x.now, x.s.cfg.limits()); !ok {
		setRetryAfter(x.w.Header(), x.s.cfg.RetryAfter, x.now, wait)
		x.fail(http.StatusTooManyRequests)
		return c, false
	}
	return c, true
}

func (x *exchange) rejectFeature() {
	if x.s.cfg.Forbidden403 {
		x.fail(http.StatusForbidden)
		return
	}
	x.fail(http.StatusUnauthorized)
}

func (x *exchange) notFound() {
	x.req.Status = http.StatusNotFound
	x.record(0)
	http.NotFound(x.w, x.r)
}

// fail answers with an error status and a body in the configured form.
func (x *exchange) fail(status int) {
	message := http.StatusText(status)
	var body []byte
	switch x.s.cfg.ErrorForm {
	case ErrorNested:
		body = append(appendString([]byte(`{"Error":{"Message":`), message), "}}"...)
	case ErrorFlat:
		body = append([]byte(`{"status":`), strconv.Itoa(status)...)
		body = append(appendString(append(body, `,"message":`...), message), '}')
	case ErrorText:
		x.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		body = []byte(message)
	case ErrorEmpty:
	}
	x.write(status, body)
}

// deliver answers 200, or does with the body what the fault wants.
func (x *exchange) deliver(body []byte) {
	if x.does.deliver != nil {
		x.does.deliver(x, body)
		return
	}
	x.write(http.StatusOK, body)
}

func (x *exchange) write(status int, body []byte) {
	x.req.Status = status
	x.record(len(body))
	h := x.w.Header()
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "application/json; charset=utf-8")
	}
	if x.s.cfg.Gzip && strings.Contains(x.r.Header.Get("Accept-Encoding"), "gzip") && len(body) > 0 {
		h.Set("Content-Encoding", "gzip")
		body = compress(body)
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	x.w.WriteHeader(status)
	_, _ = x.w.Write(body) // a client that left has its reasons
}

func compress(body []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = z.Write(body) // a bytes.Buffer takes all
	_ = z.Close()
	return out.Bytes()
}

func (x *exchange) record(bytes int) { x.s.log.add(x.req, bytes) }
