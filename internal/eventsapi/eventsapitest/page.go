// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Request bodies and the pages that answer them.

package eventsapitest

import (
	"encoding/json"
	"errors"
	"time"
)

const (
	defaultLimit  = 100
	maxLimit      = 1000
	defaultWindow = time.Hour
)

// query is a decoded request body.
type query struct {
	cursor     string // if set, all else is ignored
	limit      int
	start, end int64
}

var errBody = errors.New("bad request body")

// parseQuery reads either body that the API accepts. Nulls are as good as
// missing keys, unknown keys are ignored.
func parseQuery(body []byte, now time.Time) (query, error) {
	var b struct {
		Cursor    *string         `json:"cursor"`
		Limit     json.RawMessage `json:"limit"`
		StartTime json.RawMessage `json:"start_time"`
		EndTime   json.RawMessage `json:"end_time"`
	}
	var object map[string]json.RawMessage // the body must be an object; null is not one
	if json.Unmarshal(body, &object) != nil || object == nil || json.Unmarshal(body, &b) != nil {
		return query{}, errBody
	}
	if b.Cursor != nil {
		if *b.Cursor == "" {
			return query{}, errBody
		}
		return query{cursor: *b.Cursor}, nil
	}
	q := query{limit: defaultLimit}
	if present(b.Limit) {
		if json.Unmarshal(b.Limit, &q.limit) != nil || q.limit < 1 || q.limit > maxLimit {
			return query{}, errBody
		}
	}
	end, ok1 := parseTime(b.EndTime, maxTime)
	fallback := nanos(now.Add(-defaultWindow))
	if end != maxTime {
		fallback = end - int64(defaultWindow)
	}
	start, ok2 := parseTime(b.StartTime, fallback)
	if !ok1 || !ok2 {
		return query{}, errBody
	}
	q.start, q.end = start, end
	return q, nil
}

func present(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }

func parseTime(raw json.RawMessage, fallback int64) (int64, bool) {
	if !present(raw) {
		return fallback, true
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return 0, false
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	return nanos(t), err == nil
}

// page is an answer before it is encoded. The items lie in one buffer.
type page struct {
	cursor string
	more   bool
	items  []byte // separated by commas
	ends   []int  // where each item ends
	same   string // the cursor that an API which does not get on would return
}

func (p *page) count() int { return len(p.ends) }

// each replaces every item by what f makes of it.
func (p *page) each(f func(item []byte) []byte) {
	old, ends := p.items, p.ends
	p.items, p.ends = nil, make([]int, 0, len(ends))
	from := 0
	for _, end := range ends {
		p.add(func(dst []byte) []byte { return append(dst, f(old[from:end])...) })
		from = end + 1
	}
}

func (p *page) add(item func(dst []byte) []byte) {
	if len(p.ends) > 0 {
		p.items = append(p.items, ',')
	}
	p.items = item(p.items)
	p.ends = append(p.ends, len(p.items))
}

func (p *page) encode() []byte {
	body := make([]byte, 0, len(p.items)+len(p.cursor)+64)
	body = append(body, `{"cursor":`...)
	body = appendString(body, p.cursor)
	body = append(body, `,"has_more":`...)
	if p.more {
		body = append(body, "true"...)
	} else {
		body = append(body, "false"...)
	}
	body = append(body, `,"items":[`...)
	body = append(body, p.items...)
	return append(body, "]}"...)
}

// page answers a query; false if its cursor is rejected. buf is the buffer for
// the items.
func (s *Simulator) page(a *Account, t EventType, q query, v1 bool, buf []byte) (*page, bool) {
	v := a.view(t)
	c := cursor{limit: q.limit, start: q.start, end: q.end}
	if q.cursor != "" {
		var ok bool
		if c, ok = s.openCursor(a.id, t, q.cursor); !ok {
			return nil, false
		}
	} else {
		c.pos, c.until = v.first(q.start), v.count
	}
	p := &page{items: buf[:0], same: q.cursor}
	if p.same == "" {
		p.same = s.sealCursor(a.id, t, c)
	}
	next := v.next(c, c.pos)
	for next < v.count && p.count() < c.limit {
		i := next
		p.add(func(dst []byte) []byte { return a.appendEvent(dst, v, i, v1) })
		c.pos = i + 1
		next = v.next(c, c.pos)
	}
	p.more = next < v.count
	p.cursor = p.same
	if p.count() > 0 {
		p.cursor = s.sealCursor(a.id, t, c)
	}
	return p, true
}

// next is the first index from i on that the cursor's filters let through, or
// the view's count.
func (v view) next(c cursor, i int) int {
	for ; i < v.count; i++ {
		event, ingest := v.times(i)
		if ingest <= v.now && event < c.end && (event >= c.start || i >= c.until) {
			break
		}
	}
	return max(i, 0)
}
