// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The proxy before a node that is a plain HTTP server here.

package estest

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// behindProxy starts a proxy before a handler, and fails the test when goroutines of it are left at the end.
func behindProxy(t *testing.T, handler http.HandlerFunc) *proxy {
	t.Helper()
	before := runtime.NumGoroutine()
	server := httptest.NewServer(handler)
	p, err := newProxy(V8, "default", nil, &http.Transport{})
	require.NoError(t, err)
	p.setTarget(strings.TrimPrefix(server.URL, "http://"))
	t.Cleanup(func() {
		require.NoError(t, p.close())
		server.Close()
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()                   //nolint:errcheck // it is one
		require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+1 }, // the condition has one of its own
			5*time.Second, 10*time.Millisecond, "goroutines left")
	})
	return p
}

// ask sends a request through the proxy.
func ask(t *testing.T, p *proxy, method, path string, body io.Reader) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, p.url+path, body)
	require.NoError(t, err)
	return http.DefaultClient.Do(req)
}

func TestProxyStreams(t *testing.T) {
	p := behindProxy(t, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		in := bufio.NewReader(r.Body)
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			_, _ = fmt.Fprint(w, "seen ", line)
			_ = http.NewResponseController(w).Flush()
		}
	})
	body, feed := io.Pipe()
	go func() { _, _ = io.WriteString(feed, "one\n") }()
	res, err := ask(t, p, http.MethodPost, "/_bulk", body)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	out := bufio.NewReader(res.Body)
	line, err := out.ReadString('\n')
	require.NoError(t, err)
	assert.Equal(t, "seen one\n", line, "an answer before the request's end")
	require.NoError(t, feed.Close())
	_, err = io.Copy(io.Discard, out)
	require.NoError(t, err)
}

func TestProxyServesManyAtOnce(t *testing.T) {
	const many = 20
	var all sync.WaitGroup // of the requests that have arrived
	all.Add(many)
	p := behindProxy(t, func(w http.ResponseWriter, r *http.Request) {
		all.Done()
		all.Wait()
		_, _ = fmt.Fprint(w, r.URL.RawQuery)
	})
	var clients sync.WaitGroup
	for i := range many {
		clients.Go(func() {
			res, err := ask(t, p, http.MethodGet, fmt.Sprintf("/x?n=%d", i), nil)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = res.Body.Close() }()
			body, err := io.ReadAll(res.Body)
			assert.Equal(t, fmt.Sprintf("n=%d", i), string(body), "%v", err)
		})
	}
	clients.Wait()
}

func TestProxyBreaksConnectionsOfADeadNode(t *testing.T) {
	p := behindProxy(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	for _, target := range []string{p.address(), "", "127.0.0.1:1"} {
		p.setTarget(target)
		for _, path := range []string{"/", "/_bulk", "/_ilm/policy/x", "/_index_template/x"} {
			res, err := ask(t, p, http.MethodPut, path, strings.NewReader("{}"))
			if err == nil {
				_ = res.Body.Close()
			}
			require.Error(t, err, "%s with target %q", path, target)
		}
	}
}
