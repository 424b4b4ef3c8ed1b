// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Which inputs share an account and a rate limiter.

package account

import (
	"crypto/sha256"
	"slices"
	"sync"
)

// Pool hands out one rate limiter per token. Inputs with the same token that reach the server in the same way share
// one account, too, with its connections. Both exist for as long as an input uses them. The zero value is an empty pool.
type Pool struct {
	mu     sync.Mutex
	tokens map[tokenKey]*shared
}

type tokenKey [sha256.Size]byte

// shared is what the inputs with one token share.
type shared struct {
	limiter  *Limiter
	accounts []*sharedAccount
}

type sharedAccount struct {
	account *Account
	leases  int
}

// Lease is an input's share of an account and of the limiter of its token. Close ends it.
type Lease struct {
	Account *Account
	Limiter *Limiter
	close   func()
}

// Close gives the share back. The last lease of an account closes its idle connections. Further calls do nothing.
func (l *Lease) Close() { l.close() }

// Get returns a lease of the account with these options. The first input with a token decides the rate limit.
func (p *Pool) Get(opts Options) (*Lease, error) {
	key := tokenKey(sha256.Sum256([]byte(opts.TokenFile + "\x00" + opts.Token.Reveal())))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forget()
	s := p.tokens[key]
	if s == nil {
		s = &shared{limiter: NewLimiter(opts.RateLimit.PerMinute, opts.RateLimit.PerHour)}
	}
	a, err := s.account(opts)
	if err != nil {
		return nil, err
	}
	if p.tokens == nil {
		p.tokens = map[tokenKey]*shared{}
	}
	p.tokens[key] = s
	a.leases++
	return &Lease{Account: a.account, Limiter: s.limiter, close: sync.OnceFunc(func() { p.put(s, a) })}, nil
}

// put gives a share back.
func (p *Pool) put(s *shared, a *sharedAccount) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a.leases--; a.leases == 0 {
		s.accounts = slices.DeleteFunc(s.accounts, func(other *sharedAccount) bool { return other == a })
		a.account.Close()
	}
	p.forget()
}

// forget removes unused limiters. One that is paused stays: a reload must not end the pause that the
// server asked for.
func (p *Pool) forget() {
	for key, s := range p.tokens {
		if len(s.accounts) == 0 && s.limiter.left() <= 0 {
			delete(p.tokens, key)
		}
	}
}

// account finds the account with the same options, or makes it.
func (s *shared) account(opts Options) (*sharedAccount, error) {
	for _, a := range s.accounts {
		if a.account.opts.sameRoute(opts) {
			return a, nil
		}
	}
	account, err := New(opts)
	if err != nil {
		return nil, err
	}
	a := &sharedAccount{account: account}
	s.accounts = append(s.accounts, a)
	return a, nil
}
