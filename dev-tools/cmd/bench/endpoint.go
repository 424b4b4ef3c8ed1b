// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The bulk endpoint: it reads, decompresses and counts what Elasticsearch would
// index, and answers each document like it, as cheaply as that can be done.

package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// esVersion is the Elasticsearch that the endpoint claims to be. Filebeat wants one
// that is not older than itself.
const esVersion = "9.99.0"

// endpoint is a running bulk endpoint.
type endpoint struct {
	url  string
	http *http.Server
	done chan error

	hostile bulkAnswer // set before the first bulk request

	events, bytes, bulks atomic.Int64

	mu      sync.Mutex
	arrived map[string]time.Time // by _id; nil unless it is wanted
}

// bulkAnswer is how a hostile endpoint answers bulk requests; the zero value is not hostile.
type bulkAnswer struct {
	hangs bool
	body  *string // of status 200, in the place of a bulk response
	item  string  // the result of each document, in the place of its creation
}

// startEndpoint listens on a free port. With keepTimes it remembers when each _id
// came first.
func startEndpoint(ctx context.Context, keepTimes bool) (*endpoint, error) {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	e := &endpoint{url: "http://" + ln.Addr().String(), done: make(chan error, 1)}
	if keepTimes {
		e.arrived = map[string]time.Time{}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, fmt.Sprintf(`{"name":"bench","cluster_uuid":"bench","version":{"number":%q,"build_flavor":"default"},"tagline":"You Know, for Search"}`, esVersion))
	})
	mux.HandleFunc("GET /_license", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, `{"license":{"status":"active","uid":"bench","type":"basic"}}`)
	})
	mux.HandleFunc("POST /_bulk", e.bulk)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { answer(w, `{"acknowledged":true}`) })
	e.http = &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { e.done <- e.http.Serve(ln) }()
	return e, nil
}

func (e *endpoint) close() error {
	err := e.http.Close()
	if served := <-e.done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

func answer(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Elastic-Product", "Elasticsearch")
	_, _ = io.WriteString(w, body) // a client that left is seen by its absence
}

// scratch is what one bulk request needs; requests reuse it.
type scratch struct {
	body, reply bytes.Buffer
	gzip        gzip.Reader
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func (e *endpoint) bulk(w http.ResponseWriter, r *http.Request) {
	s, _ := scratches.Get().(*scratch)
	defer scratches.Put(s)
	s.body.Reset()
	s.reply.Reset()
	if err := s.read(r); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if e.hostile.hangs {
		<-r.Context().Done()
		return
	}
	if e.hostile.body != nil {
		answer(w, *e.hostile.body)
		return
	}
	n, err := e.take(s)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Elastic-Product", "Elasticsearch")
	_, _ = w.Write(s.reply.Bytes())
	e.bulks.Add(1)
	e.bytes.Add(int64(s.body.Len()))
	e.events.Add(int64(n))
}

// read reads the body, decompressed.
func (s *scratch) read(r *http.Request) error {
	if r.Header.Get("Content-Encoding") != "gzip" {
		_, err := s.body.ReadFrom(r.Body)
		return err
	}
	if err := s.gzip.Reset(r.Body); err != nil {
		return err
	}
	_, err := s.body.ReadFrom(&s.gzip)
	return err
}

// take counts the documents and writes the answer that filter_path leaves of
// Elasticsearch's.
func (e *endpoint) take(s *scratch) (int, error) {
	now := time.Now()
	item := cmp.Or(e.hostile.item, `{"status":201}`)
	fmt.Fprintf(&s.reply, `{"errors":%t,"items":[`, e.hostile.item != "")
	n := 0
	for rest := s.body.Bytes(); ; n++ {
		var action, doc []byte
		action, rest = line(rest)
		if len(action) == 0 {
			break
		}
		doc, rest = line(rest)
		if len(doc) < 2 || doc[0] != '{' || doc[len(doc)-1] != '}' {
			return n, fmt.Errorf("document %d is not an object", n)
		}
		op := between(action, `{"`, `"`)
		if len(op) == 0 {
			return n, fmt.Errorf("malformed action %d: %.80q", n, action)
		}
		if n > 0 {
			s.reply.WriteByte(',')
		}
		s.reply.WriteString(`{"`)
		s.reply.Write(op)
		s.reply.WriteString(`":` + item + `}`)
		if e.arrived != nil {
			e.note(string(between(action, `"_id":"`, `"`)), now)
		}
	}
	s.reply.WriteString(`]}`)
	return n, nil
}

func (e *endpoint) note(id string, at time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, there := e.arrived[id]; !there {
		e.arrived[id] = at
	}
}

// line cuts the first line off that is not empty: libbeat ends a document twice.
func line(s []byte) (first, rest []byte) {
	first, rest, _ = bytes.Cut(bytes.TrimLeft(s, "\n"), []byte("\n"))
	return first, rest
}

// between returns what stands between two texts.
func between(s []byte, before, after string) []byte {
	_, s, _ = bytes.Cut(s, []byte(before))
	s, _, _ = bytes.Cut(s, []byte(after))
	return s
}
