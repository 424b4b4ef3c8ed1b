// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What Elastic Agent is told about the health of a stream.

package cel

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	v2 "github.com/elastic/beats/v7/filebeat/input/v2"
	"github.com/elastic/beats/v7/libbeat/beat"
	"github.com/elastic/beats/v7/libbeat/management/status"
	pubtest "github.com/elastic/beats/v7/libbeat/publisher/testing"
	"github.com/elastic/beats/v7/libbeat/statestore"
	"github.com/elastic/beats/v7/libbeat/statestore/storetest"
	celinput "github.com/elastic/beats/v7/x-pack/filebeat/input/cel"
	conf "github.com/elastic/elastic-agent-libs/config"
	"github.com/elastic/elastic-agent-libs/logp"
	"github.com/elastic/elastic-agent-libs/monitoring"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/tests/beattest"
)

// health is a status reporter that remembers the last status.
type health struct {
	mu    sync.Mutex
	state status.Status
	words string
}

func (h *health) UpdateStatus(state status.Status, words string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.state, h.words = state, words
}

func (h *health) is(state status.Status, words string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.state == state && strings.Contains(h.words, words)
}

// TestHealth: degraded with the reason while something is wrong, healthy with the next
// answer, also where that brings no event.
func TestHealth(t *testing.T) {
	r := newRig(t, "audit_events", eventsapitest.Config{Seed: 40}, nil)
	c, err := conf.NewConfigFrom(r.config)
	require.NoError(t, err)
	store := memory{statestore.NewRegistry(storetest.NewMemoryStoreBackend())}
	in, err := celinput.NewInputManager(logp.NewNopLogger(), store).Create(c)
	require.NoError(t, err)

	reported := &health{}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		input := v2.Context{
			ID: "test", IDWithoutName: "test", Name: celInput, Logger: logp.NewNopLogger(), Cancelation: ctx,
			MetricsRegistry: monitoring.NewRegistry(),
		}
		ended <- in.Run(input.WithStatusReporter(reported), acknowledging())
	}()
	defer func() {
		stop()
		assert.NoError(t, <-ended)
	}()
	until := func(state status.Status, words string) {
		t.Helper()
		beattest.Until(t, patience, state.String()+" "+words, func() bool { return reported.is(state, words) })
	}
	until(status.Running, "")
	for _, fault := range []struct{ name, words string }{
		{"500", "the server failed (500)"},
		{"401", "the token was rejected (401)"},
		{"429", "there were too many requests (429)"},
		{"garbage", "is not a page of events"},
	} {
		f, err := eventsapitest.ParseFault(fault.name)
		require.NoError(t, err)
		f.Times = 2
		r.api.Script(f)
		until(status.Degraded, fault.words)
		until(status.Running, "")
	}
}

// acknowledging is a pipeline whose output takes everything at once.
func acknowledging() beat.PipelineConnector {
	return pubtest.FakeConnector{ConnectFunc: func(cfg beat.ClientConfig) (beat.Client, error) {
		return &pubtest.FakeClient{PublishFunc: func(event beat.Event) {
			cfg.EventListener.AddEvent(event, true)
			cfg.EventListener.ACKEvents(1)
		}}, nil
	}}
}
