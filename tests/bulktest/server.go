// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The listener, and the way of a request.

package bulktest

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// Server is a small Elasticsearch. All methods may be called at any time from any
// goroutine.
type Server struct {
	URL string // http://127.0.0.1:port

	http     *http.Server
	handlers sync.WaitGroup

	mu           sync.Mutex
	down         bool
	docs         map[string]map[string]Doc // by index and _id
	rule         Rule
	failureStore bool // documents go to the failure store
	fault        Fault
	changed      chan struct{} // closed when fault is replaced
	bulks        int           // bulk requests begun
	open         int           // bulk requests being handled
	conflicts    int           // documents rejected because their _id was there
	rejected     int           // documents rejected by the rule
	overwrite    int           // documents that came with another operation than create
	templates    map[string]json.RawMessage
	policies     map[string]json.RawMessage
	pipelines    map[string]json.RawMessage
	denied       []privilege
	requests     []string // "METHOD /path", without bulk requests
}

// Start starts a server for the length of a test.
func Start(tb testing.TB) *Server {
	tb.Helper()
	ln, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	s := &Server{
		URL:       "http://" + ln.Addr().String(),
		docs:      map[string]map[string]Doc{},
		changed:   make(chan struct{}),
		templates: map[string]json.RawMessage{},
		policies:  map[string]json.RawMessage{},
		pipelines: map[string]json.RawMessage{},
	}
	s.http = &http.Server{
		Handler:           s.routes(),
		ReadHeaderTimeout: time.Minute,
		ErrorLog:          log.New(io.Discard, "", 0), // cut connections are wanted
	}
	served := make(chan error, 1)
	go func() { served <- s.http.Serve(ln) }()
	tb.Cleanup(func() {
		s.SetFault(nil) // frees requests that are stuck
		err := s.http.Close()
		if serr := <-served; !errors.Is(serr, http.ErrServerClosed) {
			err = errors.Join(err, serr)
		}
		s.handlers.Wait()
		if err != nil {
			tb.Errorf("close the bulk server: %v", err)
		}
	})
	return s
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /_bulk", s.serveBulk)
	mux.HandleFunc("PUT /_bulk", s.serveBulk)
	s.setupRoutes(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.handlers.Add(1)
		defer s.handlers.Done()
		w.Header().Set("X-Elastic-Product", "Elasticsearch")
		if s.isDown() {
			reset(w)
		}
		mux.ServeHTTP(w, r)
	})
}

// reset ends the connection as a host without a listener does, as far as a
// listener can.
func reset(w http.ResponseWriter) {
	if h, ok := w.(http.Hijacker); ok {
		if conn, _, err := h.Hijack(); err == nil {
			if tcp, ok := conn.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0)
			}
			_ = conn.Close()
		}
	}
	panic(http.ErrAbortHandler)
}

// Down makes every connection be reset, or not any longer.
func (s *Server) Down(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

func (s *Server) isDown() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.down
}

// Requests are all requests but the bulk ones, as "METHOD /path", oldest first.
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.requests...)
}

// SetFault makes bulk requests meet a fault from now on; nil ends it. Requests
// that are stuck in the fault before it are cut.
func (s *Server) SetFault(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
	close(s.changed)
	s.changed = make(chan struct{})
}

// begin counts a bulk request, and returns the fault it meets and a context that
// ends with the request or when the fault is replaced.
func (s *Server) begin(r *http.Request) (Fault, context.Context, func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bulks++
	s.open++
	ctx, cancel := context.WithCancel(r.Context())
	changed := s.changed
	go func() {
		select {
		case <-changed:
			cancel()
		case <-ctx.Done():
		}
	}()
	return s.fault, ctx, func() {
		cancel()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.open--
	}
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client may have left
}
