// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Helpers of this package's tests: a clock, a client, answers.

package eventsapitest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
)

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// clock is a clock that moves when told.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: epoch} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

type answer struct {
	status int
	header http.Header
	body   string
	err    error

	Cursor  string            `json:"cursor"`
	HasMore bool              `json:"has_more"`
	Items   []json.RawMessage `json:"items"`
}

type client struct {
	tb      testing.TB
	srv     *eventsapitest.Server
	http    *http.Client
	token   string
	version string
}

func newClient(tb testing.TB, cfg eventsapitest.Config) *client {
	tb.Helper()
	srv := eventsapitest.StartTB(tb, cfg)
	c := &client{tb: tb, srv: srv, http: srv.Client(), token: srv.Token(), version: "v2"}
	tb.Cleanup(c.http.CloseIdleConnections)
	return c
}

func (c *client) do(method, path, body string) answer {
	req, err := http.NewRequestWithContext(c.tb.Context(), method, c.srv.URL+path, strings.NewReader(body))
	require.NoError(c.tb, err)
	req.Header.Set("Authorization", "Bearer "+c.token)
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{err: err}
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	a := answer{status: resp.StatusCode, header: resp.Header, body: string(data), err: err}
	if resp.StatusCode == http.StatusOK && err == nil {
		_ = json.Unmarshal(data, &a) // what is malformed is looked at as text
	}
	return a
}

func (c *client) fetch(t eventsapitest.EventType, body string) answer {
	return c.do(http.MethodPost, "/api/"+c.version+"/"+string(t), body)
}

// drain pages from a body on until has_more is false.
func (c *client) drain(t eventsapitest.EventType, body string) (uuids []string, cursor string) {
	c.tb.Helper()
	for {
		a := c.fetch(t, body)
		require.NoError(c.tb, a.err)
		require.Equal(c.tb, http.StatusOK, a.status, a.body)
		for _, item := range a.Items {
			uuids = append(uuids, uuidOf(c.tb, item))
		}
		if !a.HasMore {
			return uuids, a.Cursor
		}
		body = follow(a.Cursor)
	}
}

func follow(cursor string) string { return fmt.Sprintf(`{"cursor":%q}`, cursor) }

func from(start time.Time, limit int) string {
	return fmt.Sprintf(`{"limit":%d,"start_time":%q}`, limit, start.Format(time.RFC3339Nano))
}

func uuidOf(tb testing.TB, item json.RawMessage) string {
	tb.Helper()
	var head struct{ UUID string }
	require.NoError(tb, json.Unmarshal(item, &head))
	return head.UUID
}

func all(s *eventsapitest.Server, t eventsapitest.EventType) (uuids []string) {
	for _, u := range s.UUIDs(t, time.Time{}) {
		uuids = append(uuids, u)
	}
	return uuids
}
