// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What tests ask of a node. Each fails the test, with the end of the node's log, when the node does not answer.

package estest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// Do sends a request as a user and returns the status and the body of the answer, whatever they are. A body of type string or []byte is sent as it is, nil is an empty body, and
// anything else is encoded as JSON. A path with special characters must be escaped already.
func (n *Node) Do(t testing.TB, user, method, path string, body any) (status int, answer []byte) {
	t.Helper()
	status, answer, err := n.exchange(t.Context(), user, method, path, body)
	if err != nil {
		t.Fatal(n.server.Explain(err))
	}
	return status, answer
}

// exchange is one request with its answer.
func (n *Node) exchange(ctx context.Context, user, method, path string, body any) (int, []byte, error) {
	var content io.Reader
	switch body := body.(type) {
	case nil:
	case string:
		content = strings.NewReader(body)
	case []byte:
		content = bytes.NewReader(body)
	default:
		encoded, err := json.Marshal(body)
		if err != nil {
			return 0, nil, err
		}
		content = bytes.NewReader(encoded)
	}
	req, err := http.NewRequestWithContext(ctx, method, n.URL()+path, content)
	if err != nil {
		return 0, nil, err
	}
	req.SetBasicAuth(user, n.passwords[user])
	if body != nil {
		req.Header.Set("Content-Type", "application/json") // taken for bulk requests too
	}
	res, err := n.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	return res.StatusCode, answer, err
}

// must is a request as Admin that has to succeed; its answer is decoded into result unless that is nil.
func (n *Node) must(t testing.TB, method, path string, body, result any) {
	t.Helper()
	status, answer := n.Do(t, Admin, method, path, body)
	if status >= http.StatusMultipleChoices {
		t.Fatalf("%s %s: status %d: %s", method, path, status, answer)
	}
	if result == nil {
		return
	}
	if err := json.Unmarshal(answer, result); err != nil {
		t.Fatalf("%s %s: %v in %s", method, path, err, answer)
	}
}

// absentIsEmpty makes a name that does not exist yet match nothing.
const absentIsEmpty = "ignore_unavailable=true&allow_no_indices=true"

// Refresh makes everything that was written visible to searches. index is a name or a pattern here and below, of indices or data streams.
func (n *Node) Refresh(t testing.TB, index string) {
	t.Helper()
	n.must(t, http.MethodPost, "/"+url.PathEscape(index)+"/_refresh?"+absentIsEmpty, nil, nil)
}

// Count is the number of documents, everything that was written included.
func (n *Node) Count(t testing.TB, index string) int {
	t.Helper()
	n.Refresh(t, index)
	var result struct {
		Count int `json:"count"`
	}
	n.must(t, http.MethodGet, "/"+url.PathEscape(index)+"/_count?"+absentIsEmpty, nil, &result)
	return result.Count
}

// Hit is a document as a search returns it.
type Hit struct {
	Index  string         `json:"_index"` // the backing index, where a data stream was searched
	ID     string         `json:"_id"`
	Source map[string]any `json:"_source"`
}

// maxHits is what Elasticsearch returns at once.
const maxHits = 10_000

// Search returns all documents that a query of the query DSL finds, or all documents where the query is nil, everything that was written included.
// It fails the test when there are more than 10,000.
func (n *Node) Search(t testing.TB, index string, query any) []Hit {
	t.Helper()
	if query == nil {
		query = map[string]any{"match_all": map[string]any{}}
	}
	n.Refresh(t, index)
	var result struct {
		Hits struct {
			Total struct {
				Value int `json:"value"`
			} `json:"total"`
			Hits []Hit `json:"hits"`
		} `json:"hits"`
	}
	n.must(t, http.MethodPost, "/"+url.PathEscape(index)+"/_search?"+absentIsEmpty,
		map[string]any{"query": query, "size": maxHits, "track_total_hits": true}, &result)
	if total := result.Hits.Total.Value; total > len(result.Hits.Hits) {
		t.Fatalf("search in %s: %d documents, of which %d can be returned; narrow the query", index, total, len(result.Hits.Hits))
	}
	return result.Hits.Hits
}

// field is a field, an object or the root of a mapping.
type field struct {
	Type       string           `json:"type"`
	Properties map[string]field `json:"properties"`
	Fields     map[string]field `json:"fields"`
}

