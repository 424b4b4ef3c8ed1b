// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The package's promises, each shown on a real node.

package estest

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/tests/engine"
	"onepasswordbeat/tests/engine/enginetest"
)

const stream = "logs-estest.things-default"

// thingsTemplate has what real templates have and this node lacks: ILM and types of missing modules.
const thingsTemplate = `{
	"index_patterns": ["logs-estest.*-*"], "priority": 150, "data_stream": {},
	"template": {
		"settings": {"index": {"lifecycle": {"name": "things"}, "number_of_replicas": 0}},
		"mappings": {"dynamic": false, "properties": {
			"@timestamp": {"type": "date"},
			"type": {"properties": {"kind": {"type": "constant_keyword", "value": "thing"}}},
			"message": {"type": "match_only_text", "fields": {"raw": {"type": "wildcard"}}},
			"price": {"type": "scaled_float", "scaling_factor": 100},
			"source": {"properties": {"ip": {"type": "ip"}}}
		}}
	}
}`

var writer = Role{
	Cluster: []string{"monitor"},
	Indices: []IndexPrivileges{{Names: []string{"logs-estest.*-*"}, Privileges: []string{"create_doc", "auto_configure"}}},
}

func TestNode(t *testing.T) {
	for _, version := range []string{V8, V9} {
		t.Run(version, func(t *testing.T) {
			node := Start(t, Config{
				Version: version,
				Roles:   map[string]Role{"writer": writer, "stranger": {Cluster: []string{"monitor"}}, "nothing": {Cluster: []string{}}},
				Users:   map[string][]string{"shipper": {"writer"}, "stranger": {"stranger"}, "nobody": {"nothing"}},
			})
			// In this order, on one node: each leaves it as a node that works.
			for _, step := range []struct {
				name string
				run  func(*testing.T, *Node)
			}{
				{"tells its version", testInfo},
				{"is reached with its CA alone", testTLS},
				{"keeps ILM policies", testPolicies},
				{"loads templates", testTemplate},
				{"takes documents, once each", testDocuments},
				{"rejects a bad document and takes its neighbours", testBadDocument},
				{"enforces privileges that change", testRoles},
				{"blocks indices", testBlocks},
				{"keeps its data over kill -9", testKill},
				{"keeps its data over an orderly restart", testRestart},
			} {
				t.Run(step.name, func(t *testing.T) { step.run(t, node) })
			}
		})
	}
}

func testInfo(t *testing.T, node *Node) {
	status, body := node.Do(t, "shipper", http.MethodGet, "/", nil)
	require.Equal(t, http.StatusOK, status, string(body))
	assert.Contains(t, string(body), node.config.Version)

	status, body = node.Do(t, "nobody", http.MethodGet, "/", nil)
	assert.Equal(t, http.StatusForbidden, status)
	assert.Contains(t, string(body), "granted by the cluster privileges [monitor")

	status, body = node.Do(t, "unheard-of", http.MethodGet, "/", nil)
	assert.Equal(t, http.StatusUnauthorized, status)
	assert.Contains(t, string(body), "unable to authenticate user [unheard-of]")
}

func testTLS(t *testing.T, node *Node) {
	pem, err := os.ReadFile(node.CAFile())
	require.NoError(t, err)
	assert.Contains(t, string(pem), "BEGIN CERTIFICATE")

	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, node.URL(), nil)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(req)
	if err == nil {
		_ = res.Body.Close()
	}
	require.ErrorContains(t, err, "certificate", "a client without the CA")
}

func testPolicies(t *testing.T, node *Node) {
	const path = "/_ilm/policy/things"
	status, _ := node.Do(t, Admin, http.MethodGet, path, nil)
	assert.Equal(t, http.StatusNotFound, status)
	status, _ = node.Do(t, "shipper", http.MethodGet, path, nil)
	assert.Equal(t, http.StatusForbidden, status)
	status, _ = node.Do(t, Admin, http.MethodPut, path, "nonsense")
	assert.Equal(t, http.StatusBadRequest, status)
	status, _ = node.Do(t, Admin, http.MethodPut, path, `{"policy":{"phases":{"hot":{"actions":{}}}}}`)
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, string(node.Policy("things")), "phases")
	status, body := node.Do(t, Admin, http.MethodGet, path, nil)
	assert.Equal(t, http.StatusOK, status)
	assert.JSONEq(t, `{"things":{"version":1,"policy":{"phases":{"hot":{"actions":{}}}}}}`, string(body))
}

