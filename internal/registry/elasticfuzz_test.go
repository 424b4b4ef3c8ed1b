// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Answers of any kind to the requests of the backend in Elasticsearch.

package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"
)

var fuzzKey = Key{Input: "acme", EventType: "audit_events"}

func fuzzStore() *elasticStore {
	return &elasticStore{ctx: context.Background(), client: &elasticClient{}, id: "test", where: "the index", versions: map[Key]docVersion{}}
}

// FuzzDocument: nothing but Elasticsearch's word for this document is its absence or its content.
func FuzzDocument(f *testing.F) {
	e := fuzzStore()
	id := e.docID(fuzzKey)
	f.Add(404, fmt.Sprintf(`{"_id":%q,"found":false}`, id))
	f.Add(200, fmt.Sprintf(`{"_id":%q,"found":true,"_seq_no":1,"_primary_term":1,"_source":{"state_id":"test","input":"acme","event_type":"audit_events","version":1,"cursor":"c"}}`, id))
	f.Add(404, `{"error":{"type":"index_not_found_exception"}}`)
	f.Add(404, `<html>`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		doc, is, err := answer{status, []byte(body)}.document(id)
		var said struct {
			ID    string `json:"_id"`
			Found *bool  `json:"found"`
		}
		valid := json.Unmarshal([]byte(body), &said) == nil && said.ID == id && said.Found != nil
		switch {
		case is && !valid:
			t.Fatalf("taken for an answer: %d %q", status, body)
		case errors.Is(err, ErrNotFound) && (status != http.StatusNotFound || *said.Found):
			t.Fatalf("taken for absence: %d %q", status, body)
		case !is || err != nil:
			_ = answer{status, []byte(body)}.problem()
			return
		}
		stored, err := e.decoder(fuzzKey, doc.source)
		if err != nil {
			return
		}
		if state, err := decode(fuzzKey, stored, e); err == nil && (len(state.Cursor) > maxCursor || len(state.Account) > maxText) {
			t.Fatalf("above the limits: %q", body)
		}
	})
}

// FuzzBulk: a write counts as done only if the answer names it, with a version.
func FuzzBulk(f *testing.F) {
	id := fuzzStore().docID(fuzzKey)
	f.Add(200, fmt.Sprintf(`{"items":[{"index":{"_id":%q,"status":200,"_seq_no":5,"_primary_term":1}}]}`, id))
	f.Add(200, fmt.Sprintf(`{"items":[{"create":{"_id":%q,"status":409,"error":{"type":"version_conflict_engine_exception"}}}]}`, id))
	f.Add(200, `{"items":[]}`)
	f.Add(502, `<html>`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		e := fuzzStore()
		results, err := e.results([]*pendingWrite{{key: fuzzKey}}, answer{status, []byte(body)})
		if err == nil && len(results) != 1 {
			t.Fatalf("%d results", len(results))
		}
		if err == nil && results[0] == nil && (status != http.StatusOK || !e.versions[fuzzKey].known()) {
			t.Fatalf("taken for an acknowledgement: %d %q", status, body)
		}
	})
}
