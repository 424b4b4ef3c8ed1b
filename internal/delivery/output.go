// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What this package needs to know about the output.

package delivery

// Output is the output as the guard sees it. All methods are safe for concurrent use.
type Output interface {
	// Counts are the counters of its events since the beat started.
	Counts() Counts
	// Rejection is why it last rejected an event for good, in words; "" if it gave
	// no reason.
	Rejection() string
	// Blocked is why it currently accepts no request at all, as a sentence; "" if it
	// does, or does not say.
	Blocked() string
	// AcksUnsent is whether the output counts and ACKs events as accepted that it never
	// sent, for a while after a failed attempt. libbeat's Kafka output does so while
	// its circuit breaker is open.
	AcksUnsent() bool
	// DropsForContent is whether the output, which explains nothing, rejects events of at least a number of bytes for
	// their content: Kafka's drops what is above max_message_bytes. It also drops what it has no right to write, so that
	// its rejection of an ordinary event proves nothing.
	DropsForContent(bytes int) bool
}

// Counts are counters of events. They start over when the output is replaced.
type Counts struct {
	Accepted uint64 // indexed, known already (a duplicate), or put into the dead letter index
	Rejected uint64 // dropped by the output for good

	// The rejections that the output explained. They are counted before Rejected is.
	// An output that explains nothing leaves both at 0.
	DocumentErrors uint64 // the event's own content is the cause: a value that does not fit the mapping
	OutputErrors   uint64 // anything else: a privilege, a block, a missing index or pipeline
	Denials        uint64 // of OutputErrors: certainly not the event's content, see rejection.isDenial

	Failed uint64 // attempts that failed and are made again

	FailureStore uint64 // of Accepted: stored in the failure store of the data stream, not in the data stream
	Templates    uint64 // index templates that were written through the output's connections
	Proven       uint64 // Templates when a document was accepted last

	Of any // identifies the output that counts: another value once it was replaced

	epoch uint64 // how often the counters started over; the guard sets it
}

func (c Counts) total() uint64 { return c.Accepted + c.Rejected }
