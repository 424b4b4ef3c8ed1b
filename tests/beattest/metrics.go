// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A beat's metrics, over its socket.

package beattest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// metricsTimeout bounds one look at the metrics.
const metricsTimeout = 5 * time.Second

// Get reads a path of the beat's HTTP endpoint, such as "/stats", into v.
func (b *Beat) Get(path string, v any) error {
	code, body, err := b.get(path)
	if err != nil {
		return err
	}
	if code != http.StatusOK {
		return fmt.Errorf("GET %s: status %d", path, code)
	}
	return json.Unmarshal(body, v)
}

// Copy copies a path of the beat's HTTP endpoint.
func (b *Beat) Copy(path string, to io.Writer) error {
	code, body, err := b.get(path)
	if err != nil {
		return err
	}
	if code != http.StatusOK {
		return fmt.Errorf("GET %s: status %d", path, code)
	}
	_, err = to.Write(body)
	return err
}

// Text reads a path of the beat's HTTP endpoint as text. The code is 0 while the endpoint is not there.
func (b *Beat) Text(path string) (code int, text string) {
	code, body, err := b.get(path)
	if err != nil {
		return 0, err.Error()
	}
	return code, string(body)
}

func (b *Beat) get(path string) (code int, body []byte, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), metricsTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://beat"+path, http.NoBody)
	if err != nil {
		return 0, nil, err
	}
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", b.Home.socket())
		},
	}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err = io.ReadAll(resp.Body)
	return resp.StatusCode, body, err
}

// InputMetrics returns what /inputs/ serves, by id: "<input>::<event type>". It
// is empty while the endpoint is not there.
func (b *Beat) InputMetrics() map[string]map[string]any {
	var list []map[string]any
	if err := b.Get("/inputs/", &list); err != nil {
		return nil
	}
	byID := make(map[string]map[string]any, len(list))
	for _, m := range list {
		if id, ok := m["id"].(string); ok {
			byID[id] = m
		}
	}
	return byID
}

// InputSum adds up a counter over all event types.
func (b *Beat) InputSum(name string) int {
	sum := 0.0
	for _, m := range b.InputMetrics() {
		n, _ := m[name].(float64)
		sum += n
	}
	return int(sum)
}
