// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What goes wrong with a whole bulk request.

package bulktest

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// Request is a bulk request that meets a fault.
type Request struct {
	Context context.Context //nolint:containedctx // of the request; it ends too when the fault is replaced
	Writer  http.ResponseWriter
	Size    int // of the body, decompressed
	Docs    []Doc
	Take    func() // take the documents and answer

	TakeSilently func() // take the documents without an answer
}

func (r *Request) take() { r.Take() }

// Fault answers a bulk request, or does not.
type Fault func(*Request)

// Slow answers after a delay, unless the client leaves before.
func Slow(delay time.Duration) Fault {
	return func(r *Request) {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
			r.Take()
		case <-r.Context.Done():
			panic(http.ErrAbortHandler)
		}
	}
}

// Stuck takes nothing and answers nothing, until the fault is replaced: then the
// connection is cut.
func Stuck() Fault {
	return func(r *Request) {
		<-r.Context.Done()
		panic(http.ErrAbortHandler)
	}
}

// NoBulkResponse accepts nothing and answers status 200 with a body that is not a bulk response, as a proxy or a login page does.
func NoBulkResponse(body string) Fault {
	return func(r *Request) {
		r.Writer.WriteHeader(http.StatusOK)
		_, _ = io.WriteString(r.Writer, body) // the client may have left
	}
}

// Cut takes the documents and cuts the connection before the answer: a resend
// meets their _id.
func Cut() Fault {
	return func(r *Request) {
		r.TakeSilently()
		reset(r.Writer)
	}
}

// Unavailable answers 503.
func Unavailable() Fault {
	return answer(http.StatusServiceUnavailable, "unavailable_shards_exception", "primary shard is not active")
}

// Busy answers 429 for the request as a whole.
func Busy() Fault { return answer(http.StatusTooManyRequests, QueueFull.Type, QueueFull.Reason) }

// Unauthorized answers 403 for the request as a whole, as Elasticsearch does for
// a user who may write nowhere.
func Unauthorized() Fault {
	return answer(http.StatusForbidden, "security_exception",
		"action [indices:data/write/bulk] is unauthorized for user [writer] with effective roles [reader], "+
			"this action is granted by the index privileges [create_doc,create,delete,index,write,all]")
}

func answer(status int, kind, reason string) Fault {
	return func(r *Request) { writeJSON(r.Writer, status, problem(status, kind, reason)) }
}

// TooLarge answers 413, without a body as Elasticsearch does, for a request of
// more than most bytes.
func TooLarge(most int) Fault {
	return func(r *Request) {
		if r.Size <= most {
			r.Take()
			return
		}
		r.Writer.WriteHeader(http.StatusRequestEntityTooLarge)
	}
}

// Times makes the next n requests meet a fault, and none after them.
func Times(n int, f Fault) Fault {
	var met atomic.Int64
	return func(r *Request) {
		if met.Add(1) > int64(n) {
			r.Take()
			return
		}
		f(r)
	}
}

// problem is the body of an error.
func problem(status int, kind, reason string) any {
	cause := map[string]any{"type": kind, "reason": reason}
	return map[string]any{
		"error":  map[string]any{"root_cause": []any{cause}, "type": kind, "reason": reason},
		"status": status,
	}
}
