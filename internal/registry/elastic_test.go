// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// States in Elasticsearch: what is absence and what is not, two writers, lost answers, shared requests.

package registry_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/elastic/elastic-agent-libs/logp"

	"onepasswordbeat/internal/registry"
	"onepasswordbeat/internal/registry/registrytest"
)

var key = registry.Key{Input: "acme", EventType: "audit_events"}

func settings(f *registrytest.Fake) registry.Elasticsearch {
	return registry.Elasticsearch{ID: "test", Index: registrytest.Index, Connection: f.Connection()}
}

func openFake(t *testing.T, f *registrytest.Fake) *registry.Registry {
	t.Helper()
	r, err := registry.OpenElasticsearch(settings(f), logp.NewNopLogger())
	require.NoError(t, err)
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func openFiles(t *testing.T, dataPath string) *registry.Registry {
	t.Helper()
	r, err := registry.Open(dataPath, logp.NewNopLogger())
	require.NoError(t, err)
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// TestOnlyElasticsearchsWordIsAbsence: every other answer leaves open what is stored.
func TestOnlyElasticsearchsWordIsAbsence(t *testing.T) {
	id := registrytest.DocID("test", key)
	for name, test := range map[string]struct {
		status int
		body   string
	}{
		"connection cut":           {0, ""},
		"401":                      {401, `{"error":{"type":"security_exception","reason":"missing authentication"},"status":401}`},
		"403":                      {403, `{"error":{"type":"security_exception","reason":"unauthorized"},"status":403}`},
		"404 of a proxy":           {404, `<html>not found</html>`},
		"404 without a body":       {404, ``},
		"404 of the index":         {404, `{"error":{"type":"index_not_found_exception","reason":"no such index"},"status":404}`},
		"404 of another document":  {404, `{"_index":"onepasswordbeat-state","_id":"other","found":false}`},
		"404 that does not say so": {404, fmt.Sprintf(`{"_index":"onepasswordbeat-state","_id":%q}`, id)},
		"200 that says absent":     {200, fmt.Sprintf(`{"_index":"onepasswordbeat-state","_id":%q,"found":false}`, id)},
		"200 without a version":    {200, fmt.Sprintf(`{"_index":"onepasswordbeat-state","_id":%q,"found":true,"_source":{}}`, id)},
		"200 of a proxy":           {200, `<html>log in</html>`},
		"429":                      {429, `{"error":{"type":"es_rejected_execution_exception","reason":"busy"},"status":429}`},
		"500":                      {500, `{"error":{"type":"x","reason":"y"}}`},
		"503":                      {503, ``},
		"an endless answer":        {404, fmt.Sprintf(`{"_index":"onepasswordbeat-state","_id":%q,"found":false}`, id) + strings.Repeat(" ", 9<<20)},
	} {
		t.Run(name, func(t *testing.T) {
			f := registrytest.NewFake(t)
			r := openFake(t, f)
			for range 2 { // with an index that may have to be made, and one that is there
				f.Answer(func(w http.ResponseWriter, req *http.Request) bool {
					if req.Method == http.MethodPut {
						return false
					}
					if test.status == 0 {
						panic(http.ErrAbortHandler)
					}
					w.WriteHeader(test.status)
					_, _ = io.WriteString(w, test.body)
					return true
				})
				_, err := r.Load(t.Context(), key)
				require.ErrorAs(t, err, new(*registry.UnavailableError))
				require.NotErrorIs(t, err, registry.ErrNotFound)
				assert.Less(t, len(err.Error()), 2000)
				f.Fail(test.status, test.body)
				_, err = r.Load(t.Context(), key)
				require.ErrorAs(t, err, new(*registry.UnavailableError))
			}
			f.Heal()
			_, err := r.Load(t.Context(), key)
			require.ErrorIs(t, err, registry.ErrNotFound)
		})
	}
}

// TestAnswerThatDoesNotCome: a request ends with its context, and all end with the registry.
func TestAnswerThatDoesNotCome(t *testing.T) {
	f := registrytest.NewFake(t)
	r := openFake(t, f)
	release := make(chan struct{})
	f.Answer(func(_ http.ResponseWriter, req *http.Request) bool {
		_, _ = io.Copy(io.Discard, req.Body) // the server notices the end of the connection then
		select {
		case <-release:
		case <-req.Context().Done():
		}
		return true
	})
	defer close(release)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := r.Load(ctx, key)
	require.ErrorAs(t, err, new(*registry.UnavailableError))
	err = r.Commit(ctx, key, registrytest.State(1))
	require.ErrorAs(t, err, new(*registry.UnavailableError))
	require.ErrorContains(t, err, "no acknowledgement in time", "it ended with its own context")
	failed := make(chan error, 2)
	go func() { failed <- r.Commit(t.Context(), key, registrytest.State(1)) }()
	go func() { _, err := r.Load(t.Context(), key); failed <- err }()
	require.Eventually(t, func() bool { return f.Asked("") >= 2 }, 10*time.Second, time.Millisecond)
	require.NoError(t, r.Close())
	for range 2 {
		require.ErrorIs(t, <-failed, registry.ErrClosed)
	}
}

// TestIndexIsMadeWithAMapping, and a role that may not make it uses one that is there.
func TestIndexIsMadeWithAMapping(t *testing.T) {
	f := registrytest.NewFake(t)
	r := openFake(t, f)
	require.NoError(t, r.Commit(t.Context(), key, registrytest.State(1)))
	_, err := r.Load(t.Context(), key)
	require.NoError(t, err)
	assert.Equal(t, 1, f.Asked("PUT /onepasswordbeat-state"))

	forbidden := func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method != http.MethodPut {
			return false
		}
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"error":{"type":"security_exception","reason":"unauthorized"},"status":403}`)
		return true
	}
	f.Answer(forbidden)
	got, err := openFake(t, f).Load(t.Context(), key)
	require.NoError(t, err)
	assert.Equal(t, registrytest.State(1), got)
	f.Clear(true)
	_, err = openFake(t, f).Load(t.Context(), key)
	require.ErrorContains(t, err, "the index is missing and can't be created (status 403")
}

// TestTwoWriters: of two beats with the same state.id, the second one to write adopts what the first one wrote, or says
// that it can't.
func TestTwoWriters(t *testing.T) {
	state := func(n int, account, output string) registry.State {
		s := registrytest.State(n)
		s.Account, s.Output = account, output
		return s
	}
	for name, test := range map[string]struct {
		theirs registry.State
		adopt  bool
	}{
		"same account and output": {state(2, "A", "out"), true},
		"another account":         {state(2, "B", "out"), false},
		"another output":          {state(2, "A", "other"), false},
		"a reset":                 {registry.State{Account: "A", Output: "out", StartTime: time.Unix(1e9, 0).UTC()}, true},
		"a reset of the account":  {registry.State{Output: "out", StartTime: time.Unix(1e9, 0).UTC()}, true},
		"a cursor of no account":  {state(2, "", "out"), false},
	} {
		t.Run(name, func(t *testing.T) {
			f := registrytest.NewFake(t)
			one, two := openFake(t, f), openFake(t, f)
			require.NoError(t, one.Commit(t.Context(), key, state(1, "A", "out")))
			_, err := two.Load(t.Context(), key)
			require.NoError(t, err)
			require.NoError(t, two.Commit(t.Context(), key, test.theirs))
			for range 2 {
				err = one.Commit(t.Context(), key, state(3, "A", "out"))
				var adopted *registry.AdoptedError
				if !test.adopt {
					require.ErrorContains(t, err, "states of another account or output")
					require.NotErrorAs(t, err, &adopted)
					continue
				}
				require.ErrorAs(t, err, &adopted)
				assert.Equal(t, test.theirs, adopted.State)
				require.NoError(t, one.Commit(t.Context(), key, state(4, "A", "out")), "what was adopted is replaced")
				break
			}
			got, err := one.Load(t.Context(), key)
			require.NoError(t, err)
			want := test.theirs
			if test.adopt {
				want = state(4, "A", "out")
			}
			assert.Equal(t, want, got)
		})
	}
}

// TestPeekAdoptsNothing: to look at a state does not make it the one that the next commit replaces.
func TestPeekAdoptsNothing(t *testing.T) {
	f := registrytest.NewFake(t)
	one, two := openFake(t, f), openFake(t, f)
	require.NoError(t, one.Commit(t.Context(), key, registrytest.State(1)))
	_, err := two.Load(t.Context(), key)
	require.NoError(t, err)
	require.NoError(t, two.Commit(t.Context(), key, registrytest.State(2)))
	_, err = one.Peek(t.Context(), key)
	require.NoError(t, err)
	require.ErrorAs(t, one.Commit(t.Context(), key, registrytest.State(3)), new(*registry.AdoptedError))
}

// TestLostAnswer: a write whose answer was lost was carried out all the same. The next one replaces it.
func TestLostAnswer(t *testing.T) {
	f := registrytest.NewFake(t)
	r := openFake(t, f)
	for i := range 3 { // the first one creates the document
		f.CutAfter(func(req *http.Request) bool { return strings.HasSuffix(req.URL.Path, "/_bulk") })
		require.ErrorAs(t, r.Commit(t.Context(), key, registrytest.State(2*i)), new(*registry.UnavailableError))
		f.Heal()
		require.NoError(t, r.Commit(t.Context(), key, registrytest.State(2*i+1)))
		got, err := openFake(t, f).Load(t.Context(), key)
		require.NoError(t, err)
		assert.Equal(t, registrytest.State(2*i+1), got)
	}
}

// TestDeletedWhileRunning: what this beat knows is stored again.
func TestDeletedWhileRunning(t *testing.T) {
	for _, gone := range []bool{false, true} {
		f := registrytest.NewFake(t)
		r := openFake(t, f)
		require.NoError(t, r.Commit(t.Context(), key, registrytest.State(1)))
		f.Clear(gone)
		if gone {
			_, err := r.Load(t.Context(), registry.Key{Input: "another", EventType: "x"})
			require.ErrorAs(t, err, new(*registry.UnavailableError), "a missing index is not a missing state")
		}
		require.NoError(t, r.Commit(t.Context(), key, registrytest.State(3)))
	}
}

// TestCommitsShareARequest, and each has a result of its own.
func TestCommitsShareARequest(t *testing.T) {
	f := registrytest.NewFake(t)
	r, other := openFake(t, f), openFake(t, f)
	taken := registry.Key{Input: "taken", EventType: "audit_events"}
	theirs := registrytest.State(1)
	theirs.Account = "B"
	require.NoError(t, other.Commit(t.Context(), taken, theirs))
	first := make(chan struct{})
	answerFirst := sync.OnceFunc(func() { close(first) })
	t.Cleanup(answerFirst)
	var once sync.Once
	f.Answer(func(_ http.ResponseWriter, req *http.Request) bool {
		if strings.HasSuffix(req.URL.Path, "/_bulk") {
			once.Do(func() { <-first })
		}
		return false
	})
	before := f.Asked("POST /onepasswordbeat-state/_bulk")
	var group sync.WaitGroup
	const commits = 200
	commit := func(i int) {
		group.Go(func() {
			assert.NoError(t, r.Commit(t.Context(), registry.Key{Input: fmt.Sprint("in", i), EventType: "x"}, registrytest.State(i)))
		})
	}
	commit(0)
	require.Eventually(t, func() bool { return f.Asked("POST /onepasswordbeat-state/_bulk") > before }, 10*time.Second, time.Millisecond)
	for i := 1; i < commits; i++ {
		commit(i)
	}
	group.Go(func() {
		assert.ErrorContains(t, r.Commit(t.Context(), taken, registrytest.State(2)), "another account or output")
	})
	require.Eventually(t, func() bool { return registry.Waiting(r) == commits }, 10*time.Second, time.Millisecond)
	answerFirst()
	group.Wait()
	assert.Less(t, f.Asked("POST /onepasswordbeat-state/_bulk")-before, 20)
	entries, err := r.List(t.Context())
	require.NoError(t, err)
	assert.Len(t, entries, commits+1)
}

// TestListInPages: more states than one page of a search has.
func TestListInPages(t *testing.T) {
	f := registrytest.NewFake(t)
	for i := range 1203 {
		k := registry.Key{Input: fmt.Sprintf("in%04d", i), EventType: "x"}
		f.Put(t, registrytest.DocID("test", k), map[string]any{"state_id": "test", "input": k.Input, "event_type": "x", "version": 1, "cursor": "c"})
	}
	entries, err := openFake(t, f).List(t.Context())
	require.NoError(t, err)
	assert.Len(t, entries, 1203)
}

// TestHostThatIsDown: another host of the same Elasticsearch is asked.
func TestHostThatIsDown(t *testing.T) {
	f, down := registrytest.NewFake(t), registrytest.NewFake(t)
	s := settings(f)
	require.NoError(t, s.Connection.SetString("hosts", 0, down.URL))
	require.NoError(t, s.Connection.SetString("hosts", 1, f.URL))
	down.Fail(0, "")
	r, err := registry.OpenElasticsearch(s, logp.NewNopLogger())
	require.NoError(t, err)
	t.Cleanup(func() { _ = r.Close() })
	require.NoError(t, r.Commit(t.Context(), key, registrytest.State(1)))
}

// TestCredentialsStayOutOfErrors, even if a proxy repeats the request.
func TestCredentialsStayOutOfErrors(t *testing.T) {
	for name, credentials := range map[string]map[string]any{
		"API key":  {"api_key": "an-identifier:not-to-be-shown-1"},
		"password": {"username": "beat", "password": "not-to-be-shown-1"},
		"header":   {"headers": map[string]string{"X-Auth": "not-to-be-shown-1"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := registrytest.NewFake(t)
			var sent string
			f.Answer(func(w http.ResponseWriter, r *http.Request) bool {
				sent = r.Header.Get("Authorization") + r.Header.Get("X-Auth")
				w.WriteHeader(http.StatusForbidden)
				_, _ = io.WriteString(w, sent+" not-to-be-shown-1")
				return true
			})
			s := settings(f)
			require.NoError(t, s.Connection.Merge(credentials))
			r, err := registry.OpenElasticsearch(s, logp.NewNopLogger())
			require.NoError(t, err)
			t.Cleanup(func() { _ = r.Close() })
			_, err = r.Load(t.Context(), key)
			require.ErrorContains(t, err, "status 403")
			require.NotEmpty(t, sent)
			_, encoded, _ := strings.Cut(sent, " ")
			assert.NotContains(t, err.Error(), "not-to-be-shown-1")
			if encoded != "" {
				assert.NotContains(t, err.Error(), encoded)
			}
		})
	}
}
