// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package account is one input's way to its 1Password account: the token, read
// again when its file changes, the API client of the server that the token
// names, and the rate limiter that all inputs with this token share.
//
//	options.go  Options, Check
//	account.go  Account: Fetch, Introspect, what the token says
//	token.go    where the token comes from
//	limiter.go  the rate limit that all inputs with this token share
//	pool.go     who shares an account and its limiter
package account

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/elastic/elastic-agent-libs/logp"
	"github.com/elastic/elastic-agent-libs/transport/httpcommon"
	"github.com/elastic/elastic-agent-libs/transport/tlscommon"

	"onepasswordbeat/internal/eventsapi"
)

// expirySoon is how long before its end the expiry of a token is logged as an error.
const expirySoon = 14 * 24 * time.Hour

// MaxSkew is the difference between the machine's clock and the server's that is not worth a warning.
const MaxSkew = time.Minute

// Account makes an input's requests. It is safe for concurrent use.
type Account struct {
	clock  serverClock
	opts   Options
	tls    *tlscommon.TLSConfig
	source *source
	log    *logp.Logger
	now    func() time.Time

	mu       sync.Mutex
	used     credentials       // what the client was made for
	client   *eventsapi.Client // of used.server; nil before the first use
	lookedUp lookup
	warned   string // the token whose expiry was logged
	exposed  bool   // it was logged that others can read the token file

	asking chan struct{} // holds a value while the server is asked about the token
}

// New makes the account of an input. Nothing is sent yet.
func New(opts Options) (*Account, error) {
	tlsConfig, err := opts.loadTLS()
	if err != nil {
		return nil, err
	}
	return &Account{opts: opts, tls: tlsConfig, source: newSource(opts), log: opts.logger(), now: time.Now, asking: make(chan struct{}, 1)}, nil
}

// connBuffer is the size of the buffers of a connection: requests and the headers of responses are small, and a body is
// read past the buffer.
const connBuffer = 1 << 10

// transport makes the connections to one server. net/http does the TLS itself,
// with a configuration for this very host: httpcommon's own dialer does not
// negotiate HTTP/2, and behind a proxy its configuration checks no host name.
// Nothing below TLS 1.2 is spoken, whatever ssl.supported_protocols says.
func (a *Account) transport(server string) (http.RoundTripper, error) {
	u, err := url.Parse(server)
	if err != nil {
		return nil, err
	}
	timeout := a.opts.Transport.Timeout
	return a.opts.Transport.RoundTripper(
		httpcommon.WithLogger(logp.NewNopLogger()), // its dialer logs every failure, which the harvester tells in better words
		// One idle connection: HTTP/2 needs no more, and the polls of an account's event types are spread. With 1,000
		// accounts on HTTP/1.1, two more each would take 70 MB.
		httpcommon.WithKeepaliveSettings{IdleConnTimeout: a.opts.Transport.IdleConnTimeout, MaxIdleConnsPerHost: 1},
		httpcommon.WithTransportFunc(func(t *http.Transport) {
			if !behindTLSProxy(t, u) {
				t.DialTLSContext = nil
			}
			t.TLSClientConfig = a.tls.BuildModuleClientConfig(u.Hostname())
			t.TLSClientConfig.MinVersion = max(t.TLSClientConfig.MinVersion, tls.VersionTLS12)
			t.TLSHandshakeTimeout = timeout
			t.ForceAttemptHTTP2 = true
			t.WriteBufferSize, t.ReadBufferSize = connBuffer, connBuffer
			eventsapi.Bound(t)
		}),
	)
}

// behindTLSProxy tells whether the first connection is a TLS one to a proxy. It
// needs httpcommon's dialer, which checks the proxy's name.
func behindTLSProxy(t *http.Transport, server *url.URL) bool {
	if t.Proxy == nil {
		return false
	}
	proxy, err := t.Proxy(&http.Request{URL: server})
	return err == nil && proxy != nil && proxy.Scheme == "https"
}

// Fetch returns one page of an event type. Every error is an *eventsapi.Error.
func (a *Account) Fetch(ctx context.Context, path string, q eventsapi.Query) (*eventsapi.Page, error) {
	client, cred, err := a.current()
	if err != nil {
		return nil, err
	}
	if err := cred.grants(path); err != nil {
		return nil, err
	}
	page, err := client.Fetch(ctx, path, q)
	if err == nil {
		a.clock.note(page.ServerTime)
	}
	a.clock.noteError(err)
	return page, err
}

// ServerTime is the server's clock, now, as its last response shows it. If there was none, the server
// is asked by an introspection. Zero if it is not known.
func (a *Account) ServerTime(ctx context.Context) time.Time {
	if now := a.clock.now(); !now.IsZero() {
		return now
	}
	if client, cred, err := a.current(); err == nil {
		a.introspected(ctx, client, cred.token) // an error may have a Date, too; the next request tells what is wrong
	}
	return a.clock.now()
}

// Introspect asks the server what the token is.
func (a *Account) Introspect(ctx context.Context) (*eventsapi.Introspection, error) {
	client, _, err := a.current()
	if err != nil {
		return nil, err
	}
	return a.introspect(ctx, client)
}

