// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Tests of tokens, introspection and rate limits.

package eventsapitest_test

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
)

func decode(tb testing.TB, part string) map[string]any {
	tb.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(part)
	require.NoError(tb, err)
	var m map[string]any
	require.NoError(tb, json.Unmarshal(raw, &m))
	return m
}

func TestTokenClaims(t *testing.T) {
	s := simulator(t, eventsapitest.Config{Now: fixed})
	parts := strings.Split(s.Token(eventsapitest.WithExpiry(epoch.Add(time.Hour)), eventsapitest.WithFeatures(audits)), ".")
	require.Len(t, parts, 3)
	header := decode(t, parts[0])
	assert.Equal(t, "ES256", header["alg"])
	assert.Equal(t, "JWT", header["typ"])
	assert.NotEmpty(t, header["kid"])
	c := decode(t, parts[1])
	assert.Equal(t, []any{"events.1password.com"}, c["aud"])
	assert.Equal(t, []any{"auditevents"}, c["1password.com/fts"])
	assert.Equal(t, s.ID(), c["1password.com/auuid"])
	assert.InDelta(t, float64(epoch.Add(time.Hour).Unix()), c["exp"], 0)
	for _, k := range []string{"sub", "iss", "jti", "iat"} {
		assert.NotEmpty(t, c[k], k)
	}
	assert.NotContains(t, decode(t, strings.Split(s.Token(), ".")[1]), "exp", "never expires")

	sig, err := base64.RawURLEncoding.DecodeString(parts[2])
	require.NoError(t, err)
	require.Len(t, sig, 64)
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	assert.True(t, ecdsa.Verify(eventsapitest.PublicKey(s), sum[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])))
}

func TestTokensRejected(t *testing.T) {
	clk := newClock()
	c := newClient(t, eventsapitest.Config{Seed: 1, Now: clk.now, StrictAudience: true})
	good := c.token
	status := func(token string) int {
		c.token = token
		return c.fetch(audits, "{}").status
	}
	assert.Equal(t, http.StatusOK, status(good))
	assert.Equal(t, http.StatusUnauthorized, status(""))
	assert.Equal(t, http.StatusUnauthorized, status("garbage"))
	assert.Equal(t, http.StatusUnauthorized, status("a.b.c"))
	head, sig, _ := strings.Cut(good, ".")
	payload, _, _ := strings.Cut(sig, ".")
	assert.Equal(t, http.StatusUnauthorized, status(head+"."+payload+"."+strings.Repeat("A", 86)), "wrong signature")
	assert.Equal(t, http.StatusUnauthorized, status(simulator(t, eventsapitest.Config{Seed: 2, Now: fixed}).Token()), "of a stranger")
	assert.Equal(t, http.StatusUnauthorized, status(c.srv.Token(eventsapitest.WithAudience("events.1password.eu"))), "wrong region")

	brief := c.srv.Token(eventsapitest.WithExpiry(epoch.Add(time.Minute)))
	assert.Equal(t, http.StatusOK, status(brief))
	clk.advance(time.Minute)
	assert.Equal(t, http.StatusUnauthorized, status(brief), "expired")

	c.srv.Revoke(good)
	assert.Equal(t, http.StatusUnauthorized, status(good), "revoked")
	assert.Equal(t, http.StatusOK, status(c.srv.Token()))
}

func TestFeatures(t *testing.T) {
	for _, forbidden := range []bool{false, true} {
		c := newClient(t, eventsapitest.Config{Now: fixed, Forbidden403: forbidden})
		want := http.StatusUnauthorized
		if forbidden {
			want = http.StatusForbidden
		}
		c.token = c.srv.Token(eventsapitest.WithFeatures(audits, signIns))
		assert.Equal(t, http.StatusOK, c.fetch(audits, "{}").status)
		assert.Equal(t, want, c.fetch(usages, "{}").status)
		c.srv.SetFeatures(c.token, usages)
		assert.Equal(t, want, c.fetch(audits, "{}").status)
		assert.Equal(t, http.StatusOK, c.fetch(usages, "{}").status)
		assert.Contains(t, c.do("GET", "/api/v2/auth/introspect", "").body, `"features":["itemusages"]`)
	}
}

