// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The client's one error type and the one table of its classes.

package eventsapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"onepasswordbeat/internal/safetext"
)

// Class is what an error means to the one who decides what to do next.
type Class int

// The classes. Statuses and their meanings are those of the Events API reference where it knows them.
const (
	None         Class = iota // no error
	Token                     // no token could be had; nothing was sent
	Auth                      // 401
	Forbidden                 // 403
	RateLimited               // 429
	BadRequest                // 400, 422
	NotFound                  // 404
	Server                    // 5xx
	Network                   // no complete answer: DNS, connection, TLS, proxy, timeout
	Malformed                 // a 200 that was cut off, is not JSON or has the wrong shape
	TooLarge                  // a 200 above MaxResponseBytes
	Redirect                  // 3xx that was not followed
	Unexpected                // any other status
	Canceled                  // the caller's context was cancelled
	classesCount = iota
)

// classes gives each class its name in metrics, when it occurs, what happened in the words of an operator, and what to
// do about it. It is the only place for such advice, beside the faults of a connection in network.go.
var classes = [classesCount]struct{ name, when, meaning, advice string }{
	None: {"none", "", "", ""},
	Token: {"token", "no token could be had, nothing was sent", "no usable token",
		"check the path and permissions of `token_file` and that it holds the whole token, or set `token`"},
	// "Unauthorized": missing, invalid, expired or revoked, of another region (whose server does not know it), or not scoped for the event type.
	Auth: {"auth", "401, the token was rejected", "token rejected",
		newToken + " if it expired, was revoked or does not grant this event type, or set `url` to your region's server: " + knownServers()},
	// Undocumented; seen by others for an event type that the token does not grant. Proxies answer it as well.
	Forbidden: {"forbidden", "403, or an event type that the token does not grant", "access denied",
		"create a token that grants this event type, or remove it from `event_types`"},
	// "Too many requests": 600 per minute, 30,000 per hour.
	RateLimited: {"rate_limited", "429, too many requests", "too many requests",
		"no action is needed, requests resume automatically; if it happens often, check for another client with the same token"},
	// "Bad Request": a malformed body, a limit above 1000, a cursor that the server rejects.
	BadRequest: {"bad_request", "400 or 422, such as a cursor that the server rejects", "request rejected (cursor, limit or time)",
		"check `url` and `api_version`: the Events API accepts this request"},
	// Plain text, "404 page not found".
	NotFound: {"not_found", "404", "no such path",
		"check `url` and `api_version`; the servers of the Events API are " + knownServers()},
	// "Internal server error", and what gateways answer for it.
	Server: {"server", "5xx", "server error",
		"requests are repeated automatically; the state of 1Password is at status.1password.com"},
	Network: {"network", "no complete response: DNS, connection, TLS, proxy or timeout", "",
		"check the host name, the firewall, `proxy_url` and `ssl.*`"},
	Malformed: {"malformed", "a response that was cut off, is not JSON or has the wrong shape", "unusable response",
		"check `url` and the proxy: what answers is not the Events API"},
	TooLarge: {"too_large", "a response above the size limit", "response too large",
		"set a smaller `limit` (a stored cursor keeps the limit it was made with), and check `url` and the proxy"},
	Redirect: {"redirect", "a redirect that was not followed", "redirect rejected, the token was not sent on",
		"check `url`, the proxy and whether the network has a login page: something between here and 1Password answers in its place"},
	Unexpected: {"unexpected", "any other response, also a web page in place of a 400, 401, 403 or 404", "unexpected response",
		"check `url` and the proxy, or try again later; the state of 1Password is at status.1password.com"},
	Canceled: {"canceled", "cut off by a stop", "", "run it again"},
}

const (
	newToken = "create a new token at 1Password (Integrations > Events Reporting)"
	// webPage is the advice for an error status whose body is HTML.
	webPage = "a proxy, a firewall or a login page answers in place of 1Password: check `proxy_url`, NO_PROXY and `url`; the token is not the cause"
)

// statusClasses are the statuses with a class of their own.
var statusClasses = map[int]Class{
	http.StatusBadRequest:          BadRequest,
	http.StatusUnprocessableEntity: BadRequest,
	http.StatusUnauthorized:        Auth,
	http.StatusForbidden:           Forbidden,
	http.StatusNotFound:            NotFound,
	http.StatusProxyAuthRequired:   Network,
	http.StatusRequestTimeout:      Network,
	http.StatusTooManyRequests:     RateLimited,
}

