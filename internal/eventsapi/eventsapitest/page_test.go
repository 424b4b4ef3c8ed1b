// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Tests of request bodies, pages and cursors.

package eventsapitest_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
)

const audits, usages, signIns = eventsapitest.AuditEvents, eventsapitest.ItemUsages, eventsapitest.SignInAttempts

var longAgo = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

func TestPagingGivesEachVisibleEventOnceInOrder(t *testing.T) {
	for _, order := range []eventsapitest.Order{eventsapitest.IngestOrder, eventsapitest.EventTimeOrder} {
		c := newClient(t, eventsapitest.Config{
			Seed: 3, Now: fixed, Backlog: eventsapitest.Each(2345), LateShare: eventsapitest.Each(0.1), Order: order,
		})
		for _, typ := range eventsapitest.Types() {
			for _, limit := range []int{1000, 97} {
				got, _ := c.drain(typ, from(longAgo, limit))
				require.Equal(t, all(c.srv, typ), got)
				require.Len(t, got, c.srv.Total(typ))
			}
		}
		if order == eventsapitest.IngestOrder {
			assert.Equal(t, 2345, c.srv.Total(audits))
		} else {
			assert.Less(t, c.srv.Total(audits), 2345, "some are not ingested yet")
		}
	}
}

func TestLateEventsAndOrder(t *testing.T) {
	for _, order := range []eventsapitest.Order{eventsapitest.IngestOrder, eventsapitest.EventTimeOrder} {
		clk := newClock()
		c := newClient(t, eventsapitest.Config{
			Seed: 3, Now: clk.now, Backlog: eventsapitest.Each(500), Live: eventsapitest.Each(0.001), LateShare: eventsapitest.Each(0.1), Order: order,
		})
		got, cursor := c.drain(usages, from(longAgo, 1000))
		clk.advance(7 * 24 * time.Hour)
		rest, _ := c.drain(usages, follow(cursor))
		got = append(got, rest...)
		if order == eventsapitest.IngestOrder {
			assert.Equal(t, all(c.srv, usages), got)
		} else {
			assert.Less(t, len(got), c.srv.Total(usages), "what came late is behind the cursor")
			assert.Subset(t, all(c.srv, usages), got)
		}
	}
}

// The start time filters what is there when a client begins, by event time.
// What is ingested later comes whatever its event time.
func TestStartTime(t *testing.T) {
	clk := newClock()
	c := newClient(t, eventsapitest.Config{
		Seed: 3, Now: clk.now, Backlog: eventsapitest.Each(2000), Live: eventsapitest.Each(1.0), LateShare: eventsapitest.Each(0.2),
	})
	since := epoch.Add(-6 * time.Hour)
	var want []string
	for i, u := range c.srv.UUIDs(usages, since) {
		require.False(t, c.srv.EventTime(usages, i).Before(since))
		want = append(want, u)
	}
	got, cursor := c.drain(usages, from(since, 100))
	assert.Equal(t, want, got)
	before := c.srv.Total(usages)
	clk.advance(10 * time.Minute)
	got, _ = c.drain(usages, follow(cursor))
	assert.Len(t, got, c.srv.Total(usages)-before)
}

func TestWindow(t *testing.T) {
	c := newClient(t, eventsapitest.Config{Seed: 3, Now: fixed})
	for i := range 10 {
		c.srv.Publish(audits, json.RawMessage(fmt.Sprintf(`{"uuid":"E%d","timestamp":"2026-03-01T11:00:0%dZ"}`, i, i)))
	}
	got, _ := c.drain(audits, `{"limit":2,"start_time":"2026-03-01T12:00:03+01:00","end_time":"2026-03-01T11:00:07Z"}`)
	assert.Equal(t, []string{"E3", "E4", "E5", "E6"}, got, "start inclusive, end exclusive, kept over pages")
	got, _ = c.drain(audits, `{"end_time":"2026-03-01T11:00:02Z"}`)
	assert.Equal(t, []string{"E0", "E1"}, got, "an hour before the end")
	got, _ = c.drain(audits, `{}`)
	assert.Len(t, got, 10, "an hour before now")
	got, _ = c.drain(audits, `{"start_time":"0001-01-01T00:00:00Z","end_time":"9999-12-31T23:59:59Z"}`)
	assert.Len(t, got, 10)
}

func TestDefaults(t *testing.T) {
	c := newClient(t, eventsapitest.Config{Seed: 3, Now: fixed, Backlog: eventsapitest.Each(24 * 300)})
	a := c.fetch(signIns, `{}`)
	assert.Len(t, a.Items, 100)
	assert.True(t, a.HasMore)
	got, _ := c.drain(signIns, `{"limit":null,"start_time":null,"end_time":null,"filter":{"x":1}}`)
	assert.InDelta(t, 300, len(got), 2)
}

