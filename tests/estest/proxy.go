// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The proxy before the node: answers what the archive has no module for, and hands on everything else as it comes.

package estest

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"strconv"
	"strings"
	"sync"
	"time"
)

// maxBody bounds what the proxy reads of the few bodies that it looks into, after decompression.
const maxBody = 32 << 20

// proxy is an http.Handler with the server that runs it.
type proxy struct {
	url       string
	scheme    string // of url, and of the node behind
	version   string
	flavor    string // "default", or "serverless"
	server    *http.Server
	transport *http.Transport
	forward   *httputil.ReverseProxy

	mu        sync.Mutex
	target    string // the node's address; empty while it is down
	policies  map[string]json.RawMessage
	templates map[string]json.RawMessage // as clients sent them
}

// newProxy listens on a free port, with TLS where serve is given. The node is reached by transport in the same way.
func newProxy(version, flavor string, serve *tls.Config, transport *http.Transport) (*proxy, error) {
	p := &proxy{
		scheme:    "http",
		version:   version,
		flavor:    flavor,
		policies:  map[string]json.RawMessage{},
		templates: map[string]json.RawMessage{},
	}
	p.transport = transport.Clone()
	p.transport.DisableCompression = true // bodies pass as they are
	quiet := log.New(io.Discard, "", 0)
	p.forward = &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = p.scheme, p.address() },
		Transport:     p.transport,
		FlushInterval: -1,
		ErrorLog:      quiet,
		// A node that is gone does not answer with a status: its connections break.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	p.server = &http.Server{Handler: p.routes(), ErrorLog: quiet, ReadHeaderTimeout: requestTimeout}
	p.server.Protocols = new(http.Protocols)
	p.server.Protocols.SetHTTP1(true) // all that Elasticsearch speaks

	var lc net.ListenConfig
	listener, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	if serve != nil {
		p.scheme, listener = "https", tls.NewListener(listener, serve)
	}
	p.url = p.scheme + "://" + listener.Addr().String()
	go func() { _ = p.server.Serve(listener) }() // until close
	return p, nil
}

func (p *proxy) close() error {
	err := p.server.Close()
	p.transport.CloseIdleConnections()
	return err
}

func (p *proxy) setTarget(address string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = address
}

func (p *proxy) address() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.target
}

// routes is the list of what the proxy does itself.
func (p *proxy) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.needs("monitor", p.info))
	if p.flavor == serverless {
		mux.HandleFunc("/_ilm/", unavailable)
	} else {
		mux.HandleFunc("GET /_ilm/policy/{name}", p.needs("read_ilm", p.getPolicy))
		mux.HandleFunc("PUT /_ilm/policy/{name}", p.needs("manage_ilm", p.putPolicy))
		mux.HandleFunc("DELETE /_ilm/policy/{name}", p.needs("manage_ilm", p.deletePolicy))
	}
	for _, method := range []string{http.MethodPut, http.MethodPost} {
		mux.HandleFunc(method+" /_index_template/{name}", p.putTemplate)
		mux.HandleFunc(method+" /_component_template/{name}", p.putTemplate)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if p.address() == "" {
			panic(http.ErrAbortHandler)
		}
		// An early answer, to a request that is too large say, must not wait for the rest of the request.
		_ = http.NewResponseController(w).EnableFullDuplex() // always possible in HTTP/1.1
		p.forward.ServeHTTP(w, r)
	})
	return mux
}

// needs lets a request through when the node says that its user has a cluster privilege, and answers as the node would where he has not.
func (p *proxy) needs(privilege string, serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body := fmt.Sprintf(`{"cluster":[%q]}`, privilege)
		ask, err := http.NewRequestWithContext(r.Context(), http.MethodPost,
			p.scheme+"://"+p.address()+"/_security/user/_has_privileges", strings.NewReader(body))
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		ask.Header.Set("Content-Type", "application/json")
		ask.Header["Authorization"] = r.Header["Authorization"]
		res, err := (&http.Client{Transport: p.transport, Timeout: requestTimeout}).Do(ask)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		defer func() { _ = res.Body.Close() }()
		answer, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		var result struct {
			Username string `json:"username"`
			All      bool   `json:"has_all_requested"`
		}
		switch {
		case res.StatusCode != http.StatusOK:
			reply(w, res.StatusCode, json.RawMessage(answer))
		case json.Unmarshal(answer, &result) != nil:
			panic(http.ErrAbortHandler)
		case !result.All:
			reject(w, http.StatusForbidden, "security_exception", fmt.Sprintf("action on [%s] is unauthorized for user [%s],"+
				" this action is granted by the cluster privileges [%s,manage,all]", r.URL.Path, result.Username, privilege))
		default:
			serve(w, r)
		}
	}
}

