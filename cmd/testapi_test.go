// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// `test api` against the simulator.

package cmd

import (
	"io"
	"log"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	conf "github.com/elastic/elastic-agent-libs/config"
	"github.com/elastic/elastic-agent-libs/logp"

	"onepasswordbeat/config"
	"onepasswordbeat/internal/eventsapi/eventsapitest"
)

func TestTestAPI(t *testing.T) {
	events := eventsapitest.Config{Backlog: eventsapitest.Each(5)}
	gone := httptest.NewServer(nil)
	gone.Close()
	unknown := httptest.NewUnstartedServer(nil)
	unknown.Config.ErrorLog = log.New(io.Discard, "", 0) // of the handshakes that the client ends
	unknown.StartTLS()
	defer unknown.Close()
	tests := map[string]struct {
		api      eventsapitest.Config
		settings func(*eventsapitest.Server) map[string]any
		ok       bool
		lines    []string // parts of the output, in order
		absent   string
	}{
		"all is well": {events, nil, true, []string{
			"input acme", "✔ token read, it is for http://127.0.0.1", "✔ connected to the server (without TLS, loopback only); the token was accepted", "✔ account ",
			"✔ grants auditevents, itemusages, signinattempts", "✔ the token does not expire",
			"✔ audit_events: one event fetched, of 20", "✔ item_usages: one event", "✔ signin_attempts: one event",
		}, cross},
		"version 1": {events, func(s *eventsapitest.Server) map[string]any {
			return map[string]any{"token": s.Token(), "api_version": "v1", "event_types": []string{"item_usages"}}
		}, true, []string{"the token was accepted", "item_usages: one event fetched"}, "audit_events"},
		"an account without events": {eventsapitest.Config{}, nil, true, []string{"audit_events: allowed; the account has none in the last 120 days"}, cross},
		"expires":                   {events, tokenWith(eventsapitest.WithExpiry(time.Now().Add(100 * time.Hour))), true, []string{"✔ the token expires at ", "in 4 days"}, cross},
		"expired, still accepted": {events, tokenWith(eventsapitest.WithExpiry(time.Now().Add(-time.Hour))), false, []string{
			"✖", "expired", "→ create a new token at 1Password",
		}, ""},
		"rejected": {events, func(s *eventsapitest.Server) map[string]any {
			token := s.Token()
			s.Revoke(token)
			return map[string]any{"token": token}
		}, false, []string{"✔ token read", "✖ 401 from ", "→ create a new token at 1Password", "https://events.1password.eu"}, "audit_events"},
		"two of three types": {events, tokenWith(eventsapitest.WithFeatures(eventsapitest.ItemUsages, eventsapitest.SignInAttempts)), false, []string{
			"✔ grants itemusages, signinattempts", "✖ audit_events: ", "does not grant this event type (auditevents)", "→ create a token that grants this event type, or remove it from `event_types`",
			"✔ item_usages", "✔ signin_attempts",
		}, ""},
		"server down": {events, func(*eventsapitest.Server) map[string]any { return map[string]any{"url": gone.URL, "token": "opaque"} }, false,
			[]string{"✔ token read, it is for " + gone.URL, "✖ ", "connection refused", "→ check the host and port in `url`, the firewall and `proxy_url`"}, "audit_events"},
		"no token file": {events, func(*eventsapitest.Server) map[string]any { return map[string]any{"token_file": "/no/such/token"} }, false,
			[]string{"input acme", "✖ no usable token", "/no/such/token", "→ check the path and permissions of `token_file`"}, "✔"},
		"no TLS": {events, func(s *eventsapitest.Server) map[string]any {
			return map[string]any{"url": strings.Replace(s.URL, "http:", "https:", 1), "token": "opaque"}
		}, false, []string{"✖ ", "the server does not speak TLS on this port", "→ check the scheme and the port of `url`"}, "audit_events"},
		"an unknown authority": {events, func(*eventsapitest.Server) map[string]any {
			return map[string]any{"url": unknown.URL, "token": "opaque"}
		}, false,
			[]string{"✖ ", "the certificate is signed by an unknown certificate authority", "→ check `url`; if a proxy inspects TLS, add its CA to `ssl.certificate_authorities`"}, "audit_events"},
		"an item that is not an event": {eventsapitest.Config{}, func(s *eventsapitest.Server) map[string]any {
			s.Publish(eventsapitest.AuditEvents, []byte(`{"uuid":7}`))
			return map[string]any{"token": s.Token(), "event_types": []string{"audit_events"}}
		}, false, []string{"✖ audit_events: an event came that can't be mapped", "→ "}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			srv := eventsapitest.StartTB(t, test.api)
			settings := map[string]any{"id": "acme", "url": srv.URL, "timeout": "5s"}
			if test.settings == nil {
				test.settings = tokenWith()
			}
			for k, v := range test.settings(srv) {
				settings[k] = v
			}
			cfg, err := config.Unpack(conf.MustNewConfigFrom(settings))
			require.NoError(t, err)
			var out writer
			assert.Equal(t, test.ok, testAPI(t.Context(), &out, cfg, logp.NewNopLogger()), "%s", out)
			rest := string(out)
			for _, line := range test.lines {
				_, after, found := strings.Cut(rest, line)
				require.True(t, found, "%q in its place in\n%s", line, out)
				rest = after
			}
			if test.absent != "" {
				assert.NotContains(t, string(out), test.absent)
			}
			assert.NotContains(t, string(out), "eyJ", "no token is shown")
		})
	}
}

// tokenWith makes settings with a token of these properties.
func tokenWith(options ...eventsapitest.TokenOption) func(*eventsapitest.Server) map[string]any {
	return func(s *eventsapitest.Server) map[string]any { return map[string]any{"token": s.Token(options...)} }
}
