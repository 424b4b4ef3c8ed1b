// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The bulk endpoint.

package bulktest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"time"
)

// Doc is a document.
type Doc struct {
	Index, ID string
	Op        string // "create", "index", ...
	Source    json.RawMessage
	At        time.Time // when it was taken
}

// Docs are all documents that were taken, by index.
func (s *Server) Docs() map[string][]Doc {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[string][]Doc, len(s.docs))
	for index, byID := range s.docs {
		all[index] = slices.Collect(maps.Values(byID))
	}
	return all
}

// IDs are the _id of all documents, once for each index that has it.
func (s *Server) IDs() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for _, byID := range s.docs {
		ids = slices.AppendSeq(ids, maps.Keys(byID))
	}
	return ids
}

// Count is the number of documents in an index, or in all with "".
func (s *Server) Count(index string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if index != "" {
		return len(s.docs[index])
	}
	n := 0
	for _, byID := range s.docs {
		n += len(byID)
	}
	return n
}

// Stats are counters since the start.
type Stats struct {
	Bulks     int // bulk requests
	Open      int // of them being handled now
	Conflicts int // documents rejected with 409: their _id was there
	Rejected  int // documents rejected by the rule
	Overwrite int // documents sent with another operation than create
}

// Stats returns the counters.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Stats{s.bulks, s.open, s.conflicts, s.rejected, s.overwrite}
}

// UseFailureStore makes documents go to the failure store of their data stream from now on, or no longer.
func (s *Server) UseFailureStore(use bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failureStore = use
}

// serveBulk answers a bulk request.
func (s *Server) serveBulk(w http.ResponseWriter, r *http.Request) {
	fault, ctx, end := s.begin(r)
	defer end()
	body, err := readBody(r)
	if err != nil {
		panic(http.ErrAbortHandler) // the client left in the middle of it
	}
	docs, err := parseBulk(body)
	if err != nil {
		writeJSON(w, http.StatusBadRequest, problem(http.StatusBadRequest, "illegal_argument_exception", err.Error()))
		return
	}
	req := &Request{
		Context:      ctx,
		Writer:       w,
		Size:         len(body),
		Docs:         docs,
		Take:         func() { writeJSON(w, http.StatusOK, s.takeAll(docs)) },
		TakeSilently: func() { s.takeAll(docs) },
	}
	if fault == nil {
		fault = (*Request).take
	}
	fault(req)
}

func readBody(r *http.Request) ([]byte, error) {
	raw, err := io.ReadAll(r.Body)
	if err != nil || r.Header.Get("Content-Encoding") != "gzip" {
		return raw, err
	}
	unzip, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(unzip)
}

// parseBulk reads pairs of lines: an action, and its document.
func parseBulk(body []byte) ([]Doc, error) {
	var docs []Doc
	dec := json.NewDecoder(bytes.NewReader(body))
	for {
		var action map[string]struct {
			Index string `json:"_index"`
			ID    string `json:"_id"`
		}
		if err := dec.Decode(&action); err == io.EOF {
			return docs, nil
		} else if err != nil || len(action) != 1 {
			return nil, fmt.Errorf("Malformed action/metadata line [%d]", 2*len(docs)+1) //nolint:staticcheck // Elasticsearch's words
		}
		for op, a := range action {
			d := Doc{Index: a.Index, ID: a.ID, Op: op}
			if err := dec.Decode(&d.Source); err != nil {
				return nil, fmt.Errorf("document %d: %w", len(docs), err)
			}
			docs = append(docs, d)
		}
	}
}

// bulkItem is one item of the answer, as libbeat asks for it by filter_path.
type bulkItem struct {
	Status int            `json:"status"`
	Error  *RejectionBody `json:"error,omitempty"`

	FailureStore string `json:"failure_store,omitempty"`
}

// bulkAnswer has the order in which Elasticsearch writes it.
type bulkAnswer struct {
	Errors bool                  `json:"errors"`
	Items  []map[string]bulkItem `json:"items"`
}

func (s *Server) takeAll(docs []Doc) bulkAnswer {
	answer := bulkAnswer{Items: make([]map[string]bulkItem, 0, len(docs))}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range docs {
		item := s.take(d)
		answer.Errors = answer.Errors || item.Error != nil
		answer.Items = append(answer.Items, map[string]bulkItem{d.Op: item})
	}
	return answer
}

// take decides on one document; s.mu is held.
func (s *Server) take(d Doc) bulkItem {
	if s.rule != nil {
		if r := s.rule(d); r != nil {
			s.rejected++
			body := r.body(d)
			return bulkItem{Status: r.Status, Error: &body}
		}
	}
	if d.Op != "create" {
		s.overwrite++
	}
	byID := s.docs[d.Index]
	if byID == nil {
		byID = map[string]Doc{}
		s.docs[d.Index] = byID
	}
	if d.ID == "" {
		d.ID = fmt.Sprintf("generated-%d", len(byID))
	}
	if _, there := byID[d.ID]; there {
		s.conflicts++
		body := VersionConflict.body(d)
		return bulkItem{Status: VersionConflict.Status, Error: &body}
	}
	d.At = time.Now()
	byID[d.ID] = d
	if s.failureStore {
		return bulkItem{Status: http.StatusCreated, FailureStore: "used"}
	}
	return bulkItem{Status: http.StatusCreated}
}
