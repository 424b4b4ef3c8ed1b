// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// How it connects: TLS, a proxy, no redirects.

package cel

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
)

func TestTLS(t *testing.T) {
	r := newRig(t, "audit_events", eventsapitest.Config{Seed: 50, Backlog: eventsapitest.Each(10), TLS: true}, nil)
	f := r.start()
	f.says("certificate")
	f.stop()
	r.config["resource.ssl"] = render(t, celInput, "audit_events", M{"ssl": fmt.Sprintf("certificate_authorities: [%q]", r.api.CAFile)})["resource.ssl"]
	r.start().complete()
}

// TestServerOfTheToken: without a choice the token goes to the server that it names.
func TestServerOfTheToken(t *testing.T) {
	own := M{"url": "token", "url_override": nil}
	r := newRig(t, "audit_events", eventsapitest.Config{Seed: 54, Backlog: eventsapitest.Each(10), TLS: true}, own)
	r.config["resource.ssl"] = render(t, celInput, "audit_events", M{"ssl": fmt.Sprintf("certificate_authorities: [%q]", r.api.CAFile)})["resource.ssl"]
	f := r.start()
	f.complete()
	f.until("the cursor in the registry", func() bool { return r.stored().Cursor.Next != "" })
	f.stop()
	assert.Equal(t, r.api.URL, r.stored().Cursor.Server)

	// The same server, now chosen: the cursor is good.
	before := len(r.requests())
	state := r.config["state"].(M) //nolint:errcheck // the template's
	state["server"] = r.api.URL
	r.start().until("a request", func() bool { return len(r.requests()) > before })
	assert.NotEmpty(t, r.requests()[before].Cursor)
}

// TestAnotherServer: it gets no cursor of the one before.
func TestAnotherServer(t *testing.T) {
	r := newRig(t, "audit_events", eventsapitest.Config{Seed: 55, Backlog: eventsapitest.Each(10)}, nil)
	f := r.start()
	f.complete()
	f.until("the cursor in the registry", func() bool { return r.stored().Cursor.Next != "" })
	f.stop()
	r.api = eventsapitest.StartTB(t, eventsapitest.Config{Seed: 55, Backlog: eventsapitest.Each(20)})
	state := r.config["state"].(M) //nolint:errcheck // the template's
	state["server"] = r.api.URL
	r.start().complete()
	assert.Contains(t, r.requests()[0].Body, "start_time")
}

// TestUnusableSettings: one message, no request.
func TestUnusableSettings(t *testing.T) {
	for says, c := range map[string]struct {
		set   M
		token []eventsapitest.TokenOption // made so; nil: nothing that looks like a token
	}{
		"the token cannot be read":           {M{"url": "token", "url_override": nil}, nil},
		"of an old kind":                     {M{"url": "token", "url_override": nil}, []eventsapitest.TokenOption{eventsapitest.WithAudience(eventsapitest.DeprecatedAudience)}},
		"does not name its server":           {M{"url": "token", "url_override": nil}, []eventsapitest.TokenOption{eventsapitest.WithAudience()}},
		"the server's URL is not usable":     {M{"url_override": "http://events.example.com"}, nil},
		"the initial interval is not usable": {M{"initial_interval": "1 month"}, nil},
		"the page limit is not usable":       {M{"limit": 5000}, nil},
	} {
		t.Run(says, func(t *testing.T) {
			r := newRig(t, "audit_events", eventsapitest.Config{Seed: 56, Backlog: eventsapitest.Each(10)}, c.set)
			r.pauses(300)
			state := r.config["state"].(M) //nolint:errcheck // the template's
			state["token"] = "not-a-token"
			if c.token != nil {
				state["token"] = r.api.Token(c.token...)
			}
			f := r.start()
			f.says(says)
			assert.Never(t, func() bool { return len(f.errors("")) > 1 }, time.Second, 50*time.Millisecond)
			assert.Empty(t, r.api.Requests())
			assert.Zero(t, r.es.Count(""), "an error is not a document")
		})
	}
}

func TestProxy(t *testing.T) {
	var passed, rejected atomic.Int64
	forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.Out.Host = r.In.URL.Host }}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Proxy-Authorization") != "Basic dXNlcjpwQHNz" { // user:p@ss
			rejected.Add(1)
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		passed.Add(1)
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	r := newRig(t, "audit_events", eventsapitest.Config{Seed: 51, Backlog: eventsapitest.Each(10)},
		M{"proxy_url": "http://user:p%40ss@" + proxy.Listener.Addr().String()})
	f := r.start()
	f.complete()
	assert.Positive(t, passed.Load())
	assert.Zero(t, rejected.Load())
}

// TestRateLimit: the template's own limit, under which three streams share what a token has.
func TestRateLimit(t *testing.T) {
	r := newRig(t, "audit_events", eventsapitest.Config{Seed: 53, Backlog: eventsapitest.Each(400)}, M{"limit": 10})
	limit := render(t, celInput, "audit_events", nil)["resource.rate_limit"].(M) //nolint:errcheck // a test
	r.config["resource.rate_limit"] = limit
	perSecond, burst := limit["limit"].(float64), limit["burst"].(int) //nolint:errcheck // a test
	assert.Less(t, 3*(perSecond*60+float64(burst)), 600.0)
	assert.Less(t, 3*(perSecond*3600+float64(burst)), 30_000.0)

	r.start().complete()
	requests := r.requests()
	const n = 39 // of 40 pages
	require.Greater(t, len(requests), n)
	assert.Greater(t, requests[n].At.Sub(requests[0].At).Seconds(), float64(n-burst)/perSecond*0.9)
}

// TestRedirect: the token goes to no other server.
func TestRedirect(t *testing.T) {
	for status, says := range map[int]string{
		http.StatusFound:             "stopped after 0 redirects",
		http.StatusTemporaryRedirect: "the request was rejected (307)",
	} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			var other atomic.Int64
			elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { other.Add(1) }))
			t.Cleanup(elsewhere.Close)
			redirect := httptest.NewServer(http.RedirectHandler(elsewhere.URL, status))
			t.Cleanup(redirect.Close)
			f := newRig(t, "audit_events", eventsapitest.Config{Seed: 52}, M{"url_override": redirect.URL}).start()
			f.says(says)
			assert.Zero(t, other.Load())
		})
	}
}
