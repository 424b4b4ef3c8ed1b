// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Requests to the Elasticsearch that keeps the states: what an answer is worth. Connection settings are those of
// libbeat's eslegclient; its requests are not used, because they can't be cancelled one by one and read answers of any length.

package registry

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/elastic/beats/v7/libbeat/esleg/eslegclient"
	conf "github.com/elastic/elastic-agent-libs/config"
	"github.com/elastic/elastic-agent-libs/logp"
	"github.com/elastic/elastic-agent-libs/transport/httpcommon"

	"onepasswordbeat/internal/safetext"
)

const (
	// requestTimeout is for one request, its answer included.
	requestTimeout = 10 * time.Second
	// maxAnswer is the length of an answer in bytes: one state, or an error. maxBulkAnswer has a line or a reason per state,
	// and maxSearchAnswer a page of states, with a cursor of maxCursor bytes each.
	maxAnswer       = 64 << 10
	maxBulkAnswer   = 2 << 20
	maxSearchAnswer = 8 << 20
	// maxRequests is how many requests are made at the same time.
	maxRequests = 16
)

// elasticClient sends requests to one of several hosts.
type elasticClient struct {
	hosts   []eslegclient.Connection
	current atomic.Int64 // the host that answered last
	slots   chan struct{}
	secrets []string // that no error may show, should a server repeat them
}

func newElasticClient(cfg *conf.C, log *logp.Logger) (*elasticClient, error) {
	hosts, err := eslegclient.NewClients(cfg, "onepasswordbeat", log)
	if err != nil {
		return nil, err
	}
	for i := range hosts {
		if err := keepConnections(&hosts[i], log); err != nil {
			return nil, err
		}
	}
	c := &elasticClient{hosts: hosts, slots: make(chan struct{}, maxRequests)}
	for i := range hosts {
		c.secrets = append(c.secrets, secretsOf(&hosts[i])...)
	}
	return c, nil
}

// secretsOf are what a request carries to be let in.
func secretsOf(host *eslegclient.Connection) []string {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, host.URL, nil)
	if err != nil {
		return nil
	}
	authorize(req, host)
	secrets := []string{host.Password, host.APIKey}
	for name, values := range req.Header {
		if name != "Accept" && !strings.HasPrefix(name, "X-Elastic-") {
			for _, value := range values {
				_, credentials, _ := strings.Cut(value, " ")
				secrets = append(secrets, value, credentials)
			}
		}
	}
	return slices.DeleteFunc(secrets, func(s string) bool { return s == "" })
}

// keepConnections has a host keep a connection for each request at the same time: eslegclient, made for one request after
// the other, would close all but two and connect again.
func keepConnections(host *eslegclient.Connection, log *logp.Logger) error {
	if host.Kerberos.IsEnabled() {
		return nil // its client keeps the ticket
	}
	client, err := host.Transport.Client(
		httpcommon.WithLogger(log),
		httpcommon.WithKeepaliveSettings{IdleConnTimeout: time.Minute, MaxIdleConns: maxRequests, MaxIdleConnsPerHost: maxRequests},
		httpcommon.WithHeaderRoundTripper(map[string]string{"User-Agent": host.UserAgent}),
	)
	if err != nil {
		return err
	}
	_ = host.Close() // of a client that was never used
	host.HTTP = client
	return nil
}

// CheckElasticsearch checks connection settings, and connects to nothing.
func CheckElasticsearch(cfg *conf.C) error {
	c, err := newElasticClient(cfg, logp.NewNopLogger())
	if err == nil {
		c.close()
	}
	return err
}

// urls are the hosts, for messages. libbeat takes credentials out of them.
func (c *elasticClient) urls() string {
	list := make([]string, len(c.hosts))
	for i := range c.hosts {
		list[i] = safetext.Short(strings.TrimRight(c.hosts[i].URL, "/"), maxText)
	}
	return strings.Join(list, ", ")
}

func (c *elasticClient) close() {
	for i := range c.hosts {
		_ = c.hosts[i].Close()
	}
}

