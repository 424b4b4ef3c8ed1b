// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Where the token may stand.

package cel

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
)

// filesWith are the files below a folder that hold a text.
func filesWith(t *testing.T, dir, text string) (names []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		if strings.Contains(string(raw), text) {
			names = append(names, filepath.Base(path))
		}
		return err
	}))
	return names
}

// TestTokenIsNotLogged: not in the debug log, with errors, nor in the registry.
func TestTokenIsNotLogged(t *testing.T) {
	r := newRig(t, "audit_events", eventsapitest.Config{Seed: 30, Backlog: eventsapitest.Each(10)}, nil)
	r.debug = true
	r.api.Script(eventsapitest.HTTPStatus(401), eventsapitest.Fault{Kind: eventsapitest.Reset}, eventsapitest.Fault{Kind: eventsapitest.Garbage})
	f := r.start()
	f.complete()
	f.says("is not a page of events")
	f.stop()
	state := r.config["state"].(M)   //nolint:errcheck // the template's
	token := state["token"].(string) //nolint:errcheck // the template's
	require.NotEmpty(t, token)
	assert.Positive(t, f.log.Count("request state"), "the log has the state")
	assert.NotContains(t, f.log.Text(), token)
	assert.Equal(t, []string{"filebeat.yml"}, filesWith(t, r.home, token))
}

// TestProxyPasswordIsNotLogged: nor the password of a proxy that rejects, is not there, or
// was written without a scheme.
func TestProxyPasswordIsNotLogged(t *testing.T) {
	const password = "p4ss-of-the-proxy"
	rejecting := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusProxyAuthRequired) }))
	t.Cleanup(rejecting.Close)
	gone := httptest.NewServer(nil)
	gone.Close()
	for name, c := range map[string]struct{ scheme, host, server, says string }{
		"rejected":            {"http://", rejecting.Listener.Addr().String(), "", "the request was rejected (407)"},
		"rejected, encrypted": {"http://", rejecting.Listener.Addr().String(), "https://events.example.com", "Proxy Authentication Required"},
		"gone":                {"http://", gone.Listener.Addr().String(), "", "connection refused"},
		"no scheme":           {"", gone.Listener.Addr().String(), "", "there was no answer"},
	} {
		t.Run(name, func(t *testing.T) {
			set := M{"proxy_url": c.scheme + "user:" + password + "@" + c.host}
			if c.server != "" {
				set["url_override"] = c.server
			}
			r := newRig(t, "audit_events", eventsapitest.Config{Seed: 32}, set)
			r.debug = true
			f := r.start()
			f.says(c.says)
			f.stop()
			assert.NotContains(t, f.log.Text(), password)
			assert.Equal(t, []string{"filebeat.yml"}, filesWith(t, r.home, password))
		})
	}
}

// TestRequestTracer: it writes what is sent, the token included. Its description says so.
func TestRequestTracer(t *testing.T) {
	r := newRig(t, "audit_events", eventsapitest.Config{Seed: 31, Backlog: eventsapitest.Each(10)}, M{"enable_request_tracer": true})
	f := r.start()
	f.complete()
	f.stop()
	traces, err := filepath.Glob(filepath.Join(r.home, "logs", "cel", "http-request-trace-*.ndjson"))
	require.NoError(t, err)
	require.Len(t, traces, 1)
	state := r.config["state"].(M)                                                              //nolint:errcheck // the template's
	assert.Contains(t, filesWith(t, r.home, state["token"].(string)), filepath.Base(traces[0])) //nolint:errcheck // the template's
}