func (a *Account) introspect(ctx context.Context, client *eventsapi.Client) (*eventsapi.Introspection, error) {
	who, err := client.Introspect(ctx)
	if err == nil {
		a.clock.note(who.ServerTime)
	}
	a.clock.noteError(err)
	return who, err
}

// Token returns what the current token says of itself, and the server it is for.
func (a *Account) Token() (claims eventsapi.Claims, server string, err error) {
	_, cred, err := a.current()
	return cred.claims, cred.server, err
}

// UUID is the UUID of the 1Password account, as the current token names it; "" if it
// is not known. For a token that does not name it, the server is asked once.
func (a *Account) UUID(ctx context.Context) string {
	client, cred, err := a.current()
	if err != nil {
		return ""
	}
	if id := cred.claims.AccountUUID; id != "" {
		return id
	}
	return a.introspected(ctx, client, cred.token).account
}

const (
	// lookupTimeout is for an introspection that a page waits for.
	lookupTimeout = 10 * time.Second
	// lookupBackoff is how long a failed introspection is not repeated, at first and at most.
	lookupBackoff, maxLookupBackoff = time.Minute, time.Hour
)

// lookup is what the server said of a token.
type lookup struct {
	token    string
	done     bool // the server answered; account may be empty all the same
	account  string
	failures int
	next     time.Time // the time of the next try
}

// introspected asks the server about a token once, for all event types together. A failure is remembered, too: pages do
// not wait for it again before its backoff is over. The next request of a page reports what is wrong.
func (a *Account) introspected(ctx context.Context, client *eventsapi.Client, token string) lookup {
	select {
	case a.asking <- struct{}{}:
		defer func() { <-a.asking }()
	case <-ctx.Done():
		return lookup{}
	}
	known := a.known(token)
	if known.done || a.now().Before(known.next) {
		return known
	}
	askCtx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	who, err := a.introspect(askCtx, client)
	if ctx.Err() != nil {
		return known
	}
	if err != nil {
		known.next = a.now().Add(min(lookupBackoff<<min(known.failures, 10), maxLookupBackoff))
		known.failures++
	} else {
		known.done, known.account = true, who.AccountUUID
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lookedUp = known
	return known
}

func (a *Account) known(token string) lookup {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.lookedUp.token == token {
		return a.lookedUp
	}
	return lookup{token: token}
}

// TokenGeneration counts the tokens that were in use so far; 0 while there is no
// usable one. It rises when token_file holds another token.
func (a *Account) TokenGeneration() uint64 {
	cred, err := a.source.read()
	if err != nil {
		return 0
	}
	return cred.generation
}

// Close closes idle connections.
func (a *Account) Close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.client != nil {
		a.client.CloseIdleConnections()
	}
}

// current returns the client for the current token, which may have been rotated.
func (a *Account) current() (*eventsapi.Client, credentials, error) {
	cred, err := a.source.read()
	if err != nil {
		return nil, cred, tokenError(err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.warnExpiry(cred)
	a.warnExposed()
	if a.client != nil && a.used.server == cred.server {
		a.used = cred
		return a.client, cred, nil
	}
	transport, err := a.transport(cred.server)
	if err != nil {
		return nil, cred, tokenError(err)
	}
	client, err := eventsapi.New(eventsapi.Config{
		BaseURL:   cred.server,
		Version:   eventsapi.Version(a.opts.APIVersion),
		UserAgent: a.opts.UserAgent,
		Token:     func() (string, error) { return a.lastToken(cred.server) },
		Secrets:   a.opts.proxySecrets(cred.server),
		Transport: transport,
		Timeout:   a.opts.Transport.Timeout,
	})
	if err != nil {
		return nil, cred, tokenError(err)
	}
	if a.client != nil {
		a.client.CloseIdleConnections()
	}
	a.used, a.client = cred, client
	return client, cred, nil
}

// lastToken hands the token to the client of a server at the moment of a request.
func (a *Account) lastToken(server string) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.used.server != server {
		return "", errors.New("it was replaced by one of another server at this moment")
	}
	return a.used.token, nil
}

// warnExpiry logs, once per token, that it expires soon; a.mu is held.
func (a *Account) warnExpiry(cred credentials) {
	end := cred.claims.ExpiresAt
	if end.IsZero() || a.warned == cred.token {
		return
	}
	left := end.Sub(a.now())
	if left > expirySoon {
		return
	}
	a.warned = cred.token
	const remedy = "create a new token at 1Password (Integrations > Events Reporting)"
	at := end.UTC().Format(time.RFC3339)
	if left <= 0 {
		a.log.Errorw("the token expired: "+remedy, "token_expires_at", at)
		return
	}
	a.log.Errorw("the token expires soon: "+remedy+" before collection stops", "token_expires_at", at, "days_left", int(left.Hours()/24))
}

// Warning returns what is wrong with the current token file and does not keep it from being used; "" if nothing is.
func (a *Account) Warning() string { return a.source.warning() }

// warnExposed logs, once per state of the file, that others can read the token; a.mu is held.
func (a *Account) warnExposed() {
	text := a.source.warning()
	if text != "" && !a.exposed {
		a.log.Warn(text)
	}
	a.exposed = text != ""
}
