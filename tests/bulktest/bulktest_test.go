// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The bulk server behaves as Elasticsearch does.

package bulktest_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/tests/bulktest"
)

// bulk sends documents for the index "logs" and returns status and answer.
func bulk(t *testing.T, es *bulktest.Server, ids ...string) (int, string) {
	t.Helper()
	var body bytes.Buffer
	zip := gzip.NewWriter(&body)
	for _, id := range ids {
		_, err := fmt.Fprintf(zip, `{"create":{"_index":"logs","_id":%q}}`+"\n"+`{"message":"hello"}`+"\n", id)
		require.NoError(t, err)
	}
	require.NoError(t, zip.Close())
	return do(t, http.MethodPost, es.URL+"/_bulk", &body, "gzip")
}

func do(t *testing.T, method, url string, body io.Reader, encoding string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	require.NoError(t, err)
	if encoding != "" {
		req.Header.Set("Content-Encoding", encoding)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, strings.TrimSpace(string(raw))
}

func TestDocumentsAreCreatedOnce(t *testing.T) {
	t.Parallel()
	es := bulktest.Start(t)
	status, body := bulk(t, es, "a", "b")
	assert.Equal(t, http.StatusOK, status)
	assert.JSONEq(t, `{"errors":false,"items":[{"create":{"status":201}},{"create":{"status":201}}]}`, body)
	_, body = bulk(t, es, "b", "c")
	assert.Contains(t, body, `{"errors":true,`)
	assert.Contains(t, body, "version_conflict_engine_exception")
	assert.ElementsMatch(t, []string{"a", "b", "c"}, es.IDs())
	assert.Equal(t, bulktest.Stats{Bulks: 2, Conflicts: 1}, es.Stats())
}

func TestRejections(t *testing.T) {
	t.Parallel()
	es := bulktest.Start(t)
	es.Reject(bulktest.Only(bulktest.BadIP, "b"))
	_, body := bulk(t, es, "a", "b")
	assert.Contains(t, body, "in document with id 'b'")
	es.Reject(bulktest.Stream("logs", bulktest.NoPrivilege))
	_, body = bulk(t, es, "c")
	assert.Contains(t, body, "on indices [logs]")
	es.Reject(nil)
	bulk(t, es, "d")
	assert.ElementsMatch(t, []string{"a", "d"}, es.IDs())
	assert.Equal(t, 2, es.Stats().Rejected)
}

func TestFaults(t *testing.T) {
	t.Parallel()
	es := bulktest.Start(t)
	es.SetFault(bulktest.Cut())
	status, _ := bulk(t, es, "taken")
	assert.Zero(t, status)
	es.SetFault(bulktest.TooLarge(10))
	status, body := bulk(t, es, "large")
	assert.Equal(t, http.StatusRequestEntityTooLarge, status)
	assert.Empty(t, body)
	es.SetFault(bulktest.Times(1, bulktest.Busy()))
	status, _ = bulk(t, es, "busy")
	assert.Equal(t, http.StatusTooManyRequests, status)
	status, _ = bulk(t, es, "not busy")
	assert.Equal(t, http.StatusOK, status)
	es.Down(true)
	status, _ = bulk(t, es, "down")
	assert.Zero(t, status)
	es.Down(false)

	es.SetFault(bulktest.Stuck())
	ended := make(chan int)
	go func() {
		code, _ := bulk(t, es, "stuck") //nolint:testifylint // its requirements do not fail
		ended <- code
	}()
	require.Eventually(t, func() bool { return es.Stats().Open == 1 }, 5*time.Second, time.Millisecond)
	es.SetFault(nil)
	assert.Zero(t, <-ended, "a request that was stuck is cut")
	assert.ElementsMatch(t, []string{"taken", "not busy"}, es.IDs())
}

func TestTemplatesAndPrivileges(t *testing.T) {
	t.Parallel()
	es := bulktest.Start(t)
	url := es.URL + "/_index_template/one"
	status, _ := do(t, http.MethodHead, url, http.NoBody, "")
	assert.Equal(t, http.StatusNotFound, status)
	es.Deny(http.MethodPut, "/_index_template/")
	status, body := do(t, http.MethodPut, url, strings.NewReader(`{"priority":1}`), "")
	assert.Equal(t, http.StatusForbidden, status)
	assert.Contains(t, body, "security_exception")
	es.Allow()
	status, _ = do(t, http.MethodPut, url, strings.NewReader(`{"priority":1}`), "")
	assert.Equal(t, http.StatusOK, status)
	_, body = do(t, http.MethodGet, url, http.NoBody, "")
	assert.JSONEq(t, `{"index_templates":[{"name":"one","index_template":{"priority":1}}]}`, body)
	assert.JSONEq(t, `{"priority":1}`, string(es.Template("one")))
	status, body = do(t, http.MethodGet, es.URL+"/", http.NoBody, "")
	assert.Equal(t, http.StatusOK, status)
	assert.True(t, json.Valid([]byte(body)))
}