func TestBadBodies(t *testing.T) {
	c := newClient(t, eventsapitest.Config{Now: fixed, Backlog: eventsapitest.Each(1)})
	for _, body := range []string{
		"", "null", "[]", "7", "{", `{"limit":0}`, `{"limit":-1}`, `{"limit":1001}`, `{"limit":"10"}`, `{"limit":1.5}`,
		`{"start_time":"yesterday"}`, `{"end_time":17}`, `{"cursor":""}`, `{"cursor":7}`, `{"cursor":"aGVsbG8h"}`, `{"cursor":"%%%"}`,
	} {
		a := c.fetch(audits, body)
		assert.Equal(t, http.StatusBadRequest, a.status, body)
		assert.JSONEq(t, `{"Error":{"Message":"Bad Request"}}`, a.body)
	}
}

func TestCursor(t *testing.T) {
	clk := newClock()
	c := newClient(t, eventsapitest.Config{Seed: 3, Now: clk.now, Backlog: eventsapitest.Each(25), Live: eventsapitest.Each(1.0)})
	first := c.fetch(audits, from(longAgo, 10))
	require.Len(t, first.Items, 10)
	again := c.fetch(audits, follow(first.Cursor))
	assert.Equal(t, again.body, c.fetch(audits, follow(first.Cursor)).body, "a cursor may be used again")
	assert.Len(t, again.Items, 10, "it remembers the limit")
	with := c.fetch(audits, fmt.Sprintf(`{"cursor":%q,"limit":1,"start_time":"x"}`, first.Cursor))
	assert.Equal(t, again.body, with.body, "it wins over other keys")

	_, end := c.drain(audits, from(longAgo, 10))
	idle := c.fetch(audits, follow(end))
	assert.Equal(t, end, idle.Cursor, "it stands while nothing is new")
	assert.Contains(t, idle.body, `"items":[]`)
	assert.False(t, idle.HasMore)
	clk.advance(time.Second)
	fresh := c.fetch(audits, follow(end))
	assert.Len(t, fresh.Items, 1)
	assert.NotEqual(t, end, fresh.Cursor)

	assert.Equal(t, http.StatusBadRequest, c.fetch(usages, follow(end)).status, "of another stream")
	c.token = c.srv.Token(eventsapitest.WithAccount("ANOTHERACCOUNT"))
	assert.Equal(t, http.StatusBadRequest, c.fetch(audits, follow(end)).status, "of another account")
	assert.Equal(t, http.StatusOK, c.fetch(audits, from(longAgo, 1)).status)

	twin := newClient(t, eventsapitest.Config{Seed: 3, Now: clk.now, Backlog: eventsapitest.Each(25), Live: eventsapitest.Each(1.0), Epoch: epoch})
	assert.Equal(t, fresh.body, twin.fetch(audits, follow(end)).body, "an equal simulator goes on")
	stranger := newClient(t, eventsapitest.Config{Seed: 4, Now: clk.now, Backlog: eventsapitest.Each(25)})
	assert.Equal(t, http.StatusBadRequest, stranger.fetch(audits, follow(end)).status)

	raw, err := base64.RawURLEncoding.DecodeString(end)
	require.NoError(t, err)
	raw[len(raw)-1] ^= 1
	assert.Equal(t, http.StatusBadRequest, c.fetch(audits, follow(base64.RawURLEncoding.EncodeToString(raw))).status, "changed")
}

func TestEmptyPageAfterHasMore(t *testing.T) {
	c := newClient(t, eventsapitest.Config{Now: fixed, Backlog: eventsapitest.Each(5), EmptyTail: 1})
	a := c.fetch(audits, from(longAgo, 10))
	assert.Len(t, a.Items, 5)
	assert.True(t, a.HasMore)
	b := c.fetch(audits, follow(a.Cursor))
	assert.Empty(t, b.Items)
	assert.False(t, b.HasMore)
	assert.Equal(t, a.Cursor, b.Cursor)
}

func TestMillionsOfEventsAreReachable(t *testing.T) {
	c := newClient(t, eventsapitest.Config{Now: fixed, Backlog: eventsapitest.Each(20_000_000)})
	a := c.fetch(usages, from(epoch.Add(-time.Second), 1000))
	assert.NotEmpty(t, a.Items)
	assert.Equal(t, 20_000_000, c.srv.Total(usages))
}

func TestPathsAndMethods(t *testing.T) {
	c := newClient(t, eventsapitest.Config{Now: fixed})
	for _, r := range [][2]string{
		{"GET", "/api/v2/auditevents"}, {"POST", "/api/v3/auditevents"}, {"POST", "/api/v2/users"}, {"POST", "/"},
		{"GET", "/api/v1/auth/introspect"}, {"POST", "/api/v2/auth/introspect"}, {"POST", "/api/v2/introspect"},
	} {
		a := c.do(r[0], r[1], "{}")
		assert.Equal(t, http.StatusNotFound, a.status, r)
		assert.Equal(t, "404 page not found\n", a.body)
	}
}
