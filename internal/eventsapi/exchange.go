// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// One request and its answer: what is sent, where it may be redirected to, how long it may take, and which error it ends in.

package eventsapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	maxRedirects     = 3
	errorBodyTimeout = 5 * time.Second
)

// connection is how a client reaches its server.
type connection struct {
	base      *url.URL
	userAgent string
	token     func() (string, error)
	secrets   []string // that no error shows, besides the token
	transport http.RoundTripper
	timeout   time.Duration
	now       func() time.Time
}

// request is what to ask for, and how much may be read of the response.
type request struct {
	method, path string
	body         []byte
	allowance
}

// exchange is one request on its way, and the part of an error that is known before it fails.
type exchange struct {
	request
	connection *connection
	token      string
	secrets    []string // that no text shows: the token and the client's
}

// answer is a 200 with its whole body.
type answer struct {
	*exchange
	header http.Header
	body   []byte
}

// exchange sends a request and reads its response. Anything but a complete 200 is an *Error. reqCtx is ctx with the
// timeout of the request.
//
// Only a 200 and the beginning of a 4xx or 5xx are read. Other responses are closed unread: the body of a 101 is the
// connection itself, which obeys no context, and redirects and other successes have nothing to tell.
func (c *connection) exchange(ctx, reqCtx context.Context, r request) (*answer, error) {
	x := &exchange{connection: c, request: r}
	var err error
	x.token, err = c.bearer()
	x.secrets = append([]string{x.token}, c.secrets...)
	if err != nil {
		return nil, x.fail(Token, 0, err)
	}
	sendCtx, cancel, release := watch(reqCtx)
	defer cancel()
	defer release()
	resp, err := x.send(sendCtx)
	if err != nil {
		if cause := context.Cause(sendCtx); errors.Is(cause, errConnections) {
			err = cause
		}
		return nil, x.broken(ctx, reqCtx, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		// The status is already known: its explanation is not worth the whole timeout.
		defer time.AfterFunc(errorBodyTimeout, cancel).Stop()
		return nil, x.rejected(resp)
	}
	data, err := readBody(reqCtx, resp, r.allowance)
	if err != nil {
		e := x.bodyError(ctx, reqCtx, err)
		e.ServerTime = serverTime(resp.Header)
		return nil, e
	}
	return &answer{exchange: x, header: resp.Header, body: data}, nil
}

// bearer returns the current token.
func (c *connection) bearer() (string, error) {
	raw, err := c.token()
	if err != nil {
		return "", err
	}
	token, err := NormalizeToken(raw)
	if err == nil && token == "" {
		err = errors.New("the token is empty")
	}
	return token, err
}

// send performs the request and, for a GET, its few redirects on the same server. It uses the transport without http.Client,
// which would follow redirects by rules of its own and put URLs into errors.
//
// A POST follows no redirect: 301, 302 and 303 would make a GET of it, and the API has no reason for a 307 or 308: another server sends it.
func (x *exchange) send(ctx context.Context) (*http.Response, error) {
	target := x.connection.base.JoinPath(x.path)
	for hops := 0; ; hops++ {
		req, err := x.newRequest(ctx, target)
		if err != nil {
			return nil, err
		}
		resp, err := x.connection.transport.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		next := x.redirect(resp, target)
		if next == nil || hops == maxRedirects {
			return resp, nil
		}
		_ = resp.Body.Close()
		target = next
	}
}

func (x *exchange) newRequest(ctx context.Context, target *url.URL) (*http.Request, error) {
	var body io.Reader
	if x.body != nil {
		body = bytes.NewReader(x.body)
	}
	req, err := http.NewRequestWithContext(ctx, x.method, target.String(), body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+x.token)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Accept-Encoding", "gzip")
	req.Header.Set("User-Agent", x.connection.userAgent)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
		// Reading a page changes nothing at the server. The empty key is not sent. It tells net/http that it may send the POST
		// again when the server closed a kept-alive connection under it, which happens to clients that poll every few seconds.
		req.Header["Idempotency-Key"] = []string{}
	}
	return req, nil
}

