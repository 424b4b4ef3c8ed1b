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

	mu      sync.Mutex
	reason  string // of the last event that was refused for good
	blocked string // why the last request was refused as a whole; "" if it was not
}

// Refusal is the reason of the last event that was refused for good.
func (w *refusalWatch) Refusal() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.reason
}

// Blocked is why Elasticsearch refuses whole requests at the moment. libbeat tries
// them again for ever, and only logs it.
func (w *refusalWatch) Blocked() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.blocked
}

func (w *refusalWatch) block(reason string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.blocked = reason
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
	if !strings.HasSuffix(req.URL.Path, "_bulk") {
		return resp, err
	}
	if err != nil {
		b.watch.block("") // it does not answer: that is no refusal any more
		return resp, err
	}
	if resp.StatusCode == http.StatusRequestEntityTooLarge && req.Header.Get(elasticsearch.HeaderEventCount) == "1" {
		b.watch.note(refusal{Status: resp.StatusCode, Type: "request_entity_too_large", Reason: "the event is larger than Elasticsearch or a proxy takes"})
	}
	if resp.StatusCode != http.StatusOK {
		b.refusedAsAWhole(resp)
		return resp, nil
	}
	b.watch.block("")
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

// maxErrorBytes is how much of the answer to a refused request is looked at.
const maxErrorBytes = 16 << 10

// refusedAsAWhole remembers why a whole request was refused: a privilege on
// anything, a read-only cluster, a revoked password. What passes by itself (429,
// 413, which libbeat splits, and 5xx) is no refusal.
func (b *bulkWatch) refusedAsAWhole(resp *http.Response) {
	switch resp.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusBadRequest, http.StatusNotFound:
	default:
		b.watch.block("")
		return
	}
	head, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBytes))
	rest := io.MultiReader(bytes.NewReader(head), resp.Body)
	if err != nil {
		rest = io.MultiReader(bytes.NewReader(head), failingReader{err})
	}
	resp.Body = readCloser{rest, resp.Body}
	var answer struct {
		Error struct {
			Type   string `json:"type"`
			Reason string `json:"reason"`
		} `json:"error"`
	}
	if json.Unmarshal(head, &answer) != nil || answer.Error.Type == "" {
		answer.Error.Type, answer.Error.Reason = "refused", http.StatusText(resp.StatusCode)
	}
	b.watch.block(refusal{resp.StatusCode, answer.Error.Type, answer.Error.Reason}.String())
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

// ownReasons are what an illegal_argument_exception says when it is an event's own.
var ownReasons = []string{
	"can't merge a non object mapping",
	"cannot be changed from type",
	"immense term",
}

func (r refusal) own() bool {
	if r.Type == "illegal_argument_exception" {
		return slices.ContainsFunc(ownReasons, func(s string) bool { return strings.Contains(r.Reason, s) })
	}
	return slices.Contains(ownTypes, r.Type)
}

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