func classOfStatus(status int) Class {
	if class, ok := statusClasses[status]; ok {
		return class
	}
	switch status / 100 {
	case 3:
		return Redirect
	case 5:
		return Server
	}
	return Unexpected
}

// String returns the name of the class in metrics, such as "rate_limited".
func (c Class) String() string {
	if c < 0 || int(c) >= len(classes) {
		return fmt.Sprintf("class_%d", int(c))
	}
	return classes[c].name
}

// When says in some words when an error is of the class, for documentation.
func (c Class) When() string {
	if c < 0 || int(c) >= len(classes) {
		return ""
	}
	return classes[c].when
}

func (c Class) meaning() string {
	if c < 0 || int(c) >= len(classes) {
		return ""
	}
	return classes[c].meaning
}

// Classes returns every class but None, for those who count by class.
func Classes() []Class {
	all := make([]Class, 0, classesCount-1)
	for c := None + 1; int(c) < classesCount; c++ {
		all = append(all, c)
	}
	return all
}

// ClassOf returns the class of an error: None for nil, that of the first *Error in its tree, and Canceled or Unexpected for what this package did not make.
func ClassOf(err error) Class {
	var e *Error
	switch {
	case err == nil:
		return None
	case errors.As(err, &e):
		return e.Class
	case errors.Is(err, context.Canceled):
		return Canceled
	}
	return Unexpected
}

// ErrTimeout is in the tree of an error when Config.Timeout ended the request. It is not context.DeadlineExceeded, which is left to mean the caller's own deadline.
var ErrTimeout = errors.New("no complete answer within the timeout")

// Error is a failed request. It is safe to show and to log: no field of it holds the token, or the password of a proxy.
type Error struct {
	// Class is what to act on.
	Class Class
	// Status is the HTTP status; 0 if no answer came.
	Status int
	// Message is the server's explanation, or what is known about the failure: one line of at most 512 bytes, possibly empty.
	Message string
	// RetryAfter is how long the server asks to wait, between 0 and an hour. It counts if HasRetryAfter is set.
	RetryAfter    time.Duration
	HasRetryAfter bool
	// HTML is set if the body of an error status is a web page, which the API never sends.
	HTML bool
	// ServerTime is the server's clock (the Date header of the response); zero if it is not known.
	ServerTime time.Time
	// FromAPI is set if the body of an error status is an error as the API writes it.
	FromAPI bool
	// Host is the configured server, with its port if that was set; Path is the path asked for.
	Host, Path string
	// Err is the cause, for errors.Is and errors.As; nil when the server answered with an error status.
	Err error

	advice string // in place of the class's
}

// Error returns one line for an operator, of at most 1 KiB: the summary, and what to do.
func (e *Error) Error() string {
	if advice := e.Advice(); advice != "" && e.Class != Canceled {
		return safetext.Cut(e.Summary()+"; "+advice, safetext.MaxBytes)
	}
	return safetext.Cut(e.Summary(), safetext.MaxBytes)
}

// Advice returns what an operator can do about the error.
func (e *Error) Advice() string {
	switch {
	case e.advice != "":
		return e.advice
	case e.HTML:
		return webPage
	case e.Class < 0 || int(e.Class) >= len(classes):
		return ""
	}
	return classes[e.Class].advice
}

// Summary returns what happened: who answered what, what that means, and the words it came with.
func (e *Error) Summary() string {
	parts := make([]string, 0, 3)
	switch {
	case e.Class == NotFound:
		parts = append(parts, fmt.Sprintf("%d from %s%s", e.Status, e.Host, e.Path))
	case e.Status != 0:
		parts = append(parts, fmt.Sprintf("%d from %s", e.Status, e.Host))
	case e.Host != "":
		parts = append(parts, e.Host)
	}
	if m := e.Class.meaning(); m != "" {
		parts = append(parts, m)
	}
	if e.Message != "" {
		parts = append(parts, e.Message)
	} else if e.Status != 0 && e.Class.meaning() == "" {
		parts = append(parts, http.StatusText(e.Status))
	}
	text := strings.Join(parts, ": ")
	if e.HasRetryAfter {
		text += fmt.Sprintf(" (retry after %s)", e.RetryAfter)
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// shownError is an error of someone else with a text that is fit to show. It answers errors.Is and errors.As, and does not hand out
// the original by Unwrap, whose text may quote a proxy's URL with its password.
type shownError struct {
	text string
	err  error
}

func (e *shownError) Error() string        { return e.text }
func (e *shownError) Is(target error) bool { return errors.Is(e.err, target) }
func (e *shownError) As(target any) bool   { return errors.As(e.err, target) }
