// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What libbeat asks for besides bulk requests.

package bulktest

import (
	"encoding/json"
	"net/http"
	"strings"
)

// Version is the version that the server says it has.
const Version = "8.18.0"

type privilege struct{ method, prefix string }

// Deny answers 403 to a method for paths with a prefix.
func (s *Server) Deny(method, prefix string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.denied = append(s.denied, privilege{method, prefix})
}

// Allow ends all that Deny began.
func (s *Server) Allow() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.denied = nil
}

// Template is an index template's body; nil if it is not there.
func (s *Server) Template(name string) json.RawMessage { return s.look(s.templates, name) }

// Policy is an ILM policy's body; nil if it is not there.
func (s *Server) Policy(name string) json.RawMessage { return s.look(s.policies, name) }

// Pipeline is an ingest pipeline's body; nil if it is not there. Documents do not
// go through it.
func (s *Server) Pipeline(name string) json.RawMessage { return s.look(s.pipelines, name) }

// PutTemplate puts an index template there, as a user does.
func (s *Server) PutTemplate(name string, body json.RawMessage) { s.put(s.templates, name, body) }

// PutPolicy puts an ILM policy there, as a user does.
func (s *Server) PutPolicy(name string, body json.RawMessage) { s.put(s.policies, name, body) }

func (s *Server) look(store map[string]json.RawMessage, name string) json.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return store[name]
}

func (s *Server) put(store map[string]json.RawMessage, name string, body json.RawMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	store[name] = body
}

func (s *Server) setupRoutes(mux *http.ServeMux) {
	handle := func(pattern string, h http.HandlerFunc) { mux.HandleFunc(pattern, s.guarded(h)) }
	handle("/", func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, http.StatusBadRequest, map[string]any{
			"error": "no handler found for uri [" + r.URL.Path + "] and method [" + r.Method + "]",
		})
	})
	handle("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{
			"name": "node-1", "cluster_name": "test", "cluster_uuid": "hFvJYmd0S6eG4yZ0PpQ1xA",
			"version": map[string]any{"number": Version, "build_flavor": "default"},
			"tagline": "You Know, for Search",
		})
	})
	handle("GET /_license", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{"license": map[string]any{
			"status": "active", "uid": "9c6d1b7e-0e4f-4b64-8c11-6f1f0c1f2a10", "type": "basic",
		}})
	})
	handle("/_index_template/{name}", s.stored(s.templates, func(name string, body json.RawMessage) any {
		return map[string]any{"index_templates": []any{map[string]any{"name": name, "index_template": body}}}
	}))
	handle("/_ilm/policy/{name}", s.stored(s.policies, func(name string, body json.RawMessage) any {
		return map[string]any{name: body}
	}))
	handle("/_ingest/pipeline/{name}", s.stored(s.pipelines, func(name string, body json.RawMessage) any {
		return map[string]any{name: body}
	}))
}

// guarded notes a request, and answers 403 to what is denied.
func (s *Server) guarded(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.requests = append(s.requests, r.Method+" "+r.URL.Path)
		denied := false
		for _, p := range s.denied {
			denied = denied || p.method == r.Method && strings.HasPrefix(r.URL.Path, p.prefix)
		}
		s.mu.Unlock()
		if denied {
			writeJSON(w, http.StatusForbidden, problem(http.StatusForbidden, "security_exception",
				"action ["+r.Method+" "+r.URL.Path+"] is unauthorized for user [writer] with effective roles [writer]"))
			return
		}
		h(w, r)
	}
}

// stored serves things that have a name: HEAD, GET, PUT.
func (s *Server) stored(store map[string]json.RawMessage, show func(string, json.RawMessage) any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("name")
		switch r.Method {
		case http.MethodGet, http.MethodHead:
			if body := s.look(store, name); body != nil {
				writeJSON(w, http.StatusOK, show(name, body))
				return
			}
			writeJSON(w, http.StatusNotFound, problem(http.StatusNotFound, "resource_not_found_exception", "["+name+"] not found"))
		case http.MethodPut:
			body, err := readBody(r)
			if err != nil || !json.Valid(body) {
				writeJSON(w, http.StatusBadRequest, problem(http.StatusBadRequest, "x_content_parse_exception", "not a JSON object"))
				return
			}
			s.put(store, name, body)
			writeJSON(w, http.StatusOK, map[string]any{"acknowledged": true})
		default:
			w.WriteHeader(http.StatusMethodNotAllowed)
		}
	}
}
