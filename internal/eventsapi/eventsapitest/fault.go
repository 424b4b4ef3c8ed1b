// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Faults: what they are, how they are written, and when a request meets one.

package eventsapitest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Kind is what a fault does.
type Kind string

// The kinds of faults.
const (
	Pass         Kind = ""               // nothing; lets one request through in a script
	Status       Kind = "status"         // an error status with its body
	Slow         Kind = "slow"           // the right answer, after Delay
	Hang         Kind = "hang"           // no answer until the client leaves
	Reset        Kind = "reset"          // the connection is reset
	Cut          Kind = "cut"            // the body ends in the middle
	Stall        Kind = "stall"          // headers and half of the body, then nothing
	Garbage      Kind = "garbage"        // 200 with bytes that are not JSON
	HTML         Kind = "html"           // 200 with a web page, as a captive proxy answers
	ItemsObject  Kind = "items-object"   // items is an object
	ItemsNull    Kind = "items-null"     // items is null
	MoreString   Kind = "more-string"    // has_more is a string
	CursorNumber Kind = "cursor-number"  // cursor is a number
	NoCursor     Kind = "no-cursor"      // cursor is missing
	JunkItems    Kind = "junk-items"     // besides the events, items that are not events
	UnknownKeys  Kind = "unknown-keys"   // events with unknown keys
	UnknownEnums Kind = "unknown-values" // events with unknown actions, types and categories
	Nulls        Kind = "nulls"          // optional keys of events are null
	Missing      Kind = "missing"        // optional keys of events are missing
	RejectCursor Kind = "reject-cursor"  // 400, only for a request with a cursor
	Endless      Kind = "endless"        // no items, has_more, and a cursor that does not move
	Repeat       Kind = "repeat"         // items, has_more, and a cursor that does not move
	EmptyPage    Kind = "empty"          // no items and has_more, with events left
	Huge         Kind = "huge"           // a valid body of Size bytes
)

// Fault is one thing that goes wrong.
type Fault struct {
	Kind       Kind
	On         EventType      // only requests of this type; empty: of the three event types
	Times      int            // how many requests a script gives it to; default 1
	Code       int            // for Status
	Delay      time.Duration  // for Slow; for Status: in Retry-After
	RetryAfter RetryAfterForm // for Status with a Delay
	Size       int64          // for Huge
}

// Chance is a fault that a request meets with probability P.
type Chance struct {
	P     float64
	Fault Fault
}

// HTTPStatus is an answer with an error status and no Retry-After.
func HTTPStatus(code int) Fault { return Fault{Kind: Status, Code: code} }

// TooManyRequests is a 429 that says in the given form when to come back.
func TooManyRequests(after time.Duration, form RetryAfterForm) Fault {
	return Fault{Kind: Status, Code: http.StatusTooManyRequests, Delay: after, RetryAfter: form}
}

// For returns the fault for requests of one type only.
func (f Fault) For(t EventType) Fault {
	f.On = t
	return f
}

// String is the fault as [ParseFault] reads it.
func (f Fault) String() string {
	name := string(f.Kind)
	switch {
	case f.Kind == Pass:
		name = "pass"
	case f.Kind == Status && f.Delay > 0 && f.RetryAfter == RetryAfterSeconds:
		name = fmt.Sprintf("%d:%s", f.Code, f.Delay)
	case f.Kind == Status && f.Delay > 0 && f.RetryAfter == RetryAfterDate:
		name = fmt.Sprintf("%d:date:%s", f.Code, f.Delay)
	case f.Kind == Status:
		name = strconv.Itoa(f.Code)
	case f.Kind == Slow:
		name = fmt.Sprintf("slow:%s", f.Delay)
	case f.Kind == Huge:
		name = fmt.Sprintf("huge:%d", f.Size)
	}
	if f.On != "" {
		name += "@" + string(f.On)
	}
	return name
}