// info is the answer by which clients tell Elasticsearch and its version.
func (p *proxy) info(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, map[string]any{
		"name": "estest", "cluster_name": "estest", "cluster_uuid": "estest-cluster-0000000",
		"version": map[string]any{
			"number": p.version, "build_flavor": p.flavor, "build_type": "zip", "build_snapshot": false,
			"minimum_wire_compatibility_version": "7.17.0", "minimum_index_compatibility_version": "7.0.0",
		},
		"tagline": "You Know, for Search",
	})
}

func (p *proxy) getPolicy(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	policy := p.kept(p.policies, name)
	if policy == nil {
		reject(w, http.StatusNotFound, "resource_not_found_exception", "Lifecycle policy not found: "+name)
		return
	}
	var body map[string]json.RawMessage
	_ = json.Unmarshal(policy, &body) // putPolicy has seen to it
	body["version"] = json.RawMessage("1")
	reply(w, http.StatusOK, map[string]any{name: body})
}

func (p *proxy) putPolicy(w http.ResponseWriter, r *http.Request) {
	body, err := readBody(r)
	var policy struct {
		Policy map[string]json.RawMessage `json:"policy"`
	}
	if err == nil {
		err = json.Unmarshal(body, &policy)
	}
	if err != nil || policy.Policy["phases"] == nil {
		reject(w, http.StatusBadRequest, "x_content_parse_exception", fmt.Sprintf("not a lifecycle policy with phases: %v", err))
		return
	}
	p.keep(p.policies, r.PathValue("name"), body)
	reply(w, http.StatusOK, map[string]any{"acknowledged": true})
}

func (p *proxy) deletePolicy(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	delete(p.policies, r.PathValue("name"))
	p.mu.Unlock()
	reply(w, http.StatusOK, map[string]any{"acknowledged": true})
}

// putTemplate hands on a template that the node's few modules can take. A body that is not JSON is passed on unchanged: the node rejects it.
func (p *proxy) putTemplate(w http.ResponseWriter, r *http.Request) {
	body, err := readBody(r)
	if err != nil {
		reject(w, http.StatusBadRequest, "parse_exception", "request body: "+err.Error())
		return
	}
	if forbidden := forbiddenSettings(body); p.flavor == serverless && len(forbidden) > 0 {
		reject(w, http.StatusBadRequest, "illegal_argument_exception",
			fmt.Sprintf("Settings [%s] are not available when running in serverless mode", strings.Join(forbidden, ",")))
		return
	}
	p.keep(p.templates, r.PathValue("name"), body)
	body = reduceTemplate(body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength = int64(len(body))
	r.TransferEncoding = nil
	r.Header.Del("Content-Encoding")
	r.Header.Set("Content-Length", strconv.Itoa(len(body)))
	p.forward.ServeHTTP(w, r)
}

func (p *proxy) keep(in map[string]json.RawMessage, name string, body []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	in[name] = body
}

func (p *proxy) kept(in map[string]json.RawMessage, name string) json.RawMessage {
	p.mu.Lock()
	defer p.mu.Unlock()
	return in[name]
}

// readBody reads a request's body and unpacks it.
func readBody(r *http.Request) ([]byte, error) {
	var src io.Reader = r.Body
	if strings.EqualFold(r.Header.Get("Content-Encoding"), "gzip") {
		unpacked, err := gzip.NewReader(r.Body)
		if err != nil {
			return nil, err
		}
		src = unpacked
	}
	body, err := io.ReadAll(io.LimitReader(src, maxBody+1))
	if err == nil && len(body) > maxBody {
		err = errors.New("larger than the test proxy takes")
	}
	return body, err
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("X-Elastic-Product", "Elasticsearch")
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that is gone needs no answer
}

// reject answers in the shape of Elasticsearch's own errors.
func reject(w http.ResponseWriter, status int, kind, reason string) {
	cause := map[string]any{"type": kind, "reason": reason}
	reply(w, status, map[string]any{
		"error":  map[string]any{"root_cause": []any{cause}, "type": kind, "reason": reason},
		"status": status,
	})
}