func testTemplate(t *testing.T, node *Node) {
	const path = "/_index_template/things"
	status, _ := node.Do(t, "shipper", http.MethodPut, path, thingsTemplate)
	assert.Equal(t, http.StatusForbidden, status, "a writer loads no templates")
	status, _ = node.Do(t, "shipper", http.MethodHead, path, nil)
	assert.Equal(t, http.StatusNotFound, status)
	status, body := node.Do(t, Admin, http.MethodPut, path, "{")
	assert.Equal(t, http.StatusBadRequest, status)
	assert.Contains(t, string(body), "root_cause", "the node's own words")

	// Clients compress.
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := z.Write([]byte(thingsTemplate))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, node.URL()+path, &packed)
	require.NoError(t, err)
	req.SetBasicAuth(Admin, node.Password(Admin))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Content-Encoding", "gzip")
	res, err := node.client.Do(req)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusOK, res.StatusCode)

	status, _ = node.Do(t, "shipper", http.MethodHead, path, nil)
	assert.Equal(t, http.StatusOK, status)
	assert.JSONEq(t, thingsTemplate, string(node.Template("things")), "as it was sent")
}

// bulkAnswer is what tests read of a bulk request's answer.
type bulkAnswer struct {
	Items []map[string]struct {
		Status int `json:"status"`
		Error  struct{ Type, Reason string }
	}
}

// create sends documents with _ids a, b, c, ... in one request and returns a line for each: status and type of error.
func create(t *testing.T, node *Node, user, index string, documents ...string) []string {
	t.Helper()
	var body strings.Builder
	for i, document := range documents {
		fmt.Fprintf(&body, "{\"create\":{\"_index\":%q,\"_id\":%q}}\n%s\n", index, string(rune('a'+i)), document)
	}
	status, answer := node.Do(t, user, http.MethodPost, "/_bulk", body.String())
	if status != http.StatusOK {
		return []string{strconv.Itoa(status)}
	}
	var result bulkAnswer
	require.NoError(t, json.Unmarshal(answer, &result), string(answer))
	var lines []string
	for _, item := range result.Items {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%d %s", item["create"].Status, item["create"].Error.Type)))
	}
	return lines
}

const (
	good = `{"@timestamp":"2026-11-01T12:00:00Z","source":{"ip":"192.0.2.7"},"message":"a thing"}`
	bad  = `{"@timestamp":"2026-11-01T12:00:00Z","source":{"ip":"nowhere"}}`
)

func testDocuments(t *testing.T, node *Node) {
	assert.Zero(t, node.Count(t, stream), "before the data stream exists")
	assert.Empty(t, node.Search(t, stream, nil))
	assert.Equal(t, []string{"201", "201"}, create(t, node, "shipper", stream, good, good))
	assert.Equal(t, []string{"409 version_conflict_engine_exception", "409 version_conflict_engine_exception", "201"},
		create(t, node, "shipper", stream, good, good, good))
	assert.Equal(t, 3, node.Count(t, stream))

	hits := node.Search(t, "logs-estest.*", map[string]any{"ids": map[string]any{"values": []string{"b"}}})
	require.Len(t, hits, 1)
	assert.Equal(t, "b", hits[0].ID)
	assert.True(t, strings.HasPrefix(hits[0].Index, ".ds-"+stream), hits[0].Index)
	assert.Equal(t, "a thing", hits[0].Source["message"])

	mapping := node.Mapping(t, stream)
	assert.Equal(t, map[string]string{"@timestamp": "date", "type.kind": FieldType("constant_keyword"), "message": FieldType("match_only_text"),
		"message.raw": FieldType("wildcard"), "price": FieldType("scaled_float"), "source.ip": "ip"}, mapping)
}

func testBadDocument(t *testing.T, node *Node) {
	assert.Equal(t, []string{"201", "400 document_parsing_exception", "201"},
		create(t, node, "shipper", "logs-estest.bad-default", good, bad, good))
	assert.Equal(t, 2, node.Count(t, "logs-estest.bad-default"))
}

