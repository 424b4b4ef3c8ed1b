// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// An HTTP proxy.

package receivertest

import (
	"bytes"
	"encoding/base64"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"sync"
	"testing"
	"time"
)

// Proxy is an HTTP proxy that asks for a user and a password, with CONNECT for
// what is encrypted and plain requests for the rest. It leads to addresses of
// this machine only.
type Proxy struct {
	Addr string // host:port

	credentials string // Proxy-Authorization
	routes      map[string]string
	tunnels     sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	conns    []net.Conn
	rejected int
	passed   []string
}

// StartProxy starts a proxy for the length of a test. routes are the addresses
// behind names, as "events.example.com:443"; what is not in it is its own address.
func StartProxy(tb testing.TB, user, password string, routes map[string]string) *Proxy {
	tb.Helper()
	ln := listen(tb)
	p := &Proxy{
		Addr:        ln.Addr().String(),
		credentials: "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password)),
		routes:      routes,
	}
	srv := &http.Server{Handler: p, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0)}
	var serving sync.WaitGroup
	serving.Go(func() { _ = srv.Serve(ln) })
	tb.Cleanup(func() {
		_ = srv.Close()
		serving.Wait()
		p.cutAll()
		p.tunnels.Wait()
	})
	return p
}

func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	allowed := r.Header.Get("Proxy-Authorization") == p.credentials
	p.note(allowed, r.Method+" "+r.Host)
	if !allowed {
		w.Header().Set("Proxy-Authenticate", `Basic realm="proxy"`)
		http.Error(w, "authentication required", http.StatusProxyAuthRequired)
		return
	}
	if r.Method == http.MethodConnect {
		p.connect(w, r)
		return
	}
	forward := httputil.ReverseProxy{
		Rewrite:  func(pr *httputil.ProxyRequest) { pr.Out.URL.Host = p.address(r.Host) },
		ErrorLog: log.New(io.Discard, "", 0),
	}
	forward.ServeHTTP(w, r)
}

// connect opens a tunnel.
func (p *Proxy) connect(w http.ResponseWriter, r *http.Request) {
	target, err := new(net.Dialer).DialContext(r.Context(), "tcp", p.address(r.Host))
	if err != nil {
		http.Error(w, "no such host", http.StatusBadGateway)
		return
	}
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		_ = target.Close()
		return
	}
	client, buffered, err := hijacker.Hijack()
	if err != nil {
		_ = target.Close()
		return
	}
	p.keep(client, target)
	early, _ := buffered.Peek(buffered.Reader.Buffered())
	_, _ = io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n")
	p.tunnels.Go(func() { pipe(target, io.MultiReader(bytes.NewReader(early), client), client) })
	p.tunnels.Go(func() { pipe(client, target, target) })
}

// pipe copies until one side ends, and closes both then.
func pipe(to net.Conn, from io.Reader, source net.Conn) {
	_, _ = io.Copy(to, from) // how a tunnel ends says nothing
	_ = to.Close()
	_ = source.Close()
}

func (p *Proxy) address(host string) string {
	if a, ok := p.routes[host]; ok {
		return a
	}
	return host
}

func (p *Proxy) keep(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns = append(p.conns, conns...)
	if p.closed {
		for _, c := range conns {
			_ = c.Close()
		}
	}
}

func (p *Proxy) cutAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, c := range p.conns {
		_ = c.Close()
	}
}

func (p *Proxy) note(allowed bool, what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if allowed {
		p.passed = append(p.passed, what)
	} else {
		p.rejected++
	}
}

// Passed are the requests that were let through, as "CONNECT host:port".
func (p *Proxy) Passed() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.passed...)
}

// Rejected is how many requests were rejected for their credentials.
func (p *Proxy) Rejected() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rejected
}
