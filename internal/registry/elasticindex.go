// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The index that keeps the states: its documents, its mapping, and requests to it. Reading is in elastic.go, writing in
// elasticbulk.go.

package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"

	"github.com/elastic/elastic-agent-libs/logp"

	"onepasswordbeat/internal/safetext"
)

// elasticStore is the backend in Elasticsearch.
type elasticStore struct {
	client *elasticClient
	id     string
	index  string
	where  string
	writer string // names this process in the documents that it writes
	log    *logp.Logger

	indexMu  sync.Mutex
	made     bool   // its creation was asked for
	rejected string // why it was not created; "" if it was, or was there

	ctx    context.Context //nolint:containedctx // of the writer: cancelled by close
	cancel context.CancelFunc
	ended  chan struct{} // the writer's end
	wake   chan struct{}

	mu       sync.Mutex
	closed   bool
	queue    []*pendingWrite
	versions map[Key]docVersion
}

// docVersion is the version of a document that was read or written last; zero for none.
type docVersion struct {
	SeqNo       *int64 `json:"_seq_no"`
	PrimaryTerm *int64 `json:"_primary_term"`
}

func (v docVersion) known() bool { return v.SeqNo != nil && v.PrimaryTerm != nil }

// document is what is stored: the record, and whose it is.
type document struct {
	StateID   string `json:"state_id"`
	Input     string `json:"input"`
	EventType string `json:"event_type"`
	Writer    string `json:"writer"`
	record
}

// mapping is that of the index. Unknown fields are kept and not indexed.
const mapping = `{"mappings":{"dynamic":false,"properties":{
"state_id":{"type":"keyword"},"input":{"type":"keyword"},"event_type":{"type":"keyword"},"writer":{"type":"keyword"},
"version":{"type":"integer"},"account":{"type":"keyword"},"output":{"type":"keyword"},"moved":{"type":"keyword","ignore_above":1024},
"updated":{"type":"date","ignore_malformed":true},"last_event":{"type":"date","ignore_malformed":true},"start_time":{"type":"date","ignore_malformed":true},
"cursor":{"type":"keyword","index":false,"doc_values":false},"limit":{"type":"integer"},"initial_interval":{"type":"keyword"}}}}`

// unavailable makes an [*UnavailableError], or [ErrClosed].
func (e *elasticStore) unavailable(err error) error {
	if e.ctx.Err() != nil {
		return ErrClosed
	}
	if text := err.Error(); safetext.Redact(text, e.client.secrets...) != text {
		err = errors.New(safetext.Redact(text, e.client.secrets...))
	}
	return &UnavailableError{e.where, err}
}

// docID is the _id of a key's document. Each part goes in with its length: no two keys share one.
func (e *elasticStore) docID(key Key) string {
	hash := sha256.New()
	for _, part := range []string{e.id, key.Input, key.EventType} {
		_, _ = fmt.Fprintf(hash, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(hash.Sum(nil))
}

// request sends a request that ends with the registry as well.
func (e *elasticStore) request(ctx context.Context, method, path string, query url.Values, body []byte) (answer, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.ctx, cancel)()
	got, err := e.client.do(ctx, method, "/"+url.PathEscape(e.index)+path, query, body)
	if err != nil {
		return got, e.unavailable(err)
	}
	return got, nil
}

// indexNotFound is Elasticsearch's type of that error.
const indexNotFound = "index_not_found_exception"

// ensureIndex makes the index with its mapping if it is missing. A user who may not make it can still use one that is there.
func (e *elasticStore) ensureIndex(ctx context.Context) error {
	e.indexMu.Lock()
	defer e.indexMu.Unlock()
	if e.made {
		return nil
	}
	got, err := e.request(ctx, http.MethodPut, "", nil, []byte(mapping))
	if err != nil {
		return err
	}
	failure, _ := got.failure()
	switch {
	case got.status == http.StatusOK, failure.Type == "resource_already_exists_exception":
		e.rejected = ""
	case got.status == http.StatusTooManyRequests, got.status >= http.StatusInternalServerError:
		return e.unavailable(errors.New(got.problem()))
	default: // it may be there, for a user who may not create it
		e.rejected = got.problem()
	}
	e.made = true
	return nil
}

// noIndex notes that there is no index, and says why not.
func (e *elasticStore) noIndex() error {
	e.indexMu.Lock()
	defer e.indexMu.Unlock()
	e.made = false
	if e.rejected == "" {
		return errNoIndex
	}
	return fmt.Errorf("the index is missing and can't be created (%s). Create it, or grant create_index (docs/roles.md)", e.rejected)
}

// errNoIndex says that there is no index.
var errNoIndex = errors.New("the index is missing")

func (e *elasticStore) setVersion(key Key, v docVersion) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.versions[key] = v
}

// pendingWrite is a state that waits to be written.
type pendingWrite struct {
	key  Key
	rec  record
	done chan error // has room for the result: the caller may have stopped waiting
}
