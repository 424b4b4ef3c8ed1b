// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package eventsapi is a client of the 1Password Events API, and nothing else: it sends one request, decodes one answer, and says in one typed error what
// went wrong. It keeps no cursor, waits for no rate limit and repeats nothing. Those are decisions of its caller, who sees every answer.
//
// # What it does
//
//   - [Client.Fetch] reads one page of an event type, from a start time or from a cursor.
//   - [Client.Introspect] asks the server what the token grants.
//   - [ParseToken] reads the claims of a token without asking anyone; [ValidateBaseURL] and [KnownServers] serve the configuration.
//
// # Requests
//
// Version 2 of the API is the default; version 1 answers the same events with fewer fields. A page is POSTed to /api/{version}/{path} with one of two
// bodies: {"limit","start_time","end_time"}, each of them optional, or {"cursor"} and nothing beside it, because the cursor remembers the limit and the end
// time it was made with. Introspection is a GET, at /api/auth/introspect for version 1 and /api/v2/auth/introspect for version 2.
//
// The token is asked for anew for each request, so a rotated one needs no restart. Answers may be gzipped; connections are kept alive and speak HTTP/2 where
// the server does. One timeout covers a request from the dial to the last byte of the body.
//
// # Pages
//
// A page has a cursor (never empty), has_more (a boolean) and items (an array; null counts as empty). An answer without one of them is [Malformed], however
// valid its JSON is: to take a page whose items were not understood for an empty one would move the cursor past events nobody has seen.
// The answer is decoded in one pass that checks the JSON and cuts it into items. The items are slices of the answer's bytes, which belong to the page alone.
//
// # Errors
//
// Everything that fails is an [*Error]. Its [Class] is what a caller acts on; the classes, the statuses that lead to them, and what they mean to
// an operator are one table in errors.go. Its text is one line for an operator and holds at most 200 characters of the server's own words. The token
// is in no error: it is removed where a server echoes it, and so is a proxy's password.
//
// errors.Is(err, context.Canceled) and context.DeadlineExceeded hold only when the caller's own context ended; the client's timeout is [ErrTimeout].
//
// # Redirects
//
// The token is sent to the configured server and to no other. A redirect to another host, port or scheme is refused, and the error names where it pointed to. A GET
// follows a few redirects on the same server. A POST follows none.
//
// # Limits
//
//   - http:// only to the loopback interface; TLS 1.2 or later elsewhere (with the default transport).
//   - [Config].MaxResponseBytes bounds an answer after decompression: [TooLarge].
//   - Of an error's body 8 KiB are read, for 5 seconds at most.
//   - A Retry-After beyond an hour, the longest rate window of the API, counts as an hour.
//
// # File layout
//
//   - client.go: Config, Client, Fetch and Introspect with their types
//   - exchange.go: one request and its answer: headers, redirects, timeout
//   - body.go: reading a body within its limits, gzip
//   - page.go, scan.go: decoding a page; the JSON scanner below it
//   - errors.go: Class, Error and the table of statuses
//   - network.go: what a failed connection means
//   - message.go: the server's words, made fit to show
//   - retryafter.go: Retry-After and RateLimit-Reset
//   - server.go: base URLs, known servers, the default transport
//   - token.go: the claims of a token
package eventsapi
