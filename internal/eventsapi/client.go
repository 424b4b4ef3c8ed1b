// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The client's public face: its configuration, and one method per question that the API answers.

package eventsapi

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"onepasswordbeat/internal/safetext"
)

// Version is a version of the Events API, as it is spelled in a path.
type Version string

// The versions that this client speaks. Both answer the same events; V2 adds fields.
const (
	V1 Version = "v1"
	V2 Version = "v2"
)

// What a Config that is silent gets.
const (
	DefaultTimeout   = 60 * time.Second
	defaultUserAgent = "onepasswordbeat"
)

// Config is what a Client needs to know. BaseURL and Token are required.
type Config struct {
	// BaseURL is the server, https://host[:port]; see ValidateBaseURL.
	BaseURL string
	// Version of the API; V2 if empty.
	Version Version
	// UserAgent is sent with each request.
	UserAgent string
	// Token returns the bearer token. It is called for each request, by several goroutines at once if the Client is used so; its error becomes one of class Token.
	Token func() (string, error)
	// Secrets appear in no error, like the token: the password of a proxy.
	Secrets []string
	// Transport carries the requests. If nil, one with TLS 1.2 or later, HTTP/2, keep-alive and the proxy of the environment.
	Transport http.RoundTripper
	// Timeout is for one request, body included; DefaultTimeout if not positive.
	Timeout time.Duration
	// MaxResponseBytes bounds one response after decompression; MaxResponseBytes, which it cannot exceed, if not positive.
	MaxResponseBytes int64
}

// Client talks to one server of the Events API. It is safe for concurrent use, and is meant to be shared by all event types of a token.
type Client struct {
	connection
	version  Version
	maxBytes int64
}

// New returns a client, or an error that names what is wrong with the configuration. It makes no request.
func New(cfg Config) (*Client, error) {
	base, err := ValidateBaseURL(cfg.BaseURL)
	if err != nil {
		return nil, err
	}
	if cfg.Token == nil {
		return nil, errors.New("the Events API client has no token source")
	}
	c := &Client{
		connection: connection{
			base: base, userAgent: cfg.UserAgent, token: cfg.Token, secrets: cfg.Secrets, transport: cfg.Transport, timeout: cfg.Timeout, now: time.Now,
		},
		version: cfg.Version, maxBytes: cfg.MaxResponseBytes,
	}
	if c.version == "" {
		c.version = V2
	}
	if c.version != V1 && c.version != V2 {
		return nil, fmt.Errorf("unknown version %q of the Events API: use %q or %q", string(c.version), V1, V2)
	}
	if c.userAgent == "" {
		c.userAgent = defaultUserAgent
	}
	if c.transport == nil {
		c.transport = newTransport()
	}
	if c.timeout <= 0 {
		c.timeout = DefaultTimeout
	}
	if c.maxBytes <= 0 || c.maxBytes > MaxResponseBytes {
		c.maxBytes = MaxResponseBytes
	}
	return c, nil
}

