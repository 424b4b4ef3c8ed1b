// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The simulator's settings and the simulator itself.

package eventsapitest

import (
	"crypto/ecdsa"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// EventType names a stream of events as the API path and the token feature do.
type EventType string

// The three event types. [Introspect] stands for the introspection endpoint
// wherever a request is described; it is not a stream.
const (
	AuditEvents    EventType = "auditevents"
	ItemUsages     EventType = "itemusages"
	SignInAttempts EventType = "signinattempts"
	Introspect     EventType = "introspect"
)

// Types returns the three event types.
func Types() []EventType { return []EventType{AuditEvents, ItemUsages, SignInAttempts} }

// Each gives every event type the same value: Backlog: Each(1000).
func Each[T any](v T) map[EventType]T {
	m := make(map[EventType]T, len(Types()))
	for _, t := range Types() {
		m[t] = v
	}
	return m
}

// Order says what a stream is sorted by, and with it what a cursor walks.
type Order int

const (
	// IngestOrder sorts by the time at which the API learned of an event. A late
	// event stands where it was ingested, so a cursor meets it.
	IngestOrder Order = iota
	// EventTimeOrder sorts by the event's own time. A late event appears behind
	// the cursor of a client that already went past it, which never sees it.
	EventTimeOrder
)

// RetryAfterForm says how a 429 announces when to come back.
type RetryAfterForm int

// Retry-After holds seconds, holds an HTTP date, or is left out.
const (
	RetryAfterSeconds RetryAfterForm = iota
	RetryAfterDate
	RetryAfterAbsent
)

// ErrorForm is the shape of the body of an error answer.
type ErrorForm int

// The known shapes of an error body.
const (
	ErrorNested ErrorForm = iota // {"Error":{"Message":"..."}}, seen live
	ErrorFlat                    // {"status":401,"message":"..."}, Events API reference 1.4.1
	ErrorText                    // plain text
	ErrorEmpty                   // no body
)

// Config describes a simulated API. Its zero value is a fault-free API without
// events, which serves what [Account.Publish] adds.
type Config struct {
	Seed  int64
	Epoch time.Time        // end of the backlog, start of the live events; default: Now() at New
	Now   func() time.Time // default time.Now

	Backlog     map[EventType]int     // events ingested before Epoch
	BacklogSpan time.Duration         // their ingest times spread over [Epoch-BacklogSpan, Epoch); default 24h
	Live        map[EventType]float64 // events per second from Epoch on
	LateShare   map[EventType]float64 // share of events that arrive minutes to six days late; nil: 0.02 for item usages
	Order       Order
	EmptyTail   float64 // probability that a last page says has_more, so that an empty page follows

	Account             string // account of the default token; default: made from Seed
	Host                string // audience of tokens; default: the address of the first Start, before it events.1password.com
	StrictAudience      bool   // 401 for a token with another audience than Host, as a wrong region answers
	Forbidden403        bool   // 403 instead of 401 for a feature that the token lacks
	UserTypeKey         string // key of a v2 user's type; default "type" (seen live), documented is "user_type"
	NoIntrospectAccount bool   // introspection without account_uuid, as before September 2025
	ErrorForm           ErrorForm

	PerMinute  int // requests a token may make in a clock minute; 0: no limit
	PerHour    int // requests a token may make in a clock hour; 0: no limit
	RetryAfter RetryAfterForm

	Faults []Chance // faults by probability; see also Simulator.Script
	Gzip   bool     // compress answers for clients that accept gzip
	TLS    bool     // serve HTTPS (HTTP/1.1 and HTTP/2) with a certificate of an own CA

	KeepRequests int // how many requests Requests remembers; default 1000
}

const (
	defaultSpan     = 24 * time.Hour
	defaultHost     = "events.1password.com"
	defaultLate     = 0.02
	defaultRequests = 1000
)

// Simulator is one simulated Events API. It is an http.Handler; [Simulator.Start]
// gives it a listener. The embedded Account is the one that tokens belong to
// unless they are made [WithAccount]. All methods may be called at any time from
// any goroutine.
type Simulator struct {
	*Account

	cfg    Config
	key    *ecdsa.PrivateKey // signs tokens; made from the seed, so tokens outlive a restart
	secret []byte            // seals cursors; made from the seed
	down   atomic.Bool
	log    requestLog
	faults faultQueue
	tokens tokenBook
	limits limiter

	mu       sync.Mutex
	host     string
	accounts map[string]*Account
}

// New returns a simulator, or an error that names the setting that makes no sense.
func New(cfg Config) (*Simulator, error) {
	if err := cfg.complete(); err != nil {
		return nil, fmt.Errorf("events API simulator: %w", err)
	}
	key, err := signingKey(cfg.Seed)
	if err != nil {
		return nil, fmt.Errorf("events API simulator: token key: %w", err)
	}
	s := &Simulator{
		cfg:      cfg,
		key:      key,
		secret:   []byte(fmt.Sprintf("cursor %d", cfg.Seed)),
		host:     cfg.Host,
		accounts: make(map[string]*Account),
		log:      newRequestLog(cfg.KeepRequests),
		faults:   faultQueue{rand: rng(mix(uint64(cfg.Seed), saltFaults)), chances: cfg.Faults},
	}
	if cfg.Account == "" {
		r := rng(mix(uint64(cfg.Seed), saltAccount))
		s.cfg.Account = string(appendID(nil, &r, upper))
	}
	s.Account = s.In(s.cfg.Account)
	return s, nil
}

// complete fills the defaults in and rejects what cannot be served.
func (c *Config) complete() error {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Epoch.IsZero() {
		c.Epoch = c.Now()
	}
	if c.BacklogSpan == 0 {
		c.BacklogSpan = defaultSpan
	}
	if c.LateShare == nil {
		c.LateShare = map[EventType]float64{ItemUsages: defaultLate}
	}
	if c.UserTypeKey == "" {
		c.UserTypeKey = "type"
	}
	if c.KeepRequests <= 0 {
		c.KeepRequests = defaultRequests
	}
	if c.BacklogSpan < 0 {
		return fmt.Errorf("the backlog span is %s, it must be positive", c.BacklogSpan)
	}
	for t, n := range c.Backlog {
		if n < 0 {
			return fmt.Errorf("the backlog of %s is %d, it must not be negative", t, n)
		}
	}
	for t, rate := range c.Live {
		if !(rate >= 0 && rate <= 1e6) {
			return fmt.Errorf("the live rate of %s is %v events per second, it must be between 0 and 1e6", t, rate)
		}
	}
	return c.checkProbabilities()
}

func (c *Config) checkProbabilities() error {
	for t, p := range c.LateShare {
		if !probability(p) {
			return fmt.Errorf("LateShare of %s is %v, it must be between 0 and 1", t, p)
		}
	}
	if !probability(c.EmptyTail) {
		return fmt.Errorf("EmptyTail is %v, it must be between 0 and 1", c.EmptyTail)
	}
	sum := 0.0
	for _, ch := range c.Faults {
		if !probability(ch.P) {
			return fmt.Errorf("probability of fault %s is %v, it must be between 0 and 1", ch.Fault, ch.P)
		}
		if _, ok := behaviours[ch.Fault.Kind]; !ok {
			return fmt.Errorf("unknown fault %q", ch.Fault.Kind)
		}
		sum += ch.P
	}
	if sum > 1+1e-9 {
		return fmt.Errorf("probabilities of all faults add up to %v, that is more than 1", sum)
	}
	return nil
}

func probability(p float64) bool { return p >= 0 && p <= 1 && !math.IsNaN(p) }

// In returns the account with this id. Every account has events of its own,
// made from the same seed and settings.
func (s *Simulator) In(account string) *Account {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.accounts[account]
	if !ok {
		a = newAccount(s.cfg, account)
		s.accounts[account] = a
	}
	return a
}

// Down makes the API unreachable (every connection is reset) or reachable again.
func (s *Simulator) Down(down bool) { s.down.Store(down) }

// Host is the audience of tokens made from now on.
func (s *Simulator) Host() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.host == "" {
		return defaultHost
	}
	return s.host
}

// serveAt makes the address of the first listener the audience of tokens.
func (s *Simulator) serveAt(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.host == "" {
		s.host = address
	}
}

func (s *Simulator) now() time.Time { return s.cfg.Now() }
