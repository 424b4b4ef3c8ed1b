// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Tokens and base URLs as people paste them.

package eventsapi

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// jwt makes a token with the given claims and an invalid signature.
func jwt(claims string) string {
	return "eyJhbGciOiJFUzI1NiJ9." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
}

func TestParseToken(t *testing.T) {
	got, err := ParseToken(" " + jwt(`{"aud":["events.Example.com"],"1password.com/fts":["auditevents","itemusages"],"1password.com/auuid":"ACC","sub":"SUB","iat":1767323045,"exp":1767323045.5,"iss":"com.1password.b5"}`) + "\n")
	require.NoError(t, err)
	issued := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	assert.Equal(t, Claims{Server: "https://events.example.com", Features: []string{"auditevents", "itemusages"}, AccountUUID: "ACC", Subject: "SUB",
		IssuedAt: issued, ExpiresAt: issued.Add(500 * time.Millisecond)}, got)
}

func TestParseTokenOptionalClaims(t *testing.T) {
	tests := map[string]Claims{
		`{"aud":"events.example.com"}`:                                                    {Server: "https://events.example.com"},
		`{"aud":["127.0.0.1:4711"]}`:                                                      {Server: "https://127.0.0.1:4711"},
		`{"aud":["[2001:db8::1]:443"]}`:                                                   {Server: "https://[2001:db8::1]:443"},
		`{"aud":["e.example.com"],"1password.com/fts":[]}`:                                {Server: "https://e.example.com", Features: []string{}},
		`{"aud":["e.example.com"],"1password.com/fts":"all","sub":7,"exp":"x"}`:           {Server: "https://e.example.com"},
		`{"aud":["e.example.com"],"exp":1e300,"iat":-5}`:                                  {Server: "https://e.example.com"},
		`{"aud":["e.example.com"],"exp":null,"iat":0,"1password.com/fts":null}`:           {Server: "https://e.example.com"},
		`{"aud":["e.example.com"],"1password.com/fts":["a",7],"1password.com/auuid":"A"}`: {Server: "https://e.example.com", AccountUUID: "A"},
	}
	for claims, want := range tests {
		got, err := ParseToken(jwt(claims))
		require.NoError(t, err, claims)
		assert.Equal(t, want, got, claims)
	}
}

func TestParseTokenRejects(t *testing.T) {
	tests := map[string]string{
		"":                                  "is empty",
		"secret":                            "this one has 1",
		"secret.secret.secret.s.s":          "this one has 5",
		"a.====c.c":                         "not base64",
		"a.c2VjcmV0.c":                      "not a JSON object",
		jwt(`null`):                         "not a JSON object",
		jwt(`[]`):                           "not a JSON object",
		jwt(`{}`):                           "names no server",
		jwt(`{"aud":7}`):                    "names no server",
		jwt(`{"aud":null}`):                 "names 0 servers",
		jwt(`{"aud":[]}`):                   "names 0 servers",
		jwt(`{"aud":["a","b"]}`):            "names 2 servers",
		jwt(`{"aud":["secret x"]}`):         "not a host name",
		jwt(`{"aud":["a/secret"]}`):         "not a host name",
		jwt(`{"aud":["u:secret@a"]}`):       "not a host name",
		jwt(`{"aud":["https://a"]}`):        "not a host name",
		jwt(`{"aud":[""]}`):                 "not a host name",
		jwt(`{"aud":["a:0"]}`):              "not a host name",
		jwt(`{"aud":["a..b"]}`):             "not a host name",
		jwt(`{"aud":["-a"]}`):               "not a host name",
		jwt(`{"aud":["[fe80::1%25eth0]"]}`): "not a host name",
		jwt(`{"aud":["` + strings.Repeat("a.", 200) + `"]}`): "not a host name",
		strings.Repeat("a", 1<<17):                           "this is not a token: it has",
	}
	for token, want := range tests {
		c, err := ParseToken(token)
		require.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error(), "secret")
		assert.Empty(t, c.Server)
	}
}

func TestParseTokenDeprecatedAudience(t *testing.T) {
	for _, aud := range []string{`"com.1password.streamingservice"`, `["com.1password.streamingservice"]`} {
		c, err := ParseToken(jwt(`{"aud":` + aud + `,"sub":"S","1password.com/fts":["auditevents"]}`))
		require.ErrorIs(t, err, ErrTokenNoURL)
		require.ErrorContains(t, err, "create a new token")
		assert.Equal(t, Claims{Subject: "S", Features: []string{"auditevents"}}, c, "what it says is still worth knowing")
	}
}

func FuzzParseToken(f *testing.F) {
	for _, seed := range []string{`{"aud":["events.example.com"],"exp":1e9}`, `{"aud":"a:1"}`, `{"aud":["[::1]:1"],"iat":1.5}`, `null`, `{"aud":["com.1password.streamingservice"]}`} {
		f.Add(seed, "x.y.z")
	}
	f.Fuzz(func(t *testing.T, claims, token string) {
		_, _ = ParseToken(token)
		c, err := ParseToken(jwt(claims))
		if err != nil {
			if c.Server != "" {
				t.Fatalf("a server and an error: %q, %v", c.Server, err)
			}
			return
		}
		if u, err := ValidateBaseURL(c.Server); err != nil || u.String() != c.Server {
			t.Fatalf("the server of a token is not a base URL: %q, %v", c.Server, err)
		}
	})
}

func TestValidateBaseURL(t *testing.T) {
	for raw, want := range map[string]string{
		"https://events.1password.com":     "https://events.1password.com",
		"https://Events.Example.com/\n":    "https://events.example.com",
		"HTTPS://events.example.com:8443/": "https://events.example.com:8443",
		"http://localhost:1":               "http://localhost:1",
		"http://127.1.2.3:8080":            "http://127.1.2.3:8080",
		"http://[::1]:8080/":               "http://[::1]:8080",
		"https://[2001:db8::1]":            "https://[2001:db8::1]",
	} {
		u, err := ValidateBaseURL(raw)
		require.NoError(t, err, raw)
		assert.Equal(t, want, u.String())
	}
	for raw, want := range map[string]string{
		"":                                "is empty",
		"events.example.com":              "write https://events.example.com",
		"localhost:8080":                  "write https://localhost:8080",
		"u:hunter2@x":                     "no scheme",
		"ftp://events.example.com":        "not https",
		"https://":                        "no valid host",
		"https://:443":                    "no valid host",
		"https://a b":                     "cannot be read",
		"https://a:99999":                 "no valid host",
		"https://u:hunter2@a.example.com": "remove it",
		"http://events.example.com":       "unencrypted: write https://events.example.com",
		"http://localhost.example.com":    "unencrypted",
		"http://192.0.2.1":                "unencrypted",
		"https://a.example.com/api":       "has a path: write https://a.example.com",
		"https://a.example.com?t=hunter2": "query or a fragment",
		"https://a.example.com?":          "query or a fragment",
		"https://a.example.com/#hunter2":  "query or a fragment",
		"https://a.example.com/#":         "query or a fragment",
		"https://a.example.com:443/%zz":   "cannot be read",
		"https://hunter2:x@[::1":          "cannot be read",
	} {
		_, err := ValidateBaseURL(raw)
		require.ErrorContains(t, err, want, raw)
		assert.NotContains(t, err.Error(), "hunter2")
	}
}

func TestKnownServers(t *testing.T) {
	for _, s := range KnownServers() {
		u, err := ValidateBaseURL(s.URL)
		require.NoError(t, err)
		assert.Equal(t, s.URL, fmt.Sprint(u))
		assert.NotEmpty(t, s.Region)
	}
}