// answer is what came back. status is that of HTTP.
type answer struct {
	status int
	body   []byte
}

// do sends a request to the host that answered last, and to the others if it can't be reached.
func (c *elasticClient) do(ctx context.Context, method, path string, query url.Values, body []byte) (answer, error) {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return answer{}, ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	var errs []error
	for range c.hosts {
		i := c.current.Load()
		got, err := exchange(ctx, &c.hosts[i], method, path, query, body)
		if err == nil {
			return got, nil
		}
		errs = append(errs, err)
		c.current.CompareAndSwap(i, (i+1)%int64(len(c.hosts)))
		if ctx.Err() != nil {
			break
		}
	}
	return answer{}, errors.Join(errs...)
}

// exchange sends one request. The error is one of the connection, of a gateway before Elasticsearch, or of an answer
// that is too long.
func exchange(ctx context.Context, host *eslegclient.Connection, method, path string, query url.Values, body []byte) (answer, error) {
	if len(host.Parameters) > 0 || len(query) > 0 {
		all := url.Values{}
		for name, value := range host.Parameters {
			all.Set(name, value)
		}
		for name := range query {
			all.Set(name, query.Get(name))
		}
		path += "?" + all.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(host.URL, "/")+path, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	authorize(req, host)
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := host.HTTP.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	limit := limitOf(path)
	raw, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case err != nil:
		return answer{}, err
	case int64(len(raw)) > limit:
		return answer{}, fmt.Errorf("the answer has more than %d bytes", limit)
	case resp.StatusCode == http.StatusBadGateway, resp.StatusCode == http.StatusServiceUnavailable, resp.StatusCode == http.StatusGatewayTimeout:
		return answer{}, errors.New(answer{resp.StatusCode, raw}.problem())
	}
	return answer{resp.StatusCode, raw}, nil
}

// limitOf is the length of the answer to a request.
func limitOf(path string) int64 {
	path, _, _ = strings.Cut(path, "?")
	switch {
	case strings.HasSuffix(path, "/_search"):
		return maxSearchAnswer
	case strings.HasSuffix(path, "/_bulk"):
		return maxBulkAnswer
	}
	return maxAnswer
}

// authorize adds the headers that libbeat's output sends, too.
func authorize(req *http.Request, host *eslegclient.Connection) {
	req.Header.Set("Accept", "application/json")
	if host.Username != "" || host.Password != "" {
		req.SetBasicAuth(host.Username, host.Password)
	}
	if host.APIKey != "" {
		req.Header.Set("Authorization", "ApiKey "+base64.StdEncoding.EncodeToString([]byte(host.APIKey)))
	}
	for name, value := range host.Headers {
		req.Header.Set(name, value)
	}
	if name := req.Header.Get("Host"); name != "" {
		req.Host = name
	}
}

// elasticError is what Elasticsearch says of an error.
type elasticError struct {
	Type   string `json:"type"`
	Reason string `json:"reason"`
}

// problem says what an error is. What to do about it comes first: Elasticsearch's reasons are long, and health is cut off.
func (e elasticError) problem(status int) string {
	remedy := ""
	switch status {
	case http.StatusUnauthorized:
		remedy = " (check the API key, or the user and password)"
	case http.StatusForbidden:
		remedy = " (grant the privileges of docs/roles.md)"
	}
	return fmt.Sprintf("status %d%s, %s: %s", status, remedy, safetext.Short(e.Type, maxText), safetext.Short(e.Reason, 3*maxText))
}

// failure is the error in an answer; false if it has none that Elasticsearch would send.
func (a answer) failure() (elasticError, bool) {
	var body struct {
		Error elasticError `json:"error"`
	}
	err := json.Unmarshal(a.body, &body)
	return body.Error, err == nil && body.Error.Type != ""
}

// problem says why an answer is not the expected one.
func (a answer) problem() string {
	if e, ok := a.failure(); ok {
		return e.problem(a.status)
	}
	return fmt.Sprintf("status %d with a body that is not a response of Elasticsearch: %q", a.status, safetext.Short(string(a.body), maxText))
}
