// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Tests of faults, of the log, and of the server.

package eventsapitest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
)

func faulty(tb testing.TB) *client {
	tb.Helper()
	return newClient(tb, eventsapitest.Config{Now: fixed, Backlog: eventsapitest.Each(50)})
}

func TestFaultsOfTheAnswer(t *testing.T) {
	for name, check := range map[string]func(t *testing.T, a answer){
		"400":           func(t *testing.T, a answer) { assert.Equal(t, 400, a.status) },
		"401":           func(t *testing.T, a answer) { assert.Equal(t, 401, a.status) },
		"403":           func(t *testing.T, a answer) { assert.Equal(t, 403, a.status) },
		"500":           func(t *testing.T, a answer) { assert.Contains(t, a.body, "Internal Server Error") },
		"503":           func(t *testing.T, a answer) { assert.Equal(t, 503, a.status) },
		"429":           func(t *testing.T, a answer) { assert.Empty(t, a.header.Get("Retry-After")) },
		"429:2s":        func(t *testing.T, a answer) { assert.Equal(t, "2", a.header.Get("Retry-After")) },
		"429:date:5s":   func(t *testing.T, a answer) { assert.Contains(t, a.header.Get("Retry-After"), "12:00:05 GMT") },
		"slow:1ms":      func(t *testing.T, a answer) { assert.Len(t, a.Items, 50) },
		"reset":         func(t *testing.T, a answer) { assert.ErrorIs(t, a.err, syscall.ECONNRESET) },
		"cut":           func(t *testing.T, a answer) { assert.ErrorIs(t, a.err, io.ErrUnexpectedEOF) },
		"garbage":       func(t *testing.T, a answer) { assert.False(t, json.Valid([]byte(a.body))) },
		"html":          func(t *testing.T, a answer) { assert.Contains(t, a.header.Get("Content-Type"), "text/html") },
		"items-object":  func(t *testing.T, a answer) { assert.Contains(t, a.body, `"items":{`) },
		"items-null":    func(t *testing.T, a answer) { assert.Contains(t, a.body, `"items":null`) },
		"more-string":   func(t *testing.T, a answer) { assert.Contains(t, a.body, `"has_more":"false"`) },
		"cursor-number": func(t *testing.T, a answer) { assert.Contains(t, a.body, `"cursor":17`) },
		"no-cursor":     func(t *testing.T, a answer) { assert.NotContains(t, a.body, "cursor") },
		"junk-items":    func(t *testing.T, a answer) { assert.Len(t, a.Items, 56) },
		"empty":         func(t *testing.T, a answer) { assert.True(t, a.HasMore && len(a.Items) == 0) },
		"huge:1000000":  func(t *testing.T, a answer) { assert.True(t, len(a.body) == 1e6 && json.Valid([]byte(a.body))) },
	} {
		t.Run(name, func(t *testing.T) {
			f, err := eventsapitest.ParseFault(name)
			require.NoError(t, err)
			assert.Equal(t, name, f.String())
			c := faulty(t)
			c.srv.Script(f)
			check(t, c.fetch(audits, from(longAgo, 100)))
			assert.Zero(t, c.srv.ScriptLeft())
			assert.Equal(t, 1, c.srv.Stats().Faults[name])
			assert.Len(t, c.fetch(audits, from(longAgo, 100)).Items, 50, "the next one is fine")
		})
	}
}

func TestFaultsInsideItems(t *testing.T) {
	for kind, check := range map[eventsapitest.Kind]func(e map[string]any) bool{
		eventsapitest.UnknownKeys:  func(e map[string]any) bool { return e["risk"] != nil && e["a.dotted.key"] == "kept" },
		eventsapitest.UnknownEnums: func(e map[string]any) bool { return e["category"] == "quantum_failed" && e["type"] == "entangled" },
		eventsapitest.Nulls:        func(e map[string]any) bool { v, ok := e["client"]; return ok && v == nil },
		eventsapitest.Missing:      func(e map[string]any) bool { _, ok := e["client"]; return !ok },
	} {
		c := faulty(t)
		c.srv.Script(eventsapitest.Fault{Kind: kind})
		a := c.fetch(signIns, from(longAgo, 100))
		require.Len(t, a.Items, 50)
		for i, item := range a.Items {
			var e map[string]any
			require.NoError(t, json.Unmarshal(item, &e))
			assert.True(t, check(e), "%s: %s", kind, item)
			assert.Equal(t, c.srv.UUID(signIns, i), e["uuid"])
		}
	}
}