// redirect returns where a redirected GET may go on, or nil.
func (x *exchange) redirect(resp *http.Response, from *url.URL) *url.URL {
	if x.method != http.MethodGet || resp.StatusCode == http.StatusNotModified || resp.StatusCode/100 != 3 {
		return nil
	}
	to, err := from.Parse(resp.Header.Get("Location"))
	if err != nil || resp.Header.Get("Location") == "" || to.User != nil || !sameServer(from, to) {
		return nil
	}
	return to
}

// fail builds the error of a class. Its text is made here, where the token is known and can be kept out of it.
func (x *exchange) fail(class Class, status int, err error) *Error {
	e := &Error{Class: class, Status: status, Host: x.connection.base.Host, Path: x.path}
	if err != nil {
		e.Message = sanitize(err.Error(), x.secrets...)
		e.Err = &shownError{text: e.Message, err: err}
	}
	return e
}

// malformed is the error of a complete 200 that is not what was asked for.
func (a *answer) malformed(err error) *Error {
	e := a.fail(Malformed, http.StatusOK, err)
	e.ServerTime = a.serverTime()
	return e
}

func (a *answer) serverTime() time.Time { return serverTime(a.header) }

// rejected is the error of a status other than 200.
func (x *exchange) rejected(resp *http.Response) *Error {
	e := x.fail(classOfStatus(resp.StatusCode), resp.StatusCode, nil)
	e.ServerTime = serverTime(resp.Header)
	e.RetryAfter, e.HasRetryAfter = retryAfter(resp.Header, resp.StatusCode, x.connection.now())
	if e.Class == Redirect {
		e.Message = sanitize(redirectTarget(resp), x.secrets...)
	}
	if resp.StatusCode < http.StatusBadRequest {
		return e
	}
	var html bool
	body := readErrorBody(resp)
	e.FromAPI = isAPIError(body, resp.StatusCode)
	e.Message, html = bodyMessage(body, x.secrets...)
	html = html || strings.Contains(strings.ToLower(resp.Header.Get("Content-Type")), "text/html")
	switch e.Class {
	case BadRequest, Auth, Forbidden, NotFound, Unexpected:
		if html {
			// Not the API's words but those of a proxy, a firewall or a load balancer: they say nothing about the token, the
			// path, the query or its cursor.
			e.Class, e.HTML = Unexpected, true
		}
	default: // a web page is usual for these
	}
	return e
}

func redirectTarget(resp *http.Response) string {
	location := resp.Header.Get("Location")
	to, err := url.Parse(location)
	switch {
	case location == "":
		return "it names no target"
	case err != nil:
		return "its target cannot be read"
	case to.Host == "":
		return "to another path of this server"
	}
	return fmt.Sprintf("to %s://%s", to.Scheme, to.Host)
}

// broken is the error of an exchange that has no complete response: the caller's context ended, the time is up, or the network failed.
func (x *exchange) broken(ctx, reqCtx context.Context, err error) *Error {
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return x.fail(Canceled, 0, context.Canceled)
	case ctx.Err() != nil:
		return x.fail(Network, 0, fmt.Errorf("no complete response in time: %w", ctx.Err()))
	case reqCtx.Err() != nil:
		return x.fail(Network, 0, fmt.Errorf("%w of %s", ErrTimeout, x.connection.timeout))
	}
	text, advice := explainNetwork(err)
	e := x.fail(Network, 0, &shownError{text: text, err: err})
	e.advice = advice
	return e
}

// bodyError tells a body that is too large or not what its headers promise from a connection that failed under it.
func (x *exchange) bodyError(ctx, reqCtx context.Context, err error) *Error {
	if fault, ok := errors.AsType[*bodyFault](err); ok && reqCtx.Err() == nil {
		return x.fail(fault.class, http.StatusOK, err)
	}
	if errors.Is(err, errNoMemory) && ctx.Err() == nil {
		e := x.fail(Network, http.StatusOK, err)
		e.advice = "check the output: its backlog holds the memory for pages in flight. The request is repeated automatically"
		return e
	}
	return x.broken(ctx, reqCtx, err)
}
