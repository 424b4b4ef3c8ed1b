// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The API and Elasticsearch behind an HTTP proxy.

package outputs_test

import (
	"encoding/base64"
	"io"
	"log"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/tests/beattest"
	"onepasswordbeat/tests/bulktest"
	"onepasswordbeat/tests/receivertest"
)

const (
	apiHost       = "events.example.com"
	proxyUser     = "collector"
	proxyPassword = "p%40ss-w0rd" // as in a URL
	plainPassword = "p@ss-w0rd"
)

// namedAPI is an API with TLS that answers to apiHost, and its address.
func namedAPI(t *testing.T, ca *receivertest.CA) (*eventsapitest.Simulator, string) {
	t.Helper()
	api, err := eventsapitest.New(eventsapitest.Config{Seed: 7, Backlog: eventsapitest.Each(each), Host: apiHost})
	require.NoError(t, err)
	srv := httptest.NewUnstartedServer(api)
	srv.TLS = ca.Server(apiHost)
	srv.EnableHTTP2 = true
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return api, srv.Listener.Addr().String()
}

func TestAPIThroughProxy(t *testing.T) {
	for name, setting := range map[string]func(*beattest.Home, string) M{
		"proxy_url": func(_ *beattest.Home, url string) M { return M{"proxy_url": url} },
		"HTTPS_PROXY": func(h *beattest.Home, url string) M {
			h.Env = append(h.Env, "HTTPS_PROXY="+url)
			return nil
		},
		"https_proxy": func(h *beattest.Home, url string) M {
			h.Env = append(h.Env, "https_proxy="+url, "no_proxy=internal.example.com")
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ca := receivertest.NewCA(t)
			api, addr := namedAPI(t, ca)
			proxy := receivertest.StartProxy(t, proxyUser, plainPassword, map[string]string{apiHost + ":443": addr})
			h := beattest.NewHome(t)
			in := input("", api.Token(), setting(h, "http://"+proxyUser+":"+proxyPassword+"@"+proxy.Addr),
				M{"ssl": M{"certificate_authorities": []string{ca.File}}})
			delete(in, "url") // the token names the server
			h.Configure(beattest.Config{Inputs: []M{in}, Output: beattest.FileOutput(h)})
			beat := h.Start()
			waitDelivered(beat, api.Account, written{h}, soon)
			stop(t, beat)
			assert.Zero(t, assertDelivered(t, api.Account, written{h}))
			assert.Contains(t, proxy.Passed(), "CONNECT "+apiHost+":443")
			assert.NotContains(t, beat.Log.Text(), "ss-w0rd")
		})
	}
}

// written are the events in a home's files.
type written struct{ home *beattest.Home }

func (w written) Len() int { return len(w.home.Events()) }

func (w written) Events() []receivertest.Event {
	list := w.home.Events()
	events := make([]receivertest.Event, len(list))
	for i, e := range list {
		events[i] = receivertest.Event{ID: e.Meta.ID, Raw: e.Raw}
	}
	return events
}

// A proxy that rejects: the log says who rejects what, without the password, and
// once it lets the beat through everything arrives without a restart.
func TestProxyRejectsRequestsToTheAPI(t *testing.T) {
	t.Parallel()
	ca := receivertest.NewCA(t)
	api, addr := namedAPI(t, ca)
	proxy := receivertest.StartProxy(t, proxyUser, plainPassword, map[string]string{apiHost + ":443": addr})
	h := beattest.NewHome(t)
	h.Configure(beattest.Config{
		Inputs: []M{input("https://"+apiHost, api.Token(), M{
			"proxy_url": "http://" + proxyUser + ":wr0ng-w0rd@" + proxy.Addr,
			"ssl":       M{"certificate_authorities": []string{ca.File}},
		})},
		Output: beattest.FileOutput(h),
	})
	beat := h.Start()
	line := beat.WaitLog("Degraded", soon)
	t.Log(line.Message)
	assert.Contains(t, line.Message, "the proxy requires a user name and password; set the user name and password in `proxy_url`")
	stop(t, beat)
	assert.NotContains(t, beat.Log.Text(), "wr0ng-w0rd")
	assert.Positive(t, proxy.Rejected())
	assert.Empty(t, proxy.Passed())
	cursorsHeld(t, h)

	test := h.Command("test", "config")
	assert.NotContains(t, test.All(), "wr0ng-w0rd")
}

// The user and password of the output's proxy go into proxy_headers: libbeat logs
// the output's proxy_url as it is.
func TestElasticsearchThroughProxy(t *testing.T) {
	t.Parallel()
	const host = "search.example.com"
	ca := receivertest.NewCA(t)
	es := bulktest.Start(t)
	secure := httptest.NewUnstartedServer(httputil.NewSingleHostReverseProxy(parse(t, es.URL)))
	secure.TLS = ca.Server(host)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	proxy := receivertest.StartProxy(t, proxyUser, plainPassword, map[string]string{host + ":9200": secure.Listener.Addr().String()})
	credentials := base64.StdEncoding.EncodeToString([]byte(proxyUser + ":" + plainPassword))
	srv := beattest.Backlog(t, each)
	h := home(t, srv, M{"elasticsearch": M{
		"hosts": []string{"https://" + host + ":9200"}, "backoff": quickly(),
		"ssl":           M{"certificate_authorities": []string{ca.File}},
		"proxy_url":     "http://" + proxy.Addr,
		"proxy_headers": M{"Proxy-Authorization": "Basic " + credentials},
	}})
	beat := h.Start()
	want := beattest.Expected(srv.Account)
	beat.Until(soon, "every event is indexed", func() bool { return es.Count("") >= len(want) })
	stop(t, beat)
	for _, id := range es.IDs() {
		assert.NotEmpty(t, want[id])
	}
	assert.Contains(t, proxy.Passed(), "CONNECT "+host+":9200")
	assert.NotContains(t, beat.Log.Text(), credentials)
}

func parse(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	require.NoError(t, err)
	return u
}