func TestCursorThatDoesNotMove(t *testing.T) {
	c := faulty(t)
	first := c.fetch(audits, from(longAgo, 10))
	c.srv.Script(eventsapitest.Fault{Kind: eventsapitest.Endless, Times: 2}, eventsapitest.Fault{Kind: eventsapitest.Repeat})
	for _, items := range []int{0, 0, 10} {
		a := c.fetch(audits, follow(first.Cursor))
		assert.Equal(t, first.Cursor, a.Cursor)
		assert.True(t, a.HasMore)
		assert.Len(t, a.Items, items)
	}
	got, _ := c.drain(audits, follow(first.Cursor))
	assert.Len(t, got, 40)
}

func TestRejectedCursor(t *testing.T) {
	c := faulty(t)
	c.srv.Script(eventsapitest.Fault{Kind: eventsapitest.RejectCursor})
	first := c.fetch(audits, from(longAgo, 10))
	assert.Equal(t, http.StatusOK, first.status, "waits for a cursor")
	assert.Equal(t, http.StatusBadRequest, c.fetch(audits, follow(first.Cursor)).status)
	assert.Equal(t, http.StatusOK, c.fetch(audits, follow(first.Cursor)).status)
}

// Hanging and stalled requests end with the client, and with the server.
func TestHangAndStall(t *testing.T) {
	for _, kind := range []eventsapitest.Kind{eventsapitest.Hang, eventsapitest.Stall} {
		c := faulty(t)
		c.srv.Script(eventsapitest.Fault{Kind: kind, Times: 2})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 2)
		for i, ctx := range []context.Context{ctx, t.Context()} {
			go func() {
				req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.srv.URL+"/api/v2/auditevents", strings.NewReader("{}"))
				if err != nil {
					ended <- err
					return
				}
				req.Header.Set("Authorization", "Bearer "+c.token)
				resp, err := c.http.Do(req)
				if err == nil {
					_, err = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
				}
				ended <- err
			}()
			require.Eventually(t, func() bool { return len(c.srv.Requests()) == i+1 }, 10*time.Second, time.Millisecond)
		}
		assert.Empty(t, ended)
		cancel()
		require.ErrorIs(t, <-ended, context.Canceled)
		require.NoError(t, c.srv.Close())
		require.Error(t, <-ended)
	}
}

func TestScriptByTypeAndIntrospection(t *testing.T) {
	c := faulty(t)
	c.srv.Script(eventsapitest.Fault{}, eventsapitest.HTTPStatus(500).For(usages), eventsapitest.HTTPStatus(503),
		eventsapitest.HTTPStatus(500).For(eventsapitest.Introspect))
	assert.Equal(t, 200, c.fetch(audits, "{}").status, "Pass")
	assert.Equal(t, 503, c.fetch(audits, "{}").status)
	assert.Equal(t, 200, c.fetch(audits, "{}").status)
	assert.Equal(t, 500, c.fetch(usages, "{}").status)
	assert.Equal(t, 500, c.do("GET", "/api/v2/auth/introspect", "").status)
	assert.Equal(t, 200, c.do("GET", "/api/v2/auth/introspect", "").status)
}

func TestChancesAreSeeded(t *testing.T) {
	run := func() (statuses []int) {
		c := newClient(t, eventsapitest.Config{Seed: 9, Now: fixed, Faults: []eventsapitest.Chance{
			{P: 0.2, Fault: eventsapitest.HTTPStatus(500)}, {P: 0.2, Fault: eventsapitest.TooManyRequests(0, eventsapitest.RetryAfterAbsent)},
		}})
		for range 200 {
			statuses = append(statuses, c.fetch(audits, "{}").status)
		}
		st := c.srv.Stats()
		assert.InDelta(t, 40, st.Count(audits, 500), 20)
		assert.InDelta(t, 40, st.Count(audits, 429), 20)
		assert.Equal(t, 200, st.Count(audits))
		c.srv.SetFaults()
		assert.Equal(t, 200, c.fetch(audits, "{}").status)
		return statuses
	}
	first, second := run(), run()
	assert.Equal(t, first, second)
}