func testRoles(t *testing.T, node *Node) {
	assert.Equal(t, []string{"403"}, create(t, node, "stranger", stream, good), "no index at all may be written to: the whole request is rejected")

	const other = "logs-estest.roles-default"
	less := Role{Cluster: writer.Cluster, Indices: []IndexPrivileges{{Names: []string{"logs-estest.things-*"}, Privileges: []string{"create_doc"}}}}
	node.SetRole(t, "writer", less)
	assert.Equal(t, []string{"403 security_exception"}, create(t, node, "shipper", other, good), "one data stream of several")
	assert.Equal(t, []string{"409 version_conflict_engine_exception"}, create(t, node, "shipper", stream, good))
	node.SetRole(t, "writer", writer)
	assert.Equal(t, []string{"201"}, create(t, node, "shipper", other, good))
}

func testBlocks(t *testing.T, node *Node) {
	node.SetSetting(t, stream, "index.blocks.write", true)
	assert.Equal(t, []string{"403 cluster_block_exception"}, create(t, node, "shipper", stream, good))
	node.SetSetting(t, stream, "index.blocks.write", nil)
	assert.Equal(t, []string{"409 version_conflict_engine_exception"}, create(t, node, "shipper", stream, good))

	node.SetDiskFull(t, true)
	assert.Equal(t, []string{"429 cluster_block_exception"}, create(t, node, "shipper", stream, good))
	node.SetDiskFull(t, false)
	assert.Equal(t, []string{"409 version_conflict_engine_exception"}, create(t, node, "shipper", stream, good))

	node.SetClusterSetting(t, "cluster.blocks.read_only", true)
	assert.Equal(t, []string{"403"}, create(t, node, "shipper", stream, good))
	node.SetClusterSetting(t, "cluster.blocks.read_only", nil)
}

func testKill(t *testing.T, node *Node) {
	before, url := node.Count(t, stream), node.URL()
	require.Equal(t, []string{"201"}, create(t, node, "shipper", "logs-estest.kill-default", good))
	node.Kill9(t)
	assert.False(t, engine.GroupAlive(node.server.Proc.PID))

	_, _, err := node.exchange(t.Context(), "shipper", http.MethodGet, "/", nil)
	require.Error(t, err, "a node that is down breaks connections")
	_, _, err = node.exchange(t.Context(), "shipper", http.MethodGet, "/_cluster/health", nil)
	require.Error(t, err)
	explained := node.server.Explain(err).Error()
	assert.Contains(t, explained, "has ended: signal: killed")
	assert.Contains(t, explained, "started", "the log's end")

	node.Restart(t)
	assert.Equal(t, url, node.URL())
	assert.Equal(t, before, node.Count(t, stream))
	assert.Equal(t, 1, node.Count(t, "logs-estest.kill-default"), "taken just before")
	assert.NotNil(t, node.Policy("things"))
}

func testRestart(t *testing.T, node *Node) {
	before := node.Count(t, "logs-estest.*")
	node.Restart(t)
	assert.Equal(t, before, node.Count(t, "logs-estest.*"))
	assert.Contains(t, node.Log(), "stopping ...", "in an orderly way")
}

// A node that crashes while it starts, or hangs, is a message with the reason and never a test that hangs.
func TestNodeInTrouble(t *testing.T) {
	requireNode(t)
	t.Run("crashed at its start", func(t *testing.T) {
		_, err := New(t.Context(), Config{Settings: map[string]any{"no.such.setting": 1}})
		require.ErrorContains(t, err, "the test node ended while it started")
		require.ErrorContains(t, err, "unknown setting [no.such.setting]", "the log's end")
	})
	t.Run("hanging", func(t *testing.T) {
		node := Start(t, Config{PlainHTTP: true})
		assert.True(t, strings.HasPrefix(node.URL(), "http://"))
		enginetest.Hang(t, node.server, func(ctx context.Context) error {
			_, _, err := node.exchange(ctx, Admin, http.MethodGet, "/_cluster/health", nil)
			return err
		}, node.Close)
	})
}

func TestNodeEndsWithTheTestProcess(t *testing.T) {
	requireNode(t)
	enginetest.EndsWithProcess(t, func(t testing.TB) *engine.Server { return Start(t, Config{}).server })
}

// requireNode skips a test that starts nodes by other ways than Start where Start would.
func requireNode(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts an Elasticsearch node; left out of short tests")
	}
	_, err := provide(t.Context(), V8)
	engine.Require(t, err, engine.CI())
}
