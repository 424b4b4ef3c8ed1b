// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The limits of what a server may send. Each is declared here, once, and has a test of its name.

package eventsapi

import "time"

// Facts of the API (Events API reference).
const (
	// MaxLimit is the largest number of events per page that can be asked for.
	MaxLimit = 1000
	// RequestsPerMinute is the API's rate limit.
	RequestsPerMinute = 600
	// RequestsPerHour is the API's other rate limit.
	RequestsPerHour = 30_000
	// Retention is how long the API keeps events.
	Retention = 120 * 24 * time.Hour
)

// Limits of this client. What exceeds one is an error, or an Oversized item.
const (
	// MaxResponseBytes is the size of a response after decompression. A full page of events has about 2 MB.
	MaxResponseBytes = 32 << 20
	// MaxCursorBytes is the length of a cursor; a real one has about 200 bytes.
	MaxCursorBytes = 4 << 10
	// MaxItemBytes is the size of one event.
	MaxItemBytes = 4 << 20
	// MaxItemValues is the number of JSON values in one event.
	MaxItemValues = 20_000
	// MaxItemDepth is how deep the objects and arrays of one event may nest.
	MaxItemDepth = 9000
	// MaxItemInvalid is the number of bytes in one event that are not UTF-8.
	MaxItemInvalid = 1000
	// ItemSlack is how many items more than the requested limit a page may hold.
	ItemSlack = 100
	// MaxErrorBody is how much of the body of a 4xx or 5xx is read. Bodies of other statuses than 200 are not read.
	MaxErrorBody = 16 << 10
	// MaxRetryAfter is the longest wait that a server can ask for: the API's longest rate window.
	MaxRetryAfter = time.Hour
	// MaxTokenBytes is far above a real token, which has some 700 bytes.
	MaxTokenBytes = 64 << 10
	// maxHeaderBytes is the size of a response's headers.
	maxHeaderBytes = 256 << 10
	// maxIntrospectionBytes is the size of an introspection, which has some 200 bytes.
	maxIntrospectionBytes = 64 << 10
	// firstReadBytes is reserved before a body is read, see Query.Reserve; a larger body reserves the rest at once.
	firstReadBytes = 4 << 20
)
