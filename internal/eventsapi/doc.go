// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package eventsapi is a client of the 1Password Events API, and nothing else: it sends one request, decodes one response, and says in one typed error what
// went wrong. It keeps no cursor, waits for no rate limit and repeats nothing. Those are decisions of its caller, who sees every response.
//
// # What it does
//
//   - [Client.Fetch] reads one page of an event type, from a start time or from a cursor.
//   - [Client.Introspect] asks the server what the token grants.
//   - [ParseToken] reads the claims of a token without asking anyone; [ValidateBaseURL] and [KnownServers] serve the configuration.
//
// # Requests
//
// Version 2 of the API is the default; version 1 returns the same events with fewer fields. A page is POSTed to /api/{version}/{path} with one of two
// bodies: {"limit","start_time","end_time"}, each of them optional, or {"cursor"} and nothing beside it, because the cursor remembers the limit and the end
// time it was made with. Introspection is a GET, at /api/auth/introspect for version 1 and /api/v2/auth/introspect for version 2.
//
// The token is asked for anew for each request, so a rotated one needs no restart. Responses may be gzipped; connections are kept alive and speak HTTP/2 where
// the server does. One timeout covers a request from the dial to the last byte of the body.
//
// # Pages
//
// A page has a cursor (never empty), has_more (a boolean) and items (an array; null counts as empty). A response without one of them is [Malformed], however
// valid its JSON is: to take a page whose items were not understood for an empty one would move the cursor past events that were not read.
// The response is decoded in one pass that checks the JSON and cuts it into items. The items are slices of the response's bytes, which belong to the page alone.
// An item that is too large to be decoded is in [Page].Oversized instead.
//
// # Errors
//
// Everything that fails is an [*Error]. Its [Class] is what a caller acts on; the classes, the statuses that lead to them, what they mean to
// an operator and what to do about them are one table in errors.go. Its text is one line for an operator and holds at most 512 bytes of the server's own words.
// The token is in no error: it is removed where a server echoes it, and so is a proxy's password.
//
// errors.Is(err, context.Canceled) and context.DeadlineExceeded hold only when the caller's own context ended; the client's timeout is [ErrTimeout].
//
// # Redirects
//
// The token is sent to the configured server and to no other. A redirect to another host, port or scheme is rejected, and the error names where it pointed to. A GET
// follows a few redirects on the same server. A POST follows none.
//
// # Limits
//
// They are declared in limits.go. Beyond them: http:// only to the loopback interface; TLS 1.2 or later elsewhere (with the default transport). Of the
// statuses other than 200 only 4xx and 5xx are read, and 16 KiB of them, for 5 seconds at most.
//
// # File layout
//
//   - client.go: Config, Client, Fetch and Introspect
//   - exchange.go: one request and its response: headers, redirects, timeout
//   - body.go: reading a body within its limits, gzip
//   - limits.go: the limits of what a server may send, and facts of the API
//   - page.go: Page and its decoding
//   - errors.go: Class, Error and the table of statuses
//   - network.go: what a failed connection means
//   - message.go: the server's words, made fit to show
//   - retryafter.go: Date, Retry-After and RateLimit-Reset
//   - server.go: base URLs, known servers, the default transport
//   - normalize.go, token.go: the text of a token; its claims
package eventsapi