func TestIntrospect(t *testing.T) {
	c := newClient(t, eventsapitest.Config{Now: fixed})
	var v1, v2 map[string]any
	require.NoError(t, json.Unmarshal([]byte(c.do("GET", "/api/auth/introspect", "").body), &v1))
	require.NoError(t, json.Unmarshal([]byte(c.do("GET", "/api/v2/auth/introspect", "").body), &v2))
	all := []any{"auditevents", "itemusages", "signinattempts"}
	sub := decode(t, strings.Split(c.token, ".")[1])["sub"]
	assert.Equal(t, map[string]any{"UUID": sub, "IssuedAt": "2026-02-28T12:00:00Z", "Features": all}, v1)
	assert.Equal(t, map[string]any{"uuid": sub, "issued_at": "2026-02-28T12:00:00Z", "features": all, "account_uuid": c.srv.ID()}, v2)
	c.token = "x"
	assert.Equal(t, http.StatusUnauthorized, c.do("GET", "/api/v2/auth/introspect", "").status)
}

func TestErrorForms(t *testing.T) {
	for form, want := range map[eventsapitest.ErrorForm]string{
		eventsapitest.ErrorNested: `{"Error":{"Message":"Unauthorized"}}`,
		eventsapitest.ErrorFlat:   `{"status":401,"message":"Unauthorized"}`,
		eventsapitest.ErrorText:   "Unauthorized",
		eventsapitest.ErrorEmpty:  "",
	} {
		c := newClient(t, eventsapitest.Config{Now: fixed, ErrorForm: form})
		c.token = ""
		assert.Equal(t, want, c.fetch(audits, "{}").body)
	}
}

func TestRateWindows(t *testing.T) {
	clk := newClock()
	c := newClient(t, eventsapitest.Config{Now: clk.now, PerMinute: 3, PerHour: 7})
	clk.advance(15*time.Second + time.Millisecond)
	ask := func(n int) (a answer) {
		for range n {
			a = c.fetch(audits, "{}")
		}
		return a
	}
	assert.Equal(t, http.StatusOK, ask(3).status)
	a := ask(1)
	assert.Equal(t, http.StatusTooManyRequests, a.status)
	assert.Equal(t, "45", a.header.Get("Retry-After"), "rounded up")
	clk.advance(45 * time.Second)
	assert.Equal(t, http.StatusOK, ask(3).status, "a new minute; the rejected one counts for the hour")
	other := c.token
	c.token = c.srv.Token()
	assert.Equal(t, http.StatusOK, ask(1).status, "another token has windows of its own")
	c.token = other
	clk.advance(time.Minute)
	a = ask(1)
	assert.Equal(t, http.StatusTooManyRequests, a.status, "the hour is used up")
	assert.Equal(t, "3480", a.header.Get("Retry-After"))
	clk.advance(58 * time.Minute)
	assert.Equal(t, http.StatusOK, ask(1).status)
}

func TestRetryAfterForms(t *testing.T) {
	for form, want := range map[eventsapitest.RetryAfterForm]string{
		eventsapitest.RetryAfterSeconds: "60",
		eventsapitest.RetryAfterDate:    "Sun, 01 Mar 2026 12:01:00 GMT",
		eventsapitest.RetryAfterAbsent:  "",
	} {
		c := newClient(t, eventsapitest.Config{Now: fixed, PerMinute: 1, RetryAfter: form})
		c.fetch(audits, "{}")
		a := c.fetch(audits, "{}")
		assert.Equal(t, http.StatusTooManyRequests, a.status)
		assert.Equal(t, want, a.header.Get("Retry-After"))
		assert.Equal(t, "Sun, 01 Mar 2026 12:00:00 GMT", a.header.Get("Date"), "the fake clock")
	}
}
