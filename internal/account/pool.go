// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Which inputs share a rate limiter.

package account

import (
	"crypto/sha256"
	"sync"

	"onepasswordbeat/config"
)

// Limits hands out one rate limiter a token, for as long as an input uses it.
type Limits struct {
	mu   sync.Mutex
	byID map[[sha256.Size]byte]*shared
}

type shared struct {
	limiter *Limiter
	users   int
}

// Get returns the limiter of the input's token, and what gives it back. The
// first input with a token decides its budget.
func (l *Limits) Get(cfg config.Config) (*Limiter, func()) {
	id := sha256.Sum256([]byte(cfg.TokenFile + "\x00" + cfg.Token.Reveal()))
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byID == nil {
		l.byID = map[[sha256.Size]byte]*shared{}
	}
	s := l.byID[id]
	if s == nil {
		s = &shared{limiter: NewLimiter(cfg.RateLimit.RequestsPerMinute, cfg.RateLimit.RequestsPerHour)}
		l.byID[id] = s
	}
	s.users++
	return s.limiter, sync.OnceFunc(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if s.users--; s.users == 0 {
			delete(l.byID, id)
		}
	})
}
