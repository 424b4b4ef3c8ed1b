// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A beat's metrics, over its socket.

package beattest

import (
	"bytes"
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
	var raw bytes.Buffer
	if err := b.Copy(path, &raw); err != nil {
		return err
	}
	return json.Unmarshal(raw.Bytes(), v)
}

// Copy copies a path of the beat's HTTP endpoint.
func (b *Beat) Copy(path string, to io.Writer) error {
	ctx, cancel := context.WithTimeout(context.Background(), metricsTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://beat"+path, http.NoBody)
	if err != nil {
		return err
	}
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", b.Home.socket())
		},
	}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", path, resp.Status)
	}
	_, err = io.Copy(to, resp.Body)
	return err
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
