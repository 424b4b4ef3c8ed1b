// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The event model: which events a stream holds, when each one happened and when
// the API learned of it. Nothing is stored but what was published by hand.

package eventsapitest

import (
	"encoding/json"
	"math"
	"math/bits"
	"sort"
	"sync"
	"time"
)

// stream is one event type of one account: generated events, whose times are a
// function of their number, and published ones in between.
//
// base is the time that a stream is sorted by. In ingest order it is the ingest
// time and the event happened earlier; in event-time order it is the event time
// and the event is ingested later.
type stream struct {
	typ     EventType
	key     uint64
	epoch   int64 // Unix nanoseconds, as all times here
	span    uint64
	backlog int
	live    float64
	late    uint64 // share of late events, as a 32-bit threshold
	order   Order

	mu        sync.RWMutex
	published []published
}

// published is an event made by hand. It stays at the index that it got.
type published struct {
	index  int
	ingest int64
	event  int64
	uuid   string
	raw    json.RawMessage
}

// Bounds of a filter that is open on one side.
const (
	minTime = math.MinInt64
	maxTime = math.MaxInt64
)

const (
	maxDelay  = 2 * time.Second // between an event and its arrival at the API
	lateUnit  = time.Minute     // a late event is late by one to two units, doubled
	lateTwice = 13              // fewer than this many times: at most 5.7 days
)

func newStream(cfg Config, account string, t EventType) *stream {
	return &stream{
		typ:     t,
		key:     mix(uint64(cfg.Seed), hashOf(account+"/"+string(t))),
		epoch:   cfg.Epoch.UnixNano(),
		span:    uint64(cfg.BacklogSpan),
		backlog: cfg.Backlog[t],
		live:    cfg.Live[t],
		late:    uint64(cfg.LateShare[t] * (1 << 32)),
		order:   cfg.Order,
	}
}

// view is a stream as of a moment; what is published later does not change it.
type view struct {
	*stream
	published []published
	now       int64
	count     int // events whose base time is not after now
}

func (st *stream) at(now int64) view {
	st.mu.RLock()
	pub := st.published
	st.mu.RUnlock()
	pub = pub[:sort.Search(len(pub), func(k int) bool { return pub[k].ingest > now })]
	return view{stream: st, published: pub, now: now, count: st.generated(now) + len(pub)}
}

// add places an event behind all that the stream shows at now.
func (st *stream) add(now int64, raw json.RawMessage) {
	p := published{ingest: now, event: now, raw: raw}
	var head struct {
		UUID      string    `json:"uuid"`
		Timestamp time.Time `json:"timestamp"`
	}
	// Anything may be published, also what has no uuid or no time.
	if json.Unmarshal(raw, &head) == nil {
		p.uuid = head.UUID
		if !head.Timestamp.IsZero() {
			p.event = nanos(head.Timestamp)
		}
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	p.index = st.generated(now) + len(st.published)
	if n := len(st.published); n > 0 { // a clock that went back
		p.ingest = max(p.ingest, st.published[n-1].ingest)
		p.index = max(p.index, st.published[n-1].index+1)
	}
	st.published = append(st.published, p)
}

// generated is the number of generated events whose base time is not after now.
func (st *stream) generated(now int64) int {
	if now < st.epoch {
		return sort.Search(st.backlog, func(g int) bool { return st.generatedBase(g) > now })
	}
	if st.live == 0 {
		return st.backlog
	}
	n := st.backlog + int(float64(now-st.epoch)/1e9*st.live)
	for st.generatedBase(n) <= now { // rounding
		n++
	}
	for n > st.backlog && st.generatedBase(n-1) > now {
		n--
	}
	return n
}

func (st *stream) generatedBase(g int) int64 {
	if g < st.backlog {
		hi, lo := bits.Mul64(st.span, uint64(g))
		q, _ := bits.Div64(hi, lo, uint64(st.backlog))
		return st.epoch - int64(st.span) + int64(q)
	}
	if st.live == 0 {
		return maxTime
	}
	return st.epoch + int64(float64(g-st.backlog)*1e9/st.live)
}

// lateness is how long generated event g took to reach the API. In event-time
// order only late events take any time: otherwise a client that reads as fast as
// events come would miss most of them.
func (st *stream) lateness(g int) int64 {
	h := mix(st.key^saltLate, uint64(g))
	if h>>32 < st.late {
		r := rng(h)
		unit := int64(lateUnit) << r.n(lateTwice)
		return unit + int64(r.unit()*float64(unit))
	}
	if st.order == EventTimeOrder {
		return 0
	}
	return int64(h & math.MaxUint32 * uint64(maxDelay) >> 32)
}

// locate returns the published event at index i, or the number of the generated one.
func (v view) locate(i int) (*published, int) {
	k := sort.Search(len(v.published), func(k int) bool { return v.published[k].index >= i })
	if k < len(v.published) && v.published[k].index == i {
		return &v.published[k], 0
	}
	return nil, i - k
}

// times returns when event i happened and when the API learned of it.
func (v view) times(i int) (event, ingest int64) {
	p, g := v.locate(i)
	if p != nil {
		return p.event, p.ingest
	}
	base, late := v.generatedBase(g), v.lateness(g)
	if v.order == EventTimeOrder {
		return base, base + late
	}
	return base - late, base
}

// first is the first index that may hold an event at or after start: no event is
// ingested before it happened.
func (v view) first(start int64) int {
	return sort.Search(v.count, func(i int) bool {
		p, g := v.locate(i)
		if p != nil {
			return p.ingest >= start
		}
		return v.generatedBase(g) >= start
	})
}

// nanos is t in Unix nanoseconds, limited to what they can express.
func nanos(t time.Time) int64 {
	switch {
	case t.Year() < 1678:
		return minTime
	case t.Year() > 2261:
		return maxTime
	default:
		return t.UnixNano()
	}
}
