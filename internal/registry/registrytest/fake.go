// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package registrytest has what tests of stored states need: a stand-in for the Elasticsearch that keeps them, and the
// conformance tests that every backend passes.
package registrytest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	conf "github.com/elastic/elastic-agent-libs/config"
)

// Fake is one index of an Elasticsearch: create, GET, _bulk with sequence numbers, and a search by state.id.
type Fake struct {
	*httptest.Server

	mu     sync.Mutex
	exists bool
	docs   map[string]*doc
	seq    int64
	answer func(w http.ResponseWriter, r *http.Request) bool // true: answered
	after  func(r *http.Request) bool                        // true: the connection is cut after the request was carried out
	asked  []string
}

type doc struct {
	Seq    int64
	Source json.RawMessage
}

// Index is the name of the index.
const Index = "onepasswordbeat-state"

// NewFake starts an Elasticsearch without an index.
func NewFake(t testing.TB) *Fake {
	f := &Fake{docs: map[string]*doc{}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

// Connection are the settings to reach it.
func (f *Fake) Connection() *conf.C {
	return conf.MustNewConfigFrom(map[string]any{"hosts": []string{f.URL}})
}

// Answer has a function answer requests. It returns false for those that it leaves to the fake.
func (f *Fake) Answer(answer func(w http.ResponseWriter, r *http.Request) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = answer
}

// Fail has all requests fail; status 0 cuts the connection.
func (f *Fake) Fail(status int, body string) {
	f.Answer(func(w http.ResponseWriter, _ *http.Request) bool {
		if status == 0 {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
		return true
	})
}

// Heal has the fake answer again.
func (f *Fake) Heal() {
	f.Answer(nil)
	f.CutAfter(nil)
}

// CutAfter has the answers to some requests lost after they were carried out.
func (f *Fake) CutAfter(cut func(r *http.Request) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.after = cut
}

// Edit changes the source of each document.
func (f *Fake) Edit(change func(source map[string]any)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, d := range f.docs {
		var source map[string]any
		if json.Unmarshal(d.Source, &source) != nil {
			continue
		}
		change(source)
		d.Source, _ = json.Marshal(source) //nolint:errchkjson // it was JSON
		f.seq++
		d.Seq = f.seq
	}
}

// Put stores a document, and makes the index for it.
func (f *Fake) Put(t *testing.T, id string, source map[string]any) {
	t.Helper()
	raw, err := json.Marshal(source)
	if err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.exists = true
	f.seq++
	f.docs[id] = &doc{f.seq, raw}
}

// Clear deletes the documents, and the index with them if gone is set.
func (f *Fake) Clear(gone bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.docs, f.exists = map[string]*doc{}, !gone
}

// Sources are the documents.
func (f *Fake) Sources() []map[string]any {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []map[string]any
	for _, d := range f.docs {
		var source map[string]any
		_ = json.Unmarshal(d.Source, &source)
		list = append(list, source)
	}
	return list
}

// Asked counts the requests that begin with a method and a path.
func (f *Fake) Asked(prefix string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, line := range f.asked {
		if strings.HasPrefix(line, prefix) {
			n++
		}
	}
	return n
}

func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	answer, after := f.answer, f.after
	f.asked = append(f.asked, r.Method+" "+r.URL.Path)
	f.mu.Unlock()
	if answer != nil && answer(w, r) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	status, body := f.serve(r)
	if after != nil && after(r) {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) //nolint:errchkjson // the client may be gone
}

type m = map[string]any

func failure(status int, kind, reason string) (int, any) {
	return status, m{"error": m{"type": kind, "reason": reason}, "status": status}
}

func (f *Fake) serve(r *http.Request) (int, any) {
	path, found := strings.CutPrefix(r.URL.Path, "/"+Index)
	switch {
	case !found:
		return failure(404, "index_not_found_exception", "no such index")
	case r.Method == http.MethodPut && path == "":
		if f.exists {
			return failure(400, "resource_already_exists_exception", "index already exists")
		}
		f.exists = true
		return 200, m{"acknowledged": true}
	case !f.exists:
		return failure(404, "index_not_found_exception", "no such index")
	case path == "/_bulk":
		return f.bulk(r.Body)
	case path == "/_search":
		return f.search(r.Body)
	case path == "/_refresh":
		return 200, m{}
	}
	id := strings.TrimPrefix(path, "/_doc/")
	d := f.docs[id]
	if d == nil {
		return 404, m{"_index": Index, "_id": id, "found": false}
	}
	return 200, m{"_index": Index, "_id": id, "found": true, "_seq_no": d.Seq, "_primary_term": 1, "_source": d.Source}
}

func (f *Fake) bulk(body io.Reader) (int, any) {
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, 1<<20)
	var items []any
	for lines.Scan() {
		var action map[string]struct {
			ID  string `json:"_id"`
			Seq *int64 `json:"if_seq_no"`
		}
		if err := json.Unmarshal(lines.Bytes(), &action); err != nil || !lines.Scan() {
			return failure(400, "illegal_argument_exception", fmt.Sprint(err))
		}
		source := slices.Clone(lines.Bytes())
		for op, a := range action {
			d := f.docs[a.ID]
			if op == "create" && d != nil || op == "index" && (d == nil || a.Seq == nil || *a.Seq != d.Seq) {
				items = append(items, m{op: m{"_id": a.ID, "status": 409, "error": m{"type": "version_conflict_engine_exception", "reason": "conflict"}}})
				continue
			}
			f.seq++
			f.docs[a.ID] = &doc{f.seq, source}
			items = append(items, m{op: m{"_id": a.ID, "status": 201, "_seq_no": f.seq, "_primary_term": 1}})
		}
	}
	return 200, m{"items": items}
}

func (f *Fake) search(body io.Reader) (int, any) {
	var query struct {
		Size  int
		After []string `json:"search_after"`
		Query struct {
			Bool struct {
				Filter []struct{ Term map[string]string }
			}
		}
	}
	if err := json.NewDecoder(body).Decode(&query); err != nil {
		return failure(400, "parsing_exception", err.Error())
	}
	type hit struct {
		ID     string          `json:"_id"`
		Source json.RawMessage `json:"_source"`
		Sort   []string        `json:"sort"`
	}
	hits := []hit{}
	for id, d := range f.docs {
		var s struct {
			StateID   string `json:"state_id"`
			Input     string `json:"input"`
			EventType string `json:"event_type"`
		}
		_ = json.Unmarshal(d.Source, &s)
		sort := []string{s.Input, s.EventType}
		if s.StateID == query.Query.Bool.Filter[0].Term["state_id"] && (query.After == nil || slices.Compare(sort, query.After) > 0) {
			hits = append(hits, hit{id, d.Source, sort})
		}
	}
	slices.SortFunc(hits, func(a, b hit) int { return slices.Compare(a.Sort, b.Sort) })
	return 200, m{"timed_out": false, "hits": m{"hits": hits[:min(len(hits), query.Size)]}}
}
