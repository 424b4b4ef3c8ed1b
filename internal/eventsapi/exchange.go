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
	errorBodyBytes   = 8 << 10
	errorBodyTimeout = 5 * time.Second
	drainBytes       = 64 << 10
)

// exchange is one request on its way, and the part of an error that is known before it fails.
type exchange struct {
	client *Client
	method string
	path   string
	body   []byte
	token  string
}

// answer is a 200 with its whole body.
type answer struct {
	*exchange
	header http.Header
	body   []byte
}

// exchange sends a request and reads its answer, of at most limit bytes. Anything but a complete 200 is an *Error.
func (c *Client) exchange(ctx context.Context, method, path string, body []byte, limit int64) (*answer, error) {
	x := &exchange{client: c, method: method, path: path, body: body}
	var err error
	if x.token, err = c.bearer(); err != nil {
		return nil, x.fail(Token, 0, err)
	}
	reqCtx, cancel := context.WithTimeoutCause(ctx, c.timeout, ErrTimeout)
	defer cancel()

	resp, err := x.send(reqCtx)
	if err != nil {
		return nil, x.broken(ctx, reqCtx, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		// The status is already known; its explanation is not worth the whole timeout.
		defer time.AfterFunc(errorBodyTimeout, cancel).Stop()
		return nil, x.refused(resp)
	}
	data, err := readBody(resp, limit)
	if err != nil {
		return nil, x.bodyError(ctx, reqCtx, err)
	}
	return &answer{exchange: x, header: resp.Header, body: data}, nil
}

// bearer returns the current token, checked for what no token holds and an HTTP header may not.
func (c *Client) bearer() (string, error) {
	token, err := c.token()
	if err != nil {
		return "", err
	}
	token = strings.TrimSpace(token)
	if token == "" {
		return "", errors.New("it is empty")
	}
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", errors.New("it holds a space, a line break or another character that no token has: was it pasted in one piece?")
	}
	return token, nil
}

// send performs the request and, for a GET, its few redirects on the same server. It uses the transport without http.Client,
// which would follow redirects by rules of its own and put URLs into errors.
//
// A POST follows no redirect: 301, 302 and 303 would make a GET of it, and the API has no reason for a 307 or 308; whoever sends one is something else.
func (x *exchange) send(ctx context.Context) (*http.Response, error) {
	target := x.client.base.JoinPath(x.path)
	for hops := 0; ; hops++ {
		req, err := x.request(ctx, target)
		if err != nil {
			return nil, err
		}
		resp, err := x.client.transport.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		next := x.redirect(resp, target)
		if next == nil || hops == maxRedirects {
			return resp, nil
		}
		drain(resp.Body)
		target = next
	}
}

func (x *exchange) request(ctx context.Context, target *url.URL) (*http.Request, error) {
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
	req.Header.Set("User-Agent", x.client.userAgent)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
		// Reading a page changes nothing at the server. This tells net/http (and nobody else: it is not sent) that it may send the POST
		// again when the server closed a kept-alive connection under it, which happens to whoever polls every few seconds.
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

// drain reads a bounded rest, so that the connection can be used again, and closes the body.
func drain(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, drainBytes)
	_ = body.Close()
}

// fail builds the error of a class. Its text is made here, where the token is known and can be kept out of it.
func (x *exchange) fail(class Class, status int, err error) *Error {
	e := &Error{Class: class, Status: status, Host: x.client.base.Host, Path: x.path}
	if err != nil {
		e.Message = sanitize(err.Error(), x.token)
		e.Err = &shownError{text: e.Message, err: err}
	}
	return e
}

// malformed is the error of a complete 200 that is not what was asked for.
func (a *answer) malformed(err error) *Error {
	return a.fail(Malformed, http.StatusOK, err)
}

func (a *answer) serverTime() time.Time {
	t, err := http.ParseTime(a.header.Get("Date"))
	if err != nil {
		return time.Time{}
	}
	return t
}

// refused is the error of a status other than 200.
func (x *exchange) refused(resp *http.Response) *Error {
	body := readErrorBody(resp)
	drain(resp.Body)
	e := x.fail(classOfStatus(resp.StatusCode), resp.StatusCode, nil)
	var html bool
	e.Message, html = bodyMessage(body, x.token)
	switch {
	case e.Class == BadRequest && html:
		// Not the API's words but those of a proxy, a firewall or a load balancer: they say nothing about the query or its cursor.
		e.Class = Unexpected
	case e.Class == Redirect:
		e.Message = sanitize(redirectTarget(resp), x.token)
	}
	e.RetryAfter, e.HasRetryAfter = retryAfter(resp.Header, resp.StatusCode, x.client.now())
	return e
}

func redirectTarget(resp *http.Response) string {
	location := resp.Header.Get("Location")
	to, err := url.Parse(location)
	switch {
	case location == "":
		return "it names no place to go"
	case err != nil:
		return "its place to go cannot be read"
	case to.Host == "":
		return "to another path of this server"
	}
	return fmt.Sprintf("to %s://%s", to.Scheme, to.Host)
}

// broken is the error of an exchange that has no complete answer: the caller's context ended, the time is up, or the network failed.
func (x *exchange) broken(ctx, reqCtx context.Context, err error) *Error {
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return x.fail(Canceled, 0, context.Canceled)
	case ctx.Err() != nil:
		return x.fail(Network, 0, fmt.Errorf("no complete answer in time: %w", ctx.Err()))
	case reqCtx.Err() != nil:
		return x.fail(Network, 0, fmt.Errorf("%w of %s", ErrTimeout, x.client.timeout))
	}
	return x.fail(Network, 0, &shownError{text: explainNetwork(err), err: err})
}

// bodyError tells a body that is too large or not what its headers promise from a connection that failed under it.
func (x *exchange) bodyError(ctx, reqCtx context.Context, err error) *Error {
	var fault *bodyFault
	if reqCtx.Err() == nil && errors.As(err, &fault) {
		return x.fail(fault.class, http.StatusOK, err)
	}
	return x.broken(ctx, reqCtx, err)
}
