// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The writer of states to Elasticsearch: commits that come together share one bulk request, as those to a disk share a sync.

package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// maxBatch is the number of states in one bulk request.
const maxBatch = 500

// errConflict says that a document is not the one that was read or written last.
var errConflict = errors.New("another writer stored a state at the same time")

// enqueue hands a record to the writer and waits for its result. After an end of ctx the outcome is not known.
func (e *elasticStore) enqueue(ctx context.Context, key Key, rec record) error {
	w := &pendingWrite{key: key, rec: rec, done: make(chan error, 1)}
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return ErrClosed
	}
	e.queue = append(e.queue, w)
	e.mu.Unlock()
	select {
	case e.wake <- struct{}{}:
	default:
	}
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		e.forget(w)
		return e.unavailable(fmt.Errorf("no acknowledgement in time: %w", ctx.Err()))
	}
}

// forget takes a write out of the queue if it is still there.
func (e *elasticStore) forget(gone *pendingWrite) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i, w := range e.queue {
		if w == gone {
			e.queue = append(e.queue[:i], e.queue[i+1:]...)
			return
		}
	}
}

// run is the writer's goroutine, until close.
func (e *elasticStore) run() {
	defer close(e.ended)
	for {
		select {
		case <-e.wake:
		case <-e.ctx.Done():
			for _, w := range e.take(-1) {
				w.done <- ErrClosed
			}
			return
		}
		for batch := e.take(maxBatch); len(batch) > 0; batch = e.take(maxBatch) {
			for i, err := range e.send(batch) {
				batch[i].done <- err
			}
		}
	}
}

// take takes up to limit writes from the queue; -1: all. A batch has at most one write per key.
func (e *elasticStore) take(limit int) []*pendingWrite {
	e.mu.Lock()
	defer e.mu.Unlock()
	var batch, rest []*pendingWrite
	in := map[Key]bool{}
	for _, w := range e.queue {
		if limit >= 0 && (len(batch) == limit || in[w.key]) {
			rest = append(rest, w)
			continue
		}
		in[w.key] = true
		batch = append(batch, w)
	}
	e.queue = rest
	return batch
}

// send sends a bulk request and returns a result for each write.
func (e *elasticStore) send(batch []*pendingWrite) []error {
	body, err := e.bulkBody(batch)
	if err == nil {
		err = e.ensureIndex(e.ctx)
	}
	var got answer
	if err == nil {
		got, err = e.request(e.ctx, http.MethodPost, "/_bulk", nil, body)
	}
	if err == nil {
		var results []error
		if results, err = e.results(batch, got); err == nil {
			return results
		}
	}
	results := make([]error, len(batch))
	for i := range results {
		results[i] = err
	}
	return results
}

// action is the line before a document: create, or index with the version that is to be replaced.
type action struct {
	ID          string `json:"_id"`
	SeqNo       *int64 `json:"if_seq_no,omitempty"`
	PrimaryTerm *int64 `json:"if_primary_term,omitempty"`
}

func (e *elasticStore) bulkBody(batch []*pendingWrite) ([]byte, error) {
	var body bytes.Buffer
	lines := json.NewEncoder(&body)
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, w := range batch {
		op, a := "create", action{ID: e.docID(w.key)}
		if v := e.versions[w.key]; v.known() {
			op, a.SeqNo, a.PrimaryTerm = "index", v.SeqNo, v.PrimaryTerm
		}
		if err := lines.Encode(map[string]action{op: a}); err != nil {
			return nil, err
		}
		if err := lines.Encode(document{e.id, w.key.Input, w.key.EventType, e.writer, w.rec}); err != nil {
			return nil, err
		}
	}
	return body.Bytes(), nil
}

// result is what Elasticsearch says of one document of a bulk request.
type result struct {
	ID     string `json:"_id"`
	Status int    `json:"status"`
	docVersion
	Error *elasticError `json:"error"`
}

// results judges each write alone. The error is that of all.
func (e *elasticStore) results(batch []*pendingWrite, got answer) ([]error, error) {
	var response struct {
		Items []map[string]result `json:"items"`
	}
	if err := json.Unmarshal(got.body, &response); err != nil || got.status != http.StatusOK || len(response.Items) != len(batch) {
		return nil, e.unavailable(errors.New(got.problem()))
	}
	results := make([]error, len(batch))
	for i, w := range batch {
		results[i] = e.unavailable(errors.New("the answer to the bulk request names another document"))
		for _, item := range response.Items[i] {
			if item.ID == e.docID(w.key) {
				results[i] = e.judge(w.key, item)
			}
		}
	}
	return results, nil
}

func (e *elasticStore) judge(key Key, item result) error {
	switch {
	case item.Status == http.StatusConflict:
		return errConflict
	case (item.Status == http.StatusOK || item.Status == http.StatusCreated) && item.Error == nil && item.known():
		e.setVersion(key, item.docVersion)
		return nil
	}
	reason := elasticError{Type: "no reason"}
	if item.Error != nil {
		reason = *item.Error
	}
	if reason.Type == indexNotFound {
		return e.unavailable(e.noIndex())
	}
	return e.unavailable(errors.New(reason.problem(item.Status)))
}
