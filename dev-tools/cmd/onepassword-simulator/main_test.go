// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Tests of the command.

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
)

func TestServesUntilInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, stdout := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, []string{"-backlog", "7,itemusages=9", "-live", "0"}, stdout, io.Discard) }()
	line, err := bufio.NewReader(out).ReadBytes('\n')
	require.NoError(t, err)
	var r ready
	require.NoError(t, json.Unmarshal(line, &r))
	assert.Len(t, r.Tokens, 3)
	assert.NotEmpty(t, r.Token)

	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.URL+eventsapitest.HealthPath, nil)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	var h eventsapitest.Health
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&h))
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, map[eventsapitest.EventType]int{"auditevents": 7, "itemusages": 9, "signinattempts": 7}, h.Events)

	cancel()
	require.NoError(t, <-ended)
}

func TestFlags(t *testing.T) {
	o, err := parse([]string{"-fault", "429:2s=0.05", "-fault", "cut@itemusages=0.1", "-epoch", "2026-01-02T03:04:05Z", "-retry-after", "date",
		"-late", "signinattempts=0.5", "-event-time-order", "-tls", "-ca-file", filepath.Join(t.TempDir(), "ca.pem")}, io.Discard)
	require.NoError(t, err)
	require.Len(t, o.cfg.Faults, 2)
	assert.Equal(t, "cut@itemusages", o.cfg.Faults[1].Fault.String())
	assert.InDelta(t, 0.5, o.cfg.LateShare[eventsapitest.SignInAttempts], 0)
	assert.Equal(t, eventsapitest.EventTimeOrder, o.cfg.Order)
	assert.Equal(t, 2026, o.cfg.Epoch.Year())
	for _, args := range [][]string{
		{"-fault", "cut"}, {"-fault", "flood=1"}, {"-backlog", "users=3"}, {"-live", "x"}, {"-retry-after", "never"}, {"-ca-file", "x"}, {"rest"},
	} {
		_, err := parse(args, io.Discard)
		assert.Error(t, err, args)
	}
}
