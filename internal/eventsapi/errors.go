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
	Malformed                 // a 200 that was cut off, is no JSON or has the wrong shape
	TooLarge                  // a 200 above MaxResponseBytes
	Redirect                  // 3xx that was not followed
	Unexpected                // any other status
	Canceled                  // the caller's context was cancelled
	classesCount = iota
)

// classes gives each class its name in metrics, when it is met, and what an operator reads: what happened, and what may be done about it.
var classes = [classesCount]struct{ name, when, meaning string }{
	None:  {"none", "", ""},
	Token: {"token", "no token could be had, nothing was sent", "no usable token"},
	// "Unauthorized": missing, invalid, expired or revoked, of another region (whose server does not know it), or not scoped for the event type.
	Auth: {"auth", "401, the token was refused", "token refused (wrong region, expired or revoked, or not for this event type?)"},
	// Undocumented; seen by others for an event type that the token does not grant. Proxies answer it as well.
	Forbidden: {"forbidden", "403, or an event type that the token does not grant", "access denied (does the token grant this event type?)"},
	// "Too many requests": 600 a minute, 30,000 an hour.
	RateLimited: {"rate_limited", "429, too many requests", "too many requests"},
	// "Bad Request": a malformed body, a limit above 1000, a cursor that the server does not take.
	BadRequest: {"bad_request", "400 or 422, such as a cursor that the server does not take", "request refused (cursor, limit or time?)"},
	// Plain text, "404 page not found".
	NotFound: {"not_found", "404", "no such path (is this the Events API, and of this version?)"},
	// "Internal server error", and what gateways answer for it.
	Server:     {"server", "5xx", "server error"},
	Network:    {"network", "no complete answer: DNS, connection, TLS, proxy or timeout", ""},
	Malformed:  {"malformed", "an answer that was cut off, is no JSON or has the wrong shape", "unusable answer"},
	TooLarge:   {"too_large", "an answer above the size limit", "answer too large, set a smaller `limit` (a stored cursor keeps the one it was made with)"},
	Redirect:   {"redirect", "a redirect that was not followed", "redirect refused, the token was not sent on (proxy, login page or wrong url?)"},
	Unexpected: {"unexpected", "any other answer", "unexpected answer"},
	Canceled:   {"canceled", "cut off by a stop", ""},
}

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

// Error is a request that brought nothing. It is safe to show and to log: no field of it holds the token, or the password of a proxy.
type Error struct {
	// Class is what to act on.
	Class Class
	// Status is the HTTP status; 0 if no answer came.
	Status int
	// Message is the server's explanation, or what is known about the failure: one line of at most 200 characters, possibly empty.
	Message string
	// RetryAfter is how long the server asks to wait, between 0 and an hour. It counts if HasRetryAfter is set.
	RetryAfter    time.Duration
	HasRetryAfter bool
	// Host is the configured server, with its port if that was set; Path is the path asked for.
	Host, Path string
	// Err is the cause, for errors.Is and errors.As; nil when the server answered with an error status.
	Err error
}

// Error returns one line for an operator: who answered what, what that means, and the words it came with.
func (e *Error) Error() string {
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
