// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Inputs under Elastic Agent, and what its diagnostics show of them.

package beater

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/elastic/beats/v7/libbeat/beat"
	"github.com/elastic/beats/v7/libbeat/cfgfile"
	"github.com/elastic/beats/v7/libbeat/common/reload"
	"github.com/elastic/beats/v7/libbeat/management"
	"github.com/elastic/beats/v7/libbeat/management/status"
	conf "github.com/elastic/elastic-agent-libs/config"
	"github.com/elastic/elastic-agent-libs/logp"

	"onepasswordbeat/config"
	"onepasswordbeat/internal/account"
	"onepasswordbeat/internal/registry"
)

// choosy is a factory that rejects an input without an id.
type choosy struct {
	cfgfile.RunnerFactory
	made []string
}

func (f *choosy) Create(_ beat.PipelineConnector, cfg *conf.C) (cfgfile.Runner, error) {
	id, err := cfg.String("id", -1)
	if err != nil {
		return nil, errors.Join(errors.New("id: missing"), errors.New("limit: wrong"))
	}
	f.made = append(f.made, id)
	return idle{}, nil
}

// idle is an input that does nothing.
type idle struct{}

func (idle) Start()         {}
func (idle) Stop()          {}
func (idle) String() string { return "idle" }

// TestWrongInputsAreReported: a reload has no errors, whatever is in it.
func TestWrongInputsAreReported(t *testing.T) {
	factory := &choosy{}
	list := &managedInputs{cfgfile.NewRunnerList("test", failureReporting{factory}, nil, logp.NewNopLogger()), newDiagnostics(brokenStore{}), newProbes()}
	reporters := map[string]*reported{}
	with := func(name string, settings map[string]any) *reload.ConfigWithMeta {
		reporters[name] = &reported{}
		return &reload.ConfigWithMeta{Config: conf.MustNewConfigFrom(settings), InputUnitID: name, StatusReporter: reporters[name]}
	}
	require.NoError(t, list.Reload([]*reload.ConfigWithMeta{
		with("good", map[string]any{"id": "good"}),
		with("wrong", map[string]any{"limit": 0}),
		with("unreadable", map[string]any{"id": "unreadable", config.PolicyError: "missing '}'"}),
		with("off", map[string]any{"id": "off", "enabled": false}),
	}))
	assert.Equal(t, []string{"good"}, factory.made)
	assert.Equal(t, []string{"Failed invalid policy: id: missing; limit: wrong"}, reporters["wrong"].all)
	assert.Equal(t, []string{"Failed invalid policy: missing '}'"}, reporters["unreadable"].all)
	assert.Equal(t, []string{"Stopped disabled"}, reporters["off"].all)
	require.NoError(t, list.Reload([]*reload.ConfigWithMeta{with("good", map[string]any{"id": "good"})}))
	assert.Equal(t, []string{"good"}, factory.made, "not made again")
	assert.Equal(t, status.Stopped, reporters["wrong"].state)
	list.Stop()
}

func TestOneKeyOneHarvester(t *testing.T) {
	d := newDiagnostics(brokenStore{})
	key := registry.Key{Input: "acme", EventType: "audit_events"}
	_, end, other := d.begin(key, account.NewLimiter(0, 0))
	require.Nil(t, other)
	none, _, other := d.begin(key, nil)
	assert.Nil(t, none)
	require.NotNil(t, other)
	_, _, free := d.begin(registry.Key{Input: "acme", EventType: "item_usages"}, account.NewLimiter(0, 0))
	assert.Nil(t, free)
	end()
	<-other
	_, _, free = d.begin(key, nil)
	assert.Nil(t, free)
}

// TestClaim: an input waits for the end of another one with its key, and no longer than
// to its own.
func TestClaim(t *testing.T) {
	d := newDiagnostics(brokenStore{})
	key := registry.Key{Input: "acme", EventType: "audit_events"}
	_, end, _ := d.begin(key, nil)
	health := make(chan string, 1)
	c := &collector{input: &input{manager: &manager{running: d}}, lease: &account.Lease{}, report: func(s status.Status, msg string) { health <- s.String() + " " + msg }}
	stop, cancel := context.WithCancel(t.Context())
	claimed := make(chan *runningType)
	claim := func() { r, _ := c.reserve(stop, key); claimed <- r }
	go claim()
	assert.Contains(t, <-health, `Failed id: another input or stream collects audit_events with the same id "acme"`)
	end()
	assert.NotNil(t, <-claimed)

	go claim()
	<-health
	cancel()
	assert.Nil(t, <-claimed)
}

// oneState is a store that holds one state.
type oneState struct{ state registry.State }

