// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The output's reasons for a refusal, in words.

package beater

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/elastic/beats/v7/libbeat/esleg/eslegclient"
	"github.com/elastic/beats/v7/libbeat/outputs/elasticsearch"
	"github.com/elastic/elastic-agent-libs/logp"
)

// refusals remembers why Elasticsearch last refused an event. libbeat counts
// refusals and logs the whole event, but tells nobody the reason.
var refusals = &refusalWatch{}

// refusalWatch looks at the answers of Elasticsearch's bulk requests on their way
// to libbeat. It changes nothing, and reads only those that hold an error.
type refusalWatch struct {
	own, fault atomic.Uint64 // see harvester.Counts

	mu     sync.Mutex
	reason string
}

func (w *refusalWatch) last() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.reason
}

// watch begins to look at every connection that the output makes from now on,
// and returns what ends that.
func (w *refusalWatch) watch() (forget func(), err error) {
	id, err := elasticsearch.RegisterConnectCallback(func(conn *eslegclient.Connection, _ *logp.Logger) error {
		if _, ok := conn.HTTP.(*bulkWatch); !ok {
			conn.HTTP = &bulkWatch{next: conn.HTTP, watch: w}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("can't watch the output's connections: %w", err)
	}
	return func() { elasticsearch.DeregisterConnectCallback(id) }, nil
}

// httpClient is the part of an HTTP client that libbeat's connection uses.
type httpClient interface {
	Do(req *http.Request) (*http.Response, error)
	CloseIdleConnections()
}

type bulkWatch struct {
	next  httpClient
	watch *refusalWatch
}

func (b *bulkWatch) CloseIdleConnections() { b.next.CloseIdleConnections() }

// errorsFlag is how a bulk answer with an error in it begins: libbeat asks for
// this field and Elasticsearch writes it first.
const (
	errorsFlag = `"errors":true`
	flagWithin = 64
)

func (b *bulkWatch) Do(req *http.Request) (*http.Response, error) {
	resp, err := b.next.Do(req)
	if err != nil || !strings.HasSuffix(req.URL.Path, "_bulk") {
		return resp, err
	}
	if resp.StatusCode == http.StatusRequestEntityTooLarge && req.Header.Get(elasticsearch.HeaderEventCount) == "1" {
		b.watch.note(refusal{Status: resp.StatusCode, Type: "request_entity_too_large", Reason: "the event is larger than Elasticsearch or a proxy takes"})
	}
	if resp.StatusCode != http.StatusOK {
		return resp, nil
	}
	buffered := bufio.NewReader(resp.Body)
	resp.Body = readCloser{buffered, resp.Body}
	head, _ := buffered.Peek(flagWithin)
	if !bytes.Contains(head, []byte(errorsFlag)) {
		return resp, nil
	}
	body, err := io.ReadAll(buffered)
	rest := io.Reader(bytes.NewReader(body))
	if err != nil {
		rest = io.MultiReader(rest, failingReader{err})
	}
	resp.Body = readCloser{rest, resp.Body}
	for _, r := range refusalsOf(body) {
		b.watch.note(r)
	}
	return resp, nil
}

// failingReader hands on the error that ended a body.
type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }

type readCloser struct {
	io.Reader
	io.Closer
}

// refusal is an item of a bulk answer that Elasticsearch will never take.
type refusal struct {
	Status int
	Type   string
	Reason string
}

// ownTypes are the errors that are an event's own: its values do not fit the
// mapping. Everything else (a privilege, a block, a closed index, a pipeline that
// is not there) may hit every event alike.
var ownTypes = []string{
	"document_parsing_exception",
	"mapper_parsing_exception",
	"strict_dynamic_mapping_exception",
	"request_entity_too_large",
}

func (r refusal) own() bool { return slices.Contains(ownTypes, r.Type) }

func (r refusal) String() string {
	return fmt.Sprintf("%d %s: %s", r.Status, r.Type, withoutValues(r.Reason))
}

// note counts a refusal and remembers its reason.
func (w *refusalWatch) note(r refusal) {
	if r.own() {
		w.own.Add(1)
	} else {
		w.fault.Add(1)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reason = r.String()
}

// refusalsOf returns the items that were refused for good: any 4xx but 409 (a
// duplicate) and 429 (tried again).
func refusalsOf(body []byte) []refusal {
	var answer struct {
		Items []map[string]struct {
			Status int `json:"status"`
			Error  struct {
				Type   string `json:"type"`
				Reason string `json:"reason"`
			} `json:"error"`
		} `json:"items"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil // libbeat will try the request again
	}
	var list []refusal
	for _, item := range answer.Items {
		for _, r := range item {
			if r.Status >= 400 && r.Status < 500 && r.Status != http.StatusConflict && r.Status != http.StatusTooManyRequests {
				list = append(list, refusal{r.Status, r.Error.Type, r.Error.Reason})
			}
		}
	}
	return list
}

// position is where in the document Elasticsearch's parser stood. It differs from
// try to try, and the same reason would be news each time.
var position = regexp.MustCompile(`^\[\d+:\d+\] `)

// withoutValues cuts the part of a reason that quotes the event: it is personal data.
func withoutValues(reason string) string {
	reason = position.ReplaceAllString(reason, "")
	for _, quote := range []string{". Preview of field's value", " The prefix of the first immense term"} {
		reason, _, _ = strings.Cut(reason, quote)
	}
	const most = 300
	if runes := []rune(reason); len(runes) > most {
		reason = string(runes[:most]) + "…"
	}
	return reason
}
