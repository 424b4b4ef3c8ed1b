// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// States in an index of Elasticsearch: a document per input and event type.

package registry

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	conf "github.com/elastic/elastic-agent-libs/config"
	"github.com/elastic/elastic-agent-libs/logp"
)

// Elasticsearch says where states are kept in Elasticsearch.
type Elasticsearch struct {
	ID         string  // state.id: keeps the states of different beats apart
	Index      string  // its name
	Connection *conf.C // hosts and all that output.elasticsearch has for a connection
}

// OpenElasticsearch opens the registry in Elasticsearch. It makes no request: the first Load does.
func OpenElasticsearch(s Elasticsearch, log *logp.Logger) (*Registry, error) {
	log = log.Named("registry")
	client, err := newElasticClient(s.Connection, log)
	if err != nil {
		return nil, err
	}
	e := &elasticStore{
		client: client, id: s.ID, index: s.Index, log: log, writer: rand.Text(),
		where: fmt.Sprintf("the index %s of Elasticsearch (%s, state.id %s)", s.Index, client.urls(), s.ID),
		ended: make(chan struct{}), wake: make(chan struct{}, 1), versions: map[Key]docVersion{},
	}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	go e.run()
	return &Registry{backend: e}, nil
}

func (e *elasticStore) place() string { return e.where }

func (e *elasticStore) kind() string { return BackendElasticsearch }

// found is a document as it was read.
type found struct {
	docVersion
	source json.RawMessage
}

// read reads a document. Only Elasticsearch's own word for this document is its absence: [ErrNotFound].
func (e *elasticStore) read(ctx context.Context, key Key) (found, error) {
	if err := e.ensureIndex(ctx); err != nil {
		return found{}, err
	}
	doc, err := e.look(ctx, key)
	if errors.Is(err, errNoIndex) {
		return doc, e.unavailable(e.noIndex())
	}
	return doc, err
}

// document reads an answer as the document with an id, or as its absence, which is [ErrNotFound]. It is false for all others.
func (a answer) document(id string) (doc found, is bool, err error) {
	var body struct {
		ID    string `json:"_id"`
		Found *bool  `json:"found"`
		docVersion
		Source json.RawMessage `json:"_source"`
	}
	if json.Unmarshal(a.body, &body) != nil || body.ID != id || body.Found == nil {
		return found{}, false, nil //nolint:nilerr // false says that it is none
	}
	switch {
	case a.status == http.StatusNotFound && !*body.Found:
		return found{}, true, ErrNotFound
	case a.status == http.StatusOK && *body.Found && body.known():
		return found{body.docVersion, body.Source}, true, nil
	}
	return found{}, false, nil
}

// look is read without making the index.
func (e *elasticStore) look(ctx context.Context, key Key) (found, error) {
	id := e.docID(key)
	got, err := e.request(ctx, http.MethodGet, "/_doc/"+id, nil, nil)
	if err != nil {
		return found{}, err
	}
	doc, is, err := got.document(id)
	if is {
		return doc, err
	}
	if failure, _ := got.failure(); failure.Type == indexNotFound {
		return found{}, errNoIndex
	}
	return found{}, e.unavailable(errors.New(got.problem()))
}

// get makes the index if it is to be used. Without, one that is missing has no states.
func (e *elasticStore) get(ctx context.Context, key Key, use bool) (decoder, error) {
	read := e.look
	if use {
		read = e.read
	}
	doc, err := read(ctx, key)
	if errors.Is(err, errNoIndex) && !use {
		return nil, ErrNotFound
	}
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	if use {
		e.setVersion(key, doc.docVersion)
	}
	if err != nil {
		return nil, err
	}
	return e.decoder(key, doc.source)
}

// decoder returns the record of a document that belongs to the key.
func (e *elasticStore) decoder(key Key, source json.RawMessage) (decoder, error) {
	var doc document
	if err := json.Unmarshal(source, &doc); err != nil {
		return nil, unusable(key, e.where, errors.New("its document has fields of another type"))
	}
	if doc.StateID != e.id || doc.Input != key.Input || doc.EventType != key.EventType {
		return nil, unusable(key, e.where, errors.New("its document names another input, event type or state.id"))
	}
	return doc, nil
}

// Decode copies the record.
func (d document) Decode(to any) error {
	rec, ok := to.(*record)
	if !ok {
		return fmt.Errorf("a state can't be read into a %T", to)
	}
	*rec = d.record
	return nil
}

// pageSize is the number of states per page of a search.
const pageSize = 500