func (s oneState) Load(context.Context, registry.Key) (registry.State, error) { return s.state, nil }
func (s oneState) Peek(context.Context, registry.Key) (registry.State, error) { return s.state, nil }
func (s oneState) Commit(context.Context, registry.Key, registry.State) error { return nil }

func TestStateInDiagnostics(t *testing.T) {
	cursor := "opaque-cursor-of-the-api"
	d := newDiagnostics(oneState{registry.State{Account: "ACCOUNT", Cursor: cursor, Updated: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}})
	limiter := account.NewLimiter(600, 0)
	limiter.Pause(time.Hour)
	r, _, other := d.begin(registry.Key{Input: "acme", EventType: "audit_events"}, limiter)
	require.Nil(t, other)
	for range 2 * keptErrors {
		r.note(status.Degraded, "401")
	}
	r.note(status.Running, "")
	raw := d.state()
	assert.NotContains(t, string(raw), cursor)
	var got struct {
		EventTypes []struct {
			Input     string
			EventType string `json:"event_type"`
			Health    struct{ State string }
			Errors    []struct{ Message string } `json:"last_errors"`
			Stored    map[string]string
			Budget    struct {
				Windows   []account.Window
				PausedFor string `json:"paused_for"`
			} `json:"rate_budget"`
		} `json:"event_types"`
	}
	require.NoError(t, json.Unmarshal(raw, &got))
	require.Len(t, got.EventTypes, 1)
	one := got.EventTypes[0]
	assert.Equal(t, "acme", one.Input)
	assert.Equal(t, "audit_events", one.EventType)
	assert.Equal(t, "Running", one.Health.State)
	assert.Len(t, one.Errors, keptErrors)
	assert.Equal(t, map[string]string{"account": "ACCOUNT", "cursor_sha256": fingerprint(cursor), "updated": "2026-01-02T03:04:05Z"}, one.Stored)
	assert.Equal(t, "1h0m0s", one.Budget.PausedFor)
	assert.Equal(t, 60, one.Budget.Windows[0].Burst)

	d = newDiagnostics(brokenStore{errors.New("damaged")})
	_, _, _ = d.begin(registry.Key{Input: "acme", EventType: "audit_events"}, limiter)
	assert.Contains(t, string(d.state()), "damaged")
	d = newDiagnostics(brokenStore{errors.New("\x1b[31mred" + strings.Repeat("x", 900_000))})
	_, _, _ = d.begin(registry.Key{Input: "acme", EventType: "audit_events"}, limiter)
	assert.Contains(t, string(d.state()), `"error": "redx`)
	assert.Less(t, len(d.state()), 4<<10)
}

func TestRenderedConfiguration(t *testing.T) {
	const token, part = "opaque-token-4711", "hunter2"
	d := newDiagnostics(brokenStore{})
	d.configured([]*reload.ConfigWithMeta{{Config: conf.MustNewConfigFrom(map[string]any{
		"id": "acme", "token": token, "token_file": "/run/secrets/token", "limit": 10,
		"url": "https://user:" + part + "@events.example.com", "proxy_url": "http://u:" + part + "@proxy.example.com:3128",
		"proxy_headers": map[string]any{"X-Any": part},
		"ssl":           map[string]any{"key": part, "key_passphrase": part, "certificate_authorities": []string{"/ca.pem"}, "verification_mode": "full"},
		"tags":          []string{"pasted " + token, "eyJhbGciOiJFUzI1NiJ9.e30.sig"},
		"processors":    []any{map[string]any{"add_fields": map[string]any{"fields": map[string]any{"api_password": part, "dataset": "1password.audit_events"}}}},
	})}})
	shown := string(d.rendered())
	for _, secret := range []string{token, part, "eyJ"} {
		assert.NotContains(t, shown, secret)
	}
	for _, open := range []string{"id: acme", "limit: 10", "/run/secrets/token", "events.example.com", "proxy.example.com:3128", "/ca.pem", "verification_mode: full", "dataset: 1password.audit_events"} {
		assert.Contains(t, shown, open)
	}
}

// hooks is a manager that remembers its hooks by name, as Elastic Agent's client does.
type hooks struct {
	management.Manager
	files map[string]string
}

func (h hooks) RegisterDiagnosticHook(name, _, file, _ string, _ management.DiagnosticHook) {
	h.files[name] = file
}

func TestHooks(t *testing.T) {
	h := hooks{files: map[string]string{}}
	newDiagnostics(brokenStore{}).register(&beat.Beat{Manager: h})
	assert.Equal(t, map[string]string{
		"onepassword":          "onepassword.json",
		"beat-rendered-config": "beat-rendered-config.yml", // libbeat's name, so that it replaces libbeat's
		"input_metrics":        "input_metrics.json",
	}, h.files)
}
