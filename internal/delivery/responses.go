// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Reading Elasticsearch's bulk responses on their way to libbeat.

package delivery

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/elastic/beats/v7/libbeat/esleg/eslegclient"
	"github.com/elastic/beats/v7/libbeat/outputs/elasticsearch"
	"github.com/elastic/elastic-agent-libs/logp"

	"onepasswordbeat/internal/safetext"
)

// Responses remembers what Elasticsearch's bulk responses say about rejections. libbeat counts
// rejections and logs the whole event, but passes no reason on. Responses changes nothing, except that
// a response that is not a bulk response becomes an error: libbeat waits before it repeats a request that failed.
type Responses struct {
	documentErrors, outputErrors, denials, templates, proven atomic.Uint64 // see Counts

	mu        sync.Mutex
	rejection string // of the last event that was rejected for good
	blocked   string // why the last request was not accepted, as a sentence; "" if it was
}

// Rejection is why the last event that was rejected for good was rejected.
func (w *Responses) Rejection() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rejection
}

// Blocked is why Elasticsearch currently accepts no request, as a sentence. libbeat repeats them
// forever, and only logs it.
func (w *Responses) Blocked() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.blocked
}

func (w *Responses) block(reason string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.blocked = reason
}

// note counts a rejection and remembers its reason.
func (w *Responses) note(r rejection) {
	if r.isDocumentError() {
		w.documentErrors.Add(1)
	} else {
		w.outputErrors.Add(1)
		if r.isDenial() {
			w.denials.Add(1)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rejection = r.String()
}

// Watch reads the responses on every connection that the Elasticsearch output makes from now on. Unwatch ends that.
func (w *Responses) Watch() (unwatch func(), err error) {
	id, err := elasticsearch.RegisterConnectCallback(func(conn *eslegclient.Connection, _ *logp.Logger) error {
		if _, ok := conn.HTTP.(*bulkClient); !ok {
			conn.HTTP = &bulkClient{next: conn.HTTP, responses: w}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("can't watch the output's connections: %w", err)
	}
	return func() { elasticsearch.DeregisterConnectCallback(id) }, nil
}

// httpClient is the part of an HTTP client that libbeat's connection uses.
type httpClient interface {
	Do(req *http.Request) (*http.Response, error)
	CloseIdleConnections()
}

// bulkClient is the HTTP client of a connection of the Elasticsearch output.
type bulkClient struct {
	next      httpClient
	responses *Responses
}

func (b *bulkClient) CloseIdleConnections() { b.next.CloseIdleConnections() }

const (
	// maxBulkResponse is the size of a bulk response after decompression, and of any response but a bulk request's. One for
	// 1,600 documents that were all rejected has less than 2 MB.
	maxBulkResponse = 16 << 20
	// maxErrorBytes is how much of the response to a rejected request is read.
	maxErrorBytes = 16 << 10
)

// Do sends a request and reads the response if it is one of a bulk request.
func (b *bulkClient) Do(req *http.Request) (*http.Response, error) {
	if isTemplate(req) {
		defer b.responses.templates.Add(1)
	}
	resp, err := b.next.Do(req)
	if !strings.HasSuffix(req.URL.Path, "_bulk") {
		if err == nil {
			resp.Body = readCloser{io.LimitReader(resp.Body, maxBulkResponse), resp.Body}
		}
		return resp, err
	}
	if err != nil {
		b.responses.block("") // a missing response is not a rejection
		return resp, err
	}
	count, counted := eventCount(req)
	if resp.StatusCode == http.StatusRequestEntityTooLarge && count == 1 {
		b.responses.note(rejection{resp.StatusCode, errorCause{"request_entity_too_large", "the event is larger than Elasticsearch or a proxy accepts"}})
	}
	if isOtherSuccess(resp.StatusCode) {
		return nil, b.noBulkResponse(resp, errors.New("not the status of a bulk response"))
	}
	if resp.StatusCode != http.StatusOK {
		b.readRejected(resp)
		return resp, nil
	}
	if !counted {
		return resp, nil // not of the output's events
	}
	return b.readBulk(resp, count)
}

// isTemplate is whether a request changes an index template.
func isTemplate(req *http.Request) bool {
	return (req.Method == http.MethodPut || req.Method == http.MethodPost) && strings.Contains(req.URL.Path, "_template/")
}

// eventCount is the number of events in a bulk request of the output.
func eventCount(req *http.Request) (int, bool) {
	n, err := strconv.Atoi(req.Header.Get(elasticsearch.HeaderEventCount))
	return n, err == nil
}

// readBulk reads the response to a bulk request of count documents.
func (b *bulkClient) readBulk(resp *http.Response, count int) (*http.Response, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBulkResponse+1))
	if err != nil {
		b.responses.block("the output's response ended early: " + err.Error())
		resp.Body = replay(body, err, nil, resp.Body) // libbeat sends such a request again
		return resp, nil
	}
	var rejections []rejection
	var accepted int
	if len(body) > maxBulkResponse {
		err = fmt.Errorf("it has more than %d MiB", maxBulkResponse>>20)
	} else {
		rejections, accepted, err = rejectionsOf(body, count)
	}
	if failed, ok := errors.AsType[*failedItems](err); ok {
		_ = resp.Body.Close()
		err = fmt.Errorf("the output can't store any event at the moment: %w", failed)
		b.responses.block(err.Error())
		return nil, err
	}
	if err != nil {
		return nil, b.noBulkResponse(resp, err)
	}
	b.responses.block("")
	if accepted > 0 {
		b.responses.proven.Store(b.responses.templates.Load())
	}
	resp.Body = replay(body, nil, nil, resp.Body)
	for _, r := range rejections {
		b.responses.note(r)
	}
	return resp, nil
}

// isOtherSuccess is whether a status is a success that no bulk request has. libbeat would take it for a bulk response, and
// send the same request again at once.
func isOtherSuccess(status int) bool {
	return status != http.StatusOK && status/100 == http.StatusOK/100
}

// noBulkResponse is the error of a success that is not a bulk response.
func (b *bulkClient) noBulkResponse(resp *http.Response, reason error) error {
	_ = resp.Body.Close()
	err := fmt.Errorf("the output answers with status %d and no bulk response (%w): check what is between the beat and Elasticsearch, such as a proxy or a login page",
		resp.StatusCode, reason)
	b.responses.block(err.Error())
	return err
}

// readRejected reads a little of the response to a request that was rejected as a whole, of which libbeat would read and log
// all. It remembers why: a privilege on anything, a read-only cluster, a revoked password. What passes without help (429,
// 413, which libbeat splits, and 5xx) is not a rejection.
func (b *bulkClient) readRejected(resp *http.Response) {
	head, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBytes))
	resp.Body = replay([]byte(safetext.Line(string(head))), nil, nil, resp.Body)
	switch {
	case resp.StatusCode == http.StatusRequestEntityTooLarge, resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode == http.StatusRequestTimeout,
		resp.StatusCode/100 == http.StatusInternalServerError/100:
		b.responses.block("")
	default:
		b.responses.block("the output rejects every request: " + requestRejection(resp.StatusCode, head).String())
	}
}

// replay is a body whose first part was read already: head, then the error that ended it or the rest.
func replay(head []byte, err error, rest io.Reader, c io.Closer) io.ReadCloser {
	readers := []io.Reader{bytes.NewReader(head)}
	switch {
	case err != nil:
		readers = append(readers, failingReader{err})
	case rest != nil:
		readers = append(readers, rest)
	}
	return readCloser{io.MultiReader(readers...), c}
}

// failingReader hands on the error that ended a body.
type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }

type readCloser struct {
	io.Reader
	io.Closer
}