// Mapping returns the type of every field by its full name, multi-fields included and objects not, over all indices that match. A field with two types fails the test.
// Types are those of the node: see FieldType.
func (n *Node) Mapping(t testing.TB, index string) map[string]string {
	t.Helper()
	var indices map[string]struct {
		Mappings field `json:"mappings"`
	}
	n.must(t, http.MethodGet, "/"+url.PathEscape(index)+"/_mapping", nil, &indices)
	types := map[string]string{}
	for name, i := range indices {
		i.Mappings.walk("", func(path, fieldType string) {
			if before, ok := types[path]; ok && before != fieldType {
				t.Fatalf("field %s is %s in %s and %s elsewhere", path, fieldType, name, before)
			}
			types[path] = fieldType
		})
	}
	return types
}

// walk visits everything that has a type, below f.
func (f field) walk(parent string, visit func(path, fieldType string)) {
	for _, children := range []map[string]field{f.Properties, f.Fields} {
		for name, child := range children {
			path := strings.TrimPrefix(parent+"."+name, ".")
			if child.Type != "" && child.Type != "object" {
				visit(path, child.Type)
			}
			child.walk(path, visit)
		}
	}
}

// SetSetting changes a setting of indices; nil gives it its default back.
func (n *Node) SetSetting(t testing.TB, index, key string, value any) {
	t.Helper()
	n.must(t, http.MethodPut, "/"+url.PathEscape(index)+"/_settings", map[string]any{key: value}, nil)
}

// SetClusterSetting changes a setting of the cluster that can be changed while it runs; nil gives it its default back.
func (n *Node) SetClusterSetting(t testing.TB, key string, value any) {
	t.Helper()
	n.must(t, http.MethodPut, "/_cluster/settings", map[string]any{"persistent": map[string]any{key: value}}, nil)
}

// SetDiskFull makes the node believe that its disk is beyond the flood-stage watermark, or that it is not any more, and returns when its indices, of which there must be
// some, are blocked (their documents are rejected with 429) or writable. The node looks at its disk every ten seconds.
func (n *Node) SetDiskFull(t testing.TB, full bool) {
	t.Helper()
	const prefix = "cluster.routing.allocation.disk."
	free := any(nil) // as much as must be free
	if full {
		free = "1000000gb"
	}
	n.must(t, http.MethodPut, "/_cluster/settings", map[string]any{"persistent": map[string]any{
		prefix + "watermark.low": free, prefix + "watermark.high": free, prefix + "watermark.flood_stage": free, prefix + "threshold_enabled": full,
	}}, nil)
	if !full {
		// The node lifts blocks automatically only where it watches its disk, which may really be full.
		n.SetSetting(t, "*,.ds-*", "index.blocks.read_only_allow_delete", nil)
		return
	}
	n.await(t, "a flood-stage block on every index", func() bool {
		var indices map[string]struct {
			Settings map[string]string `json:"settings"`
		}
		n.must(t, http.MethodGet, "/_all/_settings?flat_settings=true&expand_wildcards=all", nil, &indices)
		for _, i := range indices {
			if i.Settings["index.blocks.read_only_allow_delete"] != "true" {
				return false
			}
		}
		return len(indices) > 0
	})
}

// SetRole changes or adds a role of the node, and returns when the node goes by it.
func (n *Node) SetRole(t testing.TB, name string, role Role) {
	t.Helper()
	n.roles[name] = role
	if err := n.writeRoles(); err != nil {
		t.Fatal(err)
	}
	n.await(t, "the node to read its roles again", func() bool {
		status, answer := n.Do(t, probe, http.MethodGet, "/_security/user/_privileges", nil)
		return status == http.StatusOK && bytes.Contains(answer, []byte(n.probeIndex()))
	})
}

// Template is an index or component template as a client sent it, before the proxy reduced it; nil where none did.
func (n *Node) Template(name string) json.RawMessage { return n.proxy.kept(n.proxy.templates, name) }

// Policy is an ILM policy as a client sent it; nil where none did.
func (n *Node) Policy(name string) json.RawMessage { return n.proxy.kept(n.proxy.policies, name) }

// await polls until something is so, and fails the test when that takes longer than a request may.
func (n *Node) await(t testing.TB, what string, reached func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), requestTimeout)
	defer cancel()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for !reached() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal(n.server.Explain(fmt.Errorf("waited %s for %s", requestTimeout, what)))
		}
	}
}