func TestParseFaultRejects(t *testing.T) {
	for _, text := range []string{"", "flood", "status", "200", "999", "500:soon", "slow", "slow:x", "huge:x", "cut:7", "500@users"} {
		_, err := eventsapitest.ParseFault(text)
		require.Error(t, err, text)
	}
	f, err := eventsapitest.ParseFault("cut@itemusages")
	require.NoError(t, err)
	assert.Equal(t, eventsapitest.Fault{Kind: eventsapitest.Cut, On: usages}, f)
}

func TestDown(t *testing.T) {
	for _, secure := range []bool{false, true} {
		c := newClient(t, eventsapitest.Config{Now: fixed, TLS: secure})
		assert.Equal(t, 200, c.fetch(audits, "{}").status)
		c.srv.Down(true)
		require.Error(t, c.fetch(audits, "{}").err)
		assert.Equal(t, 1, c.srv.Stats().Count(audits, 0))
		c.srv.Down(false)
		assert.Equal(t, 200, c.fetch(audits, "{}").status)
	}
}

func TestTLSAndHTTP2(t *testing.T) {
	c := newClient(t, eventsapitest.Config{Now: fixed, TLS: true, Backlog: eventsapitest.Each(50)})
	assert.True(t, strings.HasPrefix(c.srv.URL, "https://"))
	assert.FileExists(t, c.srv.CAFile)
	got, _ := c.drain(audits, from(longAgo, 20))
	assert.Len(t, got, 50)
	for _, kind := range []eventsapitest.Kind{eventsapitest.Reset, eventsapitest.Cut} {
		c.srv.Script(eventsapitest.Fault{Kind: kind})
		require.Error(t, c.fetch(audits, "{}").err)
	}
	_, err := http.DefaultClient.Get(c.srv.URL) //nolint:noctx,bodyclose // fails before there is a body
	assert.Error(t, err, "its CA is its own")
}

func TestGzip(t *testing.T) {
	c := newClient(t, eventsapitest.Config{Now: fixed, Gzip: true, Backlog: eventsapitest.Each(5)})
	assert.Len(t, c.fetch(audits, from(longAgo, 10)).Items, 5, "net/http asks for gzip")
}

func TestRequestsAreRemembered(t *testing.T) {
	c := newClient(t, eventsapitest.Config{Now: fixed, Backlog: eventsapitest.Each(3), KeepRequests: 2})
	a := c.fetch(audits, from(longAgo, 10))
	c.fetch(audits, follow(a.Cursor))
	c.token = "x"
	c.fetch(usages, "{}")
	list := c.srv.Requests()
	require.Len(t, list, 2)
	assert.Equal(t, a.Cursor, list[0].Cursor)
	assert.Equal(t, c.srv.ID(), list[0].Account)
	assert.Equal(t, http.StatusUnauthorized, list[1].Status)
	assert.Equal(t, "{}", list[1].Body)
	st := c.srv.Stats()
	assert.Equal(t, 3, st.Items[audits])
	assert.Equal(t, 2, st.Count(audits, 200))

	var h eventsapitest.Health
	require.NoError(t, json.Unmarshal([]byte(c.do("GET", eventsapitest.HealthPath, "").body), &h))
	assert.Equal(t, 3, h.Events[audits])
	assert.Equal(t, 1, h.Requests[usages][401])
}

func TestCloseLeavesNoGoroutine(t *testing.T) {
	s := simulator(t, eventsapitest.Config{Now: fixed})
	for range 3 { // the same address again and again
		srv, err := s.Start(t.Context(), "")
		require.NoError(t, err)
		require.NoError(t, srv.Close())
		again, err := s.Start(t.Context(), strings.TrimPrefix(srv.URL, "http://"))
		require.NoError(t, err)
		assert.Equal(t, srv.URL, again.URL)
		require.NoError(t, again.Close())
	}
	require.Eventually(t, func() bool {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		return !bytes.Contains(stacks, []byte("eventsapitest.(*")) && !bytes.Contains(stacks, []byte("http.(*conn).serve"))
	}, 10*time.Second, time.Millisecond)
	_, err := s.Start(t.Context(), "256.0.0.1:1")
	require.Error(t, err)
	assert.NotErrorIs(t, err, http.ErrServerClosed)
}
