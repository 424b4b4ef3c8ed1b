// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Responses of Elasticsearch: what is read of them, and that libbeat gets them
// unchanged.

package delivery

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/elastic/beats/v7/libbeat/esleg/eslegclient"
	"github.com/elastic/beats/v7/libbeat/outputs/elasticsearch"
	"github.com/elastic/elastic-agent-libs/logp/logptest"
)

// item is an item of a bulk answer, with the fields that libbeat asks for.
func item(status int, kind, reason string) string {
	if kind == "" {
		return fmt.Sprintf(`{"create":{"status":%d}}`, status)
	}
	return fmt.Sprintf(`{"create":{"status":%d,"error":{"type":%q,"reason":%q}}}`, status, kind, reason)
}

func answer(items ...string) string {
	failed := false
	for _, i := range items {
		failed = failed || strings.Contains(i, `"error"`)
	}
	return fmt.Sprintf(`{"errors":%t,"items":[%s]}`, failed, strings.Join(items, ","))
}

var (
	created   = item(201, "", "")
	duplicate = item(409, "version_conflict_engine_exception", "[11]: version conflict, document already exists (current version [1])")
	busy      = item(429, "es_rejected_execution_exception", "rejected execution of coordinating operation")
	broken    = item(503, "unavailable_shards_exception", "primary shard is not active")
	badIP     = item(400, "document_parsing_exception", "[1:53] failed to parse field [source.ip] of type [ip] in document with id 'A1'. Preview of field's value: 'somebody at home'")
	forbidden = item(403, "security_exception", "action [indices:data/write/bulk[s]] is unauthorized for user [u] with effective roles [r] on indices [logs-1password.audit_events-default]")
	blocked   = item(403, "cluster_block_exception", "index [logs-1password.audit_events-default] blocked by: [FORBIDDEN/8/index write (api)];")
	closed    = item(400, "index_closed_exception", "closed")
	pipeline  = item(400, "illegal_argument_exception", "pipeline with id [nopipe] does not exist")
	limit     = item(400, "document_parsing_exception", "[1:44] failed to parse: Limit of total fields [5] has been exceeded while adding new fields [2]")
	immense   = item(400, "illegal_argument_exception", `Document contains at least one immense term in field="onepassword.x", all of which were skipped. The prefix of the first immense term is: '[115, 101, 99]...'`)
)

func TestRejectionsOfAResponse(t *testing.T) {
	tests := map[string]struct {
		body             string
		document, output int
		last             string
	}{
		"all accepted": {answer(created, created), 0, 0, ""},
		"duplicates":   {answer(duplicate, created), 0, 0, ""},
		"tried again":  {answer(busy, broken), 0, 0, ""},
		"bad value":    {answer(created, badIP, created), 1, 0, "400 document_parsing_exception: failed to parse field [source.ip] of type [ip]"},
		"no privilege": {answer(forbidden, forbidden), 0, 2, "403 security_exception: action [indices:data/write/bulk[s]] is unauthorized for user [u] with effective roles [r] on indices [logs-1password.audit_events-default]"},
		"write block":  {answer(duplicate, blocked), 0, 1, "403 cluster_block_exception: index [logs-1password.audit_events-default] blocked by: [FORBIDDEN/8/index write (api)];"},
		"closed index": {answer(closed), 0, 1, "400 index_closed_exception: closed"},
		"no pipeline":  {answer(pipeline), 0, 1, "400 illegal_argument_exception: pipeline with id [nopipe] does not exist"},
		"field limit":  {answer(limit), 1, 0, "400 document_parsing_exception: failed to parse: Limit of total fields [5] has been exceeded while adding new fields [2]"},
		"immense term": {answer(immense), 1, 0, `400 illegal_argument_exception: Document contains at least one immense term in field="onepassword.x", all of which were skipped.`},
		"mixed":        {answer(badIP, busy, forbidden, created, duplicate, limit), 2, 1, "400 document_parsing_exception: failed to parse: Limit of total fields [5] has been exceeded while adding new fields [2]"},
		"long reason":  {answer(item(400, "x", strings.Repeat("é", 400))), 0, 1, "400 x: " + strings.Repeat("é", 300) + "…"},
		"with took":    {`{"took":7,"errors":true,"items":[` + closed + `]}`, 0, 1, "400 index_closed_exception: closed"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := &Responses{}
			got, err := do(t, w, "/_bulk", answers(http.StatusOK, test.body), elasticsearch.HeaderEventCount, strconv.Itoa(strings.Count(test.body, `"create"`)))
			require.NoError(t, err)
			assert.Equal(t, test.body, got)
			assert.EqualValues(t, test.document, w.documentErrors.Load(), "document errors")
			assert.EqualValues(t, test.output, w.outputErrors.Load(), "output errors")
			assert.Equal(t, test.last, w.Rejection())
			assert.NotContains(t, w.Rejection(), "somebody")
			assert.NotContains(t, w.Rejection(), "115")
		})
	}
}