// each reads all states of this state.id. Those that were stored within the last second may be missing.
func (e *elasticStore) each(ctx context.Context, do func(Key, decoder)) error {
	if _, err := e.request(ctx, http.MethodPost, "/_refresh", nil, nil); err != nil { // a user without the privilege sees what is a second old
		return err
	}
	var after []any
	for {
		hits, err := e.page(ctx, after)
		if err != nil {
			return err
		}
		for _, hit := range hits {
			var doc document
			if err := json.Unmarshal(hit.Source, &doc); err != nil {
				doc = document{record: record{}, Input: text(hit.Sort, 0), EventType: text(hit.Sort, 1)}
			}
			if key := (Key{doc.Input, doc.EventType}); e.docID(key) == hit.ID {
				do(key, listed{e, key, hit.Source})
			}
		}
		if len(hits) < pageSize {
			return nil
		}
		after = hits[len(hits)-1].Sort
	}
}

func text(values []any, i int) string {
	if i >= len(values) {
		return ""
	}
	s, _ := values[i].(string)
	return s
}

// listed is a document of a search.
type listed struct {
	store  *elasticStore
	key    Key
	source json.RawMessage
}

func (l listed) Decode(to any) error {
	d, err := l.store.decoder(l.key, l.source)
	if err != nil {
		return err
	}
	return d.Decode(to)
}

type hit struct {
	ID     string          `json:"_id"`
	Source json.RawMessage `json:"_source"`
	Sort   []any           `json:"sort"`
}

// page is a page of a search for all states, in the order of their keys.
func (e *elasticStore) page(ctx context.Context, after []any) ([]hit, error) {
	query := map[string]any{
		"size": pageSize, "query": map[string]any{"bool": map[string]any{"filter": []any{map[string]any{"term": map[string]any{"state_id": e.id}}}}},
		"sort": []any{map[string]any{"input": "asc"}, map[string]any{"event_type": "asc"}}, "track_total_hits": false,
	}
	if after != nil {
		query["search_after"] = after
	}
	body, err := json.Marshal(query)
	if err != nil {
		return nil, err
	}
	got, err := e.request(ctx, http.MethodPost, "/_search", url.Values{"allow_partial_search_results": {"false"}}, body)
	if err != nil {
		return nil, err
	}
	if failure, _ := got.failure(); got.status == http.StatusNotFound && failure.Type == indexNotFound {
		return nil, nil
	}
	var result struct {
		TimedOut bool `json:"timed_out"`
		Hits     *struct {
			Hits []hit `json:"hits"`
		} `json:"hits"`
	}
	if err := json.Unmarshal(got.body, &result); err != nil || got.status != http.StatusOK || result.Hits == nil || result.TimedOut {
		return nil, e.unavailable(errors.New(got.problem()))
	}
	return result.Hits.Hits, nil
}

// put returns once Elasticsearch has acknowledged the record. If the document was changed since it was read, it is
// read again: what this process wrote itself (a request that timed out may have been carried out) is replaced, and what
// another wrote is adopted if it has the same account and output.
func (e *elasticStore) put(ctx context.Context, key Key, rec record) error {
	for range 3 {
		err := e.enqueue(ctx, key, rec)
		if !errors.Is(err, errConflict) {
			return err
		}
		doc, err := e.read(ctx, key)
		if errors.Is(err, ErrNotFound) {
			e.log.Warnw("a stored state was deleted while the beat runs; it is stored again", "input_id", key.Input, "event_type", key.EventType)
			e.setVersion(key, docVersion{})
			continue
		}
		if err != nil {
			return err
		}
		if err := e.resolve(key, rec, doc); err != nil {
			return err
		}
	}
	return fmt.Errorf("%w three times in a row", errConflict)
}

// resolve decides what a document means that was written since the last one that is known here. nil: write again.
func (e *elasticStore) resolve(key Key, mine record, doc found) error {
	stored, err := e.decoder(key, doc.source)
	if err != nil {
		return err
	}
	theirs, ok := stored.(document)
	if ok && theirs.Writer == e.writer {
		e.setVersion(key, doc.docVersion)
		return nil
	}
	state, err := theirs.state()
	if err != nil {
		return fmt.Errorf("another writer has changed it: %w", err)
	}
	sameAccount := state.Account == mine.Account || state.Account == "" && state.Cursor == "" // a reset that forgets the account
	if !sameAccount || state.Output != mine.Output {
		return errors.New("another beat with the same state.id stores states of another account or output. Give each beat a state.id of its own; " +
			"if the other one is gone for good, stop this beat and run " + resetCommand(key))
	}
	e.setVersion(key, doc.docVersion)
	return &AdoptedError{state}
}

// close ends the writer. What waits for it fails.
func (e *elasticStore) close() error {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.cancel()
	<-e.ended
	e.client.close()
	return nil
}