// ParseFault reads a fault: "500", "429:2s" (Retry-After in seconds),
// "429:date:2s", "slow:300ms", "huge:100000000", or the name of a kind; with
// "@auditevents" and the like behind it for one type only.
func ParseFault(text string) (Fault, error) {
	name, on, _ := strings.Cut(text, "@")
	name, arg, _ := strings.Cut(name, ":")
	f := Fault{Kind: Kind(name), On: EventType(on)}
	if on != "" && f.On != Introspect && !slices.Contains(Types(), f.On) {
		return Fault{}, fmt.Errorf("fault %q: no event type %q; known are %v and %s", text, on, Types(), Introspect)
	}
	var err error
	if code, numErr := strconv.Atoi(name); numErr == nil {
		f.Kind, f.Code = Status, code
		if code < 400 || code > 599 {
			return Fault{}, fmt.Errorf("fault %q: a status must be between 400 and 599", text)
		}
		if date, ok := strings.CutPrefix(arg, "date:"); ok {
			f.RetryAfter, arg = RetryAfterDate, date
		}
		if arg != "" {
			f.Delay, err = time.ParseDuration(arg)
		}
	} else {
		err = f.parseArgument(arg)
	}
	if err != nil {
		return Fault{}, fmt.Errorf("fault %q: %w", text, err)
	}
	return f, nil
}

func (f *Fault) parseArgument(arg string) (err error) {
	switch {
	case f.Kind == "pass":
		f.Kind = Pass
	case f.Kind == Slow:
		f.Delay, err = time.ParseDuration(arg)
	case f.Kind == Huge:
		f.Size, err = strconv.ParseInt(arg, 10, 64)
	case !slices.Contains(FaultNames(), string(f.Kind)):
		return fmt.Errorf("unknown; known are a status and %s", strings.Join(FaultNames(), ", "))
	case arg != "":
		return fmt.Errorf("it takes no argument, %q was given", arg)
	}
	return err
}

// FaultNames lists the kinds of faults but the status ones, sorted.
func FaultNames() []string {
	var names []string
	for k := range maps.Keys(behaviours) {
		if k != Pass && k != Status {
			names = append(names, string(k))
		}
	}
	slices.Sort(names)
	return names
}

// faultQueue hands out faults: scripted ones first, then by chance.
type faultQueue struct {
	mu      sync.Mutex
	rand    rng
	script  []Fault
	chances []Chance
}

// Script makes the next requests meet these faults, in this order. A fault waits
// for a request that it fits; what has no fault in the script meets one by chance.
func (s *Simulator) Script(faults ...Fault) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.script = append(s.faults.script, faults...)
}

// SetFaults replaces the faults by chance, also with none.
func (s *Simulator) SetFaults(chances ...Chance) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.chances = chances
}

// ScriptLeft is how many scripted faults still wait for a request.
func (s *Simulator) ScriptLeft() int {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	n := 0
	for _, f := range s.faults.script {
		n += max(f.Times, 1)
	}
	return n
}

func (q *faultQueue) next(t EventType, cursor bool) Fault {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range q.script {
		f := q.script[i]
		if !f.fits(t, cursor) {
			continue
		}
		if q.script[i].Times--; q.script[i].Times <= 0 {
			q.script = slices.Delete(q.script, i, i+1)
		}
		return f
	}
	if len(q.chances) == 0 {
		return Fault{}
	}
	u := q.rand.unit()
	for _, c := range q.chances {
		if u < c.P {
			if c.Fault.fits(t, cursor) {
				return c.Fault
			}
			return Fault{}
		}
		u -= c.P
	}
	return Fault{}
}

func (f Fault) fits(t EventType, cursor bool) bool {
	if f.Kind == RejectCursor && !cursor {
		return false
	}
	return f.On == t || f.On == "" && t != Introspect
}

func (q *faultQueue) roll(p float64) bool {
	if p == 0 {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.rand.unit() < p
}
