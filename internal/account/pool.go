// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Which inputs share an account and a rate limiter.

package account

import (
	"crypto/sha256"
	"reflect"
	"slices"
	"sync"

	"github.com/elastic/elastic-agent-libs/logp"

	"onepasswordbeat/config"
)

// Pool hands out one rate limiter a token, and one account, with its connections,
// for all inputs with that token that reach the server in the same way; each for
// as long as an input uses it.
type Pool struct {
	mu      sync.Mutex
	budgets map[[sha256.Size]byte]*budget
}

// budget is what the inputs with one token share.
type budget struct {
	limiter  *Limiter
	users    int
	accounts []*shared
}

type shared struct {
	account *Account
	users   int
}

// Get returns the account of an input and the limiter of its token, and what
// gives both back. The first input with a token decides its budget.
func (p *Pool) Get(cfg config.Config, userAgent string, log *logp.Logger) (*Account, *Limiter, func(), error) {
	id := sha256.Sum256([]byte(cfg.TokenFile + "\x00" + cfg.Token.Reveal()))
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.budgets[id]
	if b == nil {
		b = &budget{limiter: NewLimiter(cfg.RateLimit.RequestsPerMinute, cfg.RateLimit.RequestsPerHour)}
	}
	s, err := b.account(cfg, userAgent, log)
	if err != nil {
		return nil, nil, nil, err
	}
	if p.budgets == nil {
		p.budgets = map[[sha256.Size]byte]*budget{}
	}
	p.budgets[id] = b
	b.users++
	s.users++
	return s.account, b.limiter, sync.OnceFunc(func() { p.put(id, b, s) }), nil
}

// put gives a share back; the last one closes the account's connections.
func (p *Pool) put(id [sha256.Size]byte, b *budget, s *shared) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.users--; s.users == 0 {
		b.accounts = slices.DeleteFunc(b.accounts, func(other *shared) bool { return other == s })
		s.account.Close()
	}
	if b.users--; b.users == 0 && b.limiter.left() <= 0 { // else a reload would break the silence that the server asked for
		delete(p.budgets, id)
	}
}

// account finds the account of the same settings, or makes it.
func (b *budget) account(cfg config.Config, userAgent string, log *logp.Logger) (*shared, error) {
	for _, s := range b.accounts {
		if sameWay(s.account.asked, cfg) {
			return s, nil
		}
	}
	account, err := New(cfg, userAgent, log)
	if err != nil {
		return nil, err
	}
	s := &shared{account: account}
	b.accounts = append(b.accounts, s)
	return s, nil
}

// sameWay tells whether two inputs with one token reach the server alike.
func sameWay(a, b config.Config) bool {
	return a.URL == b.URL && a.APIVersion == b.APIVersion && reflect.DeepEqual(a.Transport, b.Transport)
}
