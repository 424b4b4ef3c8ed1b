// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What the simulator was asked and how it answered.

package eventsapitest

import (
	"maps"
	"sync"
	"time"
)

// Request is one request that the simulator answered, or left unanswered. The
// token is not kept.
type Request struct {
	At        time.Time
	Method    string
	Path      string
	Type      EventType // empty for an unknown path
	Account   string    // of the token; empty if it was rejected or not looked at
	UserAgent string
	Body      string // as sent, at most 1 KiB
	Cursor    string // from the body; empty for a reset request
	Status    int    // 0: no answer (reset, hanging, down)
	Items     int    // in the answer
	Fault     string // name of the fault it met, see ParseFault
}

// Stats are counters over all requests so far.
type Stats struct {
	Requests map[EventType]map[int]int // by type and status
	Items    map[EventType]int         // served, repeats included
	Faults   map[string]int
	Bytes    int64 // bodies of event answers, before compression
}

// Count adds up the requests of a type, with the given statuses or with any.
func (s Stats) Count(t EventType, statuses ...int) int {
	n := 0
	for status, c := range s.Requests[t] {
		if len(statuses) == 0 {
			n += c
		}
		for _, wanted := range statuses {
			if wanted == status {
				n += c
			}
		}
	}
	return n
}

const maxKeptBody = 1 << 10

type requestLog struct {
	mu    sync.Mutex
	ring  []Request
	next  int
	full  bool
	stats Stats
}

func newRequestLog(size int) requestLog {
	return requestLog{
		ring: make([]Request, size),
		stats: Stats{
			Requests: make(map[EventType]map[int]int),
			Items:    make(map[EventType]int),
			Faults:   make(map[string]int),
		},
	}
}

func (l *requestLog) add(r Request, bytes int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ring[l.next] = r
	if l.next++; l.next == len(l.ring) {
		l.next, l.full = 0, true
	}
	if l.stats.Requests[r.Type] == nil {
		l.stats.Requests[r.Type] = make(map[int]int)
	}
	l.stats.Requests[r.Type][r.Status]++
	l.stats.Items[r.Type] += r.Items
	l.stats.Bytes += int64(bytes)
	if r.Fault != "" {
		l.stats.Faults[r.Fault]++
	}
}

// Requests returns the last requests, oldest first, at most Config.KeepRequests.
// A request is there as soon as its answer begins.
func (s *Simulator) Requests() []Request {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	var all []Request
	if s.log.full {
		all = append(all, s.log.ring[s.log.next:]...)
	}
	return append(all, s.log.ring[:s.log.next]...)
}

// Stats returns the counters so far.
func (s *Simulator) Stats() Stats {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	st := s.log.stats
	st.Items, st.Faults = maps.Clone(st.Items), maps.Clone(st.Faults)
	st.Requests = make(map[EventType]map[int]int)
	for t, byStatus := range s.log.stats.Requests {
		st.Requests[t] = maps.Clone(byStatus)
	}
	return st
}