// A response with status 200 that is not a bulk response is an error of the request: libbeat would repeat it at once, or take
// an item without a status as accepted.
func TestResponseThatIsNotABulkResponse(t *testing.T) {
	for name, body := range map[string]string{
		"HTML":               "<html><body>Sign in</body></html>",
		"empty":              "",
		"an empty object":    "{}",
		"a list":             "[]",
		"null":               "null",
		"cut off":            `{"errors":true,"items":[`,
		"one item short":     answer(created),
		"one item more":      answer(created, created, created),
		"no items":           `{"errors":true}`,
		"items are null":     `{"errors":false,"items":null}`,
		"empty items":        `{"errors":false,"items":[{},{}]}`,
		"no status":          `{"errors":false,"items":[{"create":{}},{"create":{"status":201}}]}`,
		"status 0":           `{"errors":false,"items":[{"create":{"status":0}},{"create":{"status":201}}]}`,
		"status is text":     `{"errors":false,"items":[{"create":{"status":"201"}},{"create":{"status":201}}]}`,
		"two actions":        `{"errors":false,"items":[{"create":{"status":201},"index":{"status":201}},{"create":{"status":201}}]}`,
		"error is text":      `{"errors":true,"items":[{"create":{"status":400,"error":"why"}},{"create":{"status":201}}]}`,
		"text behind it":     answer(created, created) + "x",
		"names in capitals":  `{"errors":true,"items":[{"create":{"Status":400,"STATUS":201}},{"create":{"status":201}}]}`,
		"two statuses":       `{"errors":true,"items":[{"create":{"status":400,"status":201}},{"create":{"status":201}}]}`,
		"two lists of items": `{"errors":true,"items":[{"create":{"status":400}},{"create":{"status":400}}],` + answer(created, created)[len(`{"errors":false,`):],
		"another action":     `{"errors":false,"items":[{"delete":{"status":200}},{"delete":{"status":200}}]}`,
		"created look-alike": `{"errors":false,"items":[{"create":{"status":201}}],{"create":{"status":201}}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			w := &Responses{}
			_, err := do(t, w, "/_bulk", answers(http.StatusOK, body), elasticsearch.HeaderEventCount, "2")
			require.ErrorContains(t, err, "no bulk response")
			assert.Contains(t, w.Blocked(), "no bulk response")
			_, err = do(t, w, "/_bulk", answers(http.StatusOK, answer(created, created)), elasticsearch.HeaderEventCount, "2")
			require.NoError(t, err)
			assert.Empty(t, w.Blocked())
		})
	}
}

func TestWrittenTemplatesAreCounted(t *testing.T) {
	w := &Responses{}
	for _, path := range []string{"/_index_template/onepasswordbeat", "/_component_template/logs@custom", "/_ilm/policy/x", "/_bulk"} {
		_, err := do(t, w, path, answers(http.StatusOK, "{}"))
		require.NoError(t, err)
	}
	assert.EqualValues(t, 2, w.templates.Load())
	_, err := do(t, w, "/_bulk", answers(http.StatusOK, answer(badIP)), elasticsearch.HeaderEventCount, "1")
	require.NoError(t, err)
	assert.Zero(t, w.proven.Load(), "nothing was accepted since")
	_, err = do(t, w, "/_bulk", answers(http.StatusOK, answer(badIP, duplicate)), elasticsearch.HeaderEventCount, "2")
	require.NoError(t, err)
	assert.EqualValues(t, 2, w.proven.Load())
}

// TestRejectedRequest: a request that is rejected as a whole is remembered until one
// is accepted, and handed on as it came.
// TestResponsesThatLibbeatWouldRepeatAtOnce: other successes, and nothing but failed items, are errors: libbeat waits after one.
func TestResponsesThatLibbeatWouldRepeatAtOnce(t *testing.T) {
	for _, status := range []int{http.StatusCreated, http.StatusAccepted, http.StatusNoContent, http.StatusPartialContent} {
		w := &Responses{}
		_, err := do(t, w, "/_bulk", answers(status, ""), elasticsearch.HeaderEventCount, "2")
		require.ErrorContains(t, err, "not the status of a bulk response")
		assert.Contains(t, w.Blocked(), "no bulk response")
	}
	for name, test := range map[string]struct {
		items   string
		blocked bool
	}{
		"all failed":        {answer(broken, broken), true},
		"one accepted":      {answer(broken, created), false},
		"one known already": {answer(broken, duplicate), false},
		"one rejected":      {answer(broken, badIP), false},
		"one busy":          {answer(broken, busy), false}, // libbeat waits for it
	} {
		w := &Responses{}
		_, err := do(t, w, "/_bulk", answers(http.StatusOK, test.items), elasticsearch.HeaderEventCount, "2")
		assert.Equal(t, test.blocked, err != nil, name)
		if test.blocked {
			assert.Equal(t, "the output can't store any event at the moment: 503 unavailable_shards_exception: primary shard is not active", w.Blocked())
		}
	}
}

// TestErrorOfTheOutputIsReadForALittle: libbeat reads and logs the whole body of an error.
func TestErrorOfTheOutputIsReadForALittle(t *testing.T) {
	endless := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, strings.Repeat("\x1b[31mx", 10_000))
			}
		}
	}
	for _, status := range []int{http.StatusServiceUnavailable, http.StatusForbidden, http.StatusTeapot} {
		w := &Responses{}
		got, err := do(t, w, "/_bulk", endless(status), elasticsearch.HeaderEventCount, "2")
		require.NoError(t, err)
		assert.LessOrEqual(t, len(got), 1<<10)
		assert.NotContains(t, got, "\x1b")
	}
	w := &Responses{}
	_, err := do(t, w, "/_bulk", endless(http.StatusOK), elasticsearch.HeaderEventCount, "2")
	require.ErrorContains(t, err, "more than 16 MiB")
	got, err := do(t, w, "/_license", endless(http.StatusOK))
	require.NoError(t, err)
	assert.Len(t, got, maxBulkResponse)
}

func TestRejectedRequest(t *testing.T) {
	const body = `{"error":{"type":"security_exception","reason":"action [indices:data/write/bulk] is unauthorized for user [u]"},"status":403}`
	for status, blocked := range map[int]string{
		http.StatusForbidden:             "403 security_exception: action [indices:data/write/bulk] is unauthorized for user [u]",
		http.StatusUnauthorized:          "401 security_exception: action [indices:data/write/bulk] is unauthorized for user [u]",
		http.StatusTooManyRequests:       "",
		http.StatusServiceUnavailable:    "",
		http.StatusRequestEntityTooLarge: "",
	} {
		w := &Responses{}
		got, err := do(t, w, "/_bulk", answers(status, body))
		require.NoError(t, err)
		assert.JSONEq(t, body, got)
		if blocked != "" {
			blocked = "the output rejects every request: " + blocked
		}
		assert.Equal(t, blocked, w.Blocked())
		assert.Zero(t, w.documentErrors.Load()+w.outputErrors.Load(), "libbeat drops nothing of it")
	}
	w := &Responses{}
	_, err := do(t, w, "/_bulk", answers(http.StatusForbidden, "<html>a proxy</html>"))
	require.NoError(t, err)
	assert.Equal(t, "the output rejects every request: 403 rejected: Forbidden", w.Blocked())
	for name, next := range map[string]http.HandlerFunc{
		"accepted": answers(http.StatusOK, answer(created)),
		"down":     func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"failing":  answers(http.StatusServiceUnavailable, ""),
	} {
		w.block("403 rejected: Forbidden")
		_, _ = do(t, w, "/_bulk", next, elasticsearch.HeaderEventCount, "1")
		assert.Empty(t, w.Blocked(), name)
	}
}

func answers(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// do sends a request through the watch and returns the whole body.
func do(t *testing.T, w *Responses, path string, handler http.HandlerFunc, header ...string) (string, error) {
	t.Helper()
	srv := httptest.NewServer(handler)
	defer srv.Close()
	client := &bulkClient{next: srv.Client(), responses: w}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+path+"?filter_path=errors", strings.NewReader("{}"))
	require.NoError(t, err)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, resp.Body.Close())
	return string(body), err
}

// TestBodyIsPassedOn: byte for byte, of any size, compressed or not, with errors
// or without, and its own error at the end.
func TestBodyIsPassedOn(t *testing.T) {
	for _, size := range []int{0, 1, 10, 14, 63, 64, 65, 4095, 4096, 4097, 1 << 20, 5 << 20} {
		for _, start := range []string{`{"errors":true,"items":[`, `{"errors":false,"items":[`, "<html>"} {
			body := (start + strings.Repeat("x", size))[:max(size, 0)]
			t.Run(fmt.Sprintf("%d bytes %s", size, start), func(t *testing.T) {
				got, err := do(t, &Responses{}, "/_bulk", answers(http.StatusOK, body))
				require.NoError(t, err)
				same(t, body, got)

				got, err = do(t, &Responses{}, "/_bulk", func(w http.ResponseWriter, r *http.Request) {
					assert.Contains(t, r.Header.Get("Accept-Encoding"), "gzip")
					w.Header().Set("Content-Encoding", "gzip")
					zw := gzip.NewWriter(w)
					_, _ = io.WriteString(zw, body)
					_ = zw.Close()
				})
				require.NoError(t, err)
				same(t, body, got)

				got, err = do(t, &Responses{}, "/_bulk", func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Length", strconv.Itoa(len(body)+1))
					_, _ = io.WriteString(w, body)
				})
				require.ErrorIs(t, err, io.ErrUnexpectedEOF, "a cut body stays one: libbeat sends such a request again")
				same(t, body, got)
			})
		}
	}
}

// same compares texts that are too long to be shown.
func same(t *testing.T, want, got string) {
	t.Helper()
	if want != got {
		t.Errorf("%d bytes came, of %d, or others", len(got), len(want))
	}
}

func TestOnlyBulkRequestsAreRead(t *testing.T) {
	w := &Responses{}
	for path, status := range map[string]int{"/_bulk": http.StatusBadRequest, "/_search": http.StatusOK, "/_bulk/x": http.StatusOK, "/": http.StatusOK} {
		got, err := do(t, w, path, answers(status, answer(closed)), elasticsearch.HeaderEventCount, "1")
		require.NoError(t, err)
		assert.Equal(t, answer(closed), got)
	}
	assert.Zero(t, w.documentErrors.Load()+w.outputErrors.Load())
	_, err := do(t, w, "/prefix/logs/_bulk", answers(http.StatusOK, answer(closed)), elasticsearch.HeaderEventCount, "1")
	require.NoError(t, err)
	assert.EqualValues(t, 1, w.outputErrors.Load(), "below a path of a proxy")
}

// TestEventThatIsTooLarge: 413 is a document error only if the event is alone;
// libbeat splits larger requests.
func TestEventThatIsTooLarge(t *testing.T) {
	for count, want := range map[string]uint64{"1": 1, "2": 0, "": 0} {
		w := &Responses{}
		_, err := do(t, w, "/_bulk", answers(http.StatusRequestEntityTooLarge, ""), elasticsearch.HeaderEventCount, count)
		require.NoError(t, err)
		assert.Equal(t, want, w.documentErrors.Load(), count)
		assert.Zero(t, w.outputErrors.Load())
	}
}

func TestErrorOfTheRequestIsPassedOn(t *testing.T) {
	reason := errors.New("no route")
	client := &bulkClient{next: failing{reason}, responses: &Responses{}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://192.0.2.1/_bulk", http.NoBody)
	require.NoError(t, err)
	_, err = client.Do(req) //nolint:bodyclose // there is none
	require.ErrorIs(t, err, reason)
}

type failing struct{ err error }

func (f failing) Do(*http.Request) (*http.Response, error) { return nil, f.err }
func (failing) CloseIdleConnections()                      {}

// TestInLibbeatsConnection: libbeat's client works as before with the watch in it.
func TestInLibbeatsConnection(t *testing.T) {
	srv := httptest.NewServer(answers(http.StatusOK, answer(badIP, created)))
	defer srv.Close()
	conn, err := eslegclient.NewConnection(eslegclient.ConnectionSettings{URL: srv.URL}, logptest.NewTestingLogger(t, ""))
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	w := &Responses{}
	conn.HTTP = &bulkClient{next: conn.HTTP, responses: w}
	status, raw, err := conn.Bulk(t.Context(), "", "", http.Header{elasticsearch.HeaderEventCount: {"2"}}, nil, []any{map[string]any{"create": map[string]any{}}, map[string]any{"a": 1}})
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, status)
	assert.True(t, bytes.Equal([]byte(answer(badIP, created)), raw))
	assert.EqualValues(t, 1, w.documentErrors.Load())
}

func TestWatchEnds(t *testing.T) {
	for range 2 { // it may begin again
		unwatch, err := (&Responses{}).Watch()
		require.NoError(t, err)
		unwatch()
	}
}