// CloseIdleConnections closes the connections that wait for a next request. The client stays usable.
func (c *Client) CloseIdleConnections() {
	if t, ok := c.transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// Query says which page to fetch. With a Cursor, the other fields are not sent: the cursor stands for them.
type Query struct {
	Cursor string
	// Limit is the number of events per page, 1 to MaxLimit; 0 leaves it to the server (100). A page with more than
	// ItemSlack items above it is Malformed. With a Cursor, set it to the limit that the cursor was made with, or to 0.
	Limit int
	// StartTime is the time of the oldest event wanted. Zero leaves it to the server, which reaches back one hour.
	StartTime time.Time
	// EndTime is the time of the newest event wanted; zero means no end.
	EndTime time.Time
	// Reserve is called before memory for the body of a response is allocated, with the number of further bytes: once
	// before the body is read, and once more if it turns out to be larger than a usual page. It may block until ctx
	// ends; its error ends the request. What was reserved is not given back here: the caller releases it, also after an
	// error. Nil reserves nothing.
	Reserve func(ctx context.Context, bytes int64) error
}

// body encodes the query as one of the two request bodies of the Events API reference, the cursor or the reset cursor.
func (q Query) body() ([]byte, error) {
	if q.Cursor != "" {
		return encodeJSON(struct {
			Cursor string `json:"cursor"`
		}{q.Cursor})
	}
	return encodeJSON(struct {
		Limit     int       `json:"limit,omitempty"`
		StartTime time.Time `json:"start_time,omitzero"`
		EndTime   time.Time `json:"end_time,omitzero"`
	}{q.Limit, q.StartTime.UTC(), q.EndTime.UTC()})
}

// encodeJSON leaves <, > and & alone: a cursor goes back as it came.
func encodeJSON(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(buf.Bytes(), "\n"), nil
}

// Fetch reads one page of an event type, named by its API path such as "auditevents". Each error is an *Error.
func (c *Client) Fetch(ctx context.Context, path string, q Query) (*Page, error) {
	path = "/api/" + string(c.version) + "/" + path
	body, err := q.body()
	if err != nil { // a time beyond the year 9999
		return nil, &Error{Class: Unexpected, Host: c.base.Host, Path: path, Message: "the request cannot be encoded: " + err.Error(), Err: err}
	}
	reqCtx, cancel := context.WithTimeoutCause(ctx, c.timeout, ErrTimeout)
	defer cancel()
	a, err := c.exchange(ctx, reqCtx, request{method: http.MethodPost, path: path, body: body, allowance: allowance{c.maxBytes, q.Reserve}})
	if err != nil {
		return nil, err
	}
	page, err := decodePage(reqCtx, a.body, cmp.Or(q.Limit, MaxLimit)+ItemSlack)
	if err != nil || len(page.Oversized) > 0 { // otherwise the page's items are parts of the body
		recycle(a.body)
	}
	switch {
	case reqCtx.Err() != nil:
		return nil, a.broken(ctx, reqCtx, reqCtx.Err())
	case err != nil:
		return nil, a.malformed(err)
	}
	page.ServerTime = a.serverTime()
	return page, nil
}

// Introspection is what the server says about the token that asks.
type Introspection struct {
	// ServerTime is the server's clock at the response (its Date header, whole seconds); zero if it sent none.
	ServerTime time.Time
	// UUID of the Events Reporting integration that the token belongs to.
	UUID string
	// AccountUUID is empty with version 1 of the API, and may be with version 2.
	AccountUUID string
	// IssuedAt is when the token was made; zero if the server did not say.
	IssuedAt time.Time
	// Features are the event types granted, by their API paths; nil if the server did not say.
	Features []string
}

// Introspect asks the server what the token grants. Each error is an *Error.
func (c *Client) Introspect(ctx context.Context) (*Introspection, error) {
	path := "/api/v2/auth/introspect"
	if c.version == V1 {
		path = "/api/auth/introspect"
	}
	reqCtx, cancel := context.WithTimeoutCause(ctx, c.timeout, ErrTimeout)
	defer cancel()
	a, err := c.exchange(ctx, reqCtx, request{method: http.MethodGet, path: path, allowance: allowance{limit: min(c.maxBytes, maxIntrospectionBytes)}})
	if err != nil {
		return nil, err
	}
	in, err := decodeIntrospection(a.body, a.secrets)
	if err != nil {
		return nil, a.malformed(err)
	}
	in.ServerTime = a.serverTime()
	return in, nil
}

// decodeIntrospection accepts both shapes at either path: uuid, issued_at, features, account_uuid, and UUID, IssuedAt, Features.
// encoding/json ignores case, which leaves only the keys with an underscore to be named twice.
func decodeIntrospection(body []byte, secrets []string) (*Introspection, error) {
	var v struct {
		UUID        string   `json:"uuid"`
		Features    []string `json:"features"`
		IssuedAt    string   `json:"issued_at"`
		IssuedAtV1  string   `json:"IssuedAt"`
		AccountUUID string   `json:"account_uuid"`
	}
	if err := json.Unmarshal(body, &v); err != nil {
		return nil, fmt.Errorf("not an introspection: %w", describeJSON(body, err))
	}
	if v.UUID == "" {
		return nil, errors.New("not an introspection: it has no uuid")
	}
	in := &Introspection{
		UUID: safetext.Clean(v.UUID, maxNameBytes, secrets...), AccountUUID: safetext.Clean(v.AccountUUID, maxNameBytes, secrets...),
		Features: cleanNames(v.Features, secrets...),
	}
	for _, s := range []string{v.IssuedAt, v.IssuedAtV1} {
		// The time is for display only: one that cannot be read is one that was not sent.
		if t, err := time.Parse(time.RFC3339, s); err == nil {
			in.IssuedAt = t
			break
		}
	}
	return in, nil
}

// maxNameBytes is the length of a name or a UUID that a server or a token states. A real UUID has 26 bytes.
const maxNameBytes = 128

// cleanNames makes a list of names fit to show, without the secrets; nil stays nil.
func cleanNames(names []string, secrets ...string) []string {
	const most = 32
	if names == nil {
		return nil
	}
	clean := make([]string, 0, min(len(names), most))
	for _, name := range names[:min(len(names), most)] {
		clean = append(clean, safetext.Clean(name, maxNameBytes, secrets...))
	}
	return clean
}
