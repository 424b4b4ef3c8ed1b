// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What Elastic Agent's diagnostics show of us: positions, health, the rate
// budget and the configuration, without secrets.

package beater

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/elastic/beats/v7/libbeat/beat"
	"github.com/elastic/beats/v7/libbeat/common/reload"
	"github.com/elastic/beats/v7/libbeat/management"
	"github.com/elastic/beats/v7/libbeat/management/status"
	"github.com/elastic/beats/v7/libbeat/monitoring/inputmon"

	"onepasswordbeat/internal/account"
	"onepasswordbeat/internal/eventsapi"
	"onepasswordbeat/internal/registry"
	"onepasswordbeat/internal/safetext"
)

// diagnostics knows the running event types. It is safe for concurrent use.
type diagnostics struct {
	store store

	mu      sync.Mutex
	running map[registry.Key]*runningType
	longest time.Duration // the longest shutdown_timeout of all inputs that have run
	configs []*reload.ConfigWithMeta
}

// runningType is an event type that an input collects.
type runningType struct {
	limiter *account.Limiter
	ended   chan struct{} // closed at its end

	mu     sync.Mutex
	health healthEntry
	errors []healthEntry // the last ones that were not Running or Starting
}

type healthEntry struct {
	Time    time.Time `json:"time"`
	State   string    `json:"state"`
	Message string    `json:"message,omitempty"`
}

// keptErrors is how many of an event type's last errors are kept.
const keptErrors = 10

func newDiagnostics(store store) *diagnostics {
	return &diagnostics{store: store, running: map[registry.Key]*runningType{}}
}

// begin notes that an event type is being collected. When another input does so under
// the same key, there is only other, which is closed at its end.
func (d *diagnostics) begin(key registry.Key, l *account.Limiter) (r *runningType, end func(), other <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.running[key] != nil {
		return nil, nil, d.running[key].ended
	}
	r = &runningType{limiter: l, ended: make(chan struct{})}
	d.running[key] = r
	return r, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.running, key)
		close(r.ended)
	}, nil
}

// expectStop notes the shutdown_timeout of an input.
func (d *diagnostics) expectStop(timeout time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.longest = max(d.longest, timeout)
}

// shutdownTimeout is the longest of all inputs.
func (d *diagnostics) shutdownTimeout() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.longest
}

// stillRunning are the event types that are being collected, in words.
func (d *diagnostics) stillRunning() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var names []string
	for key := range d.running {
		names = append(names, key.Input+"/"+key.EventType)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// note remembers a change of health.
func (r *runningType) note(state status.Status, msg string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.health = healthEntry{time.Now().UTC(), state.String(), msg}
	if state == status.Degraded || state == status.Failed {
		r.errors = append(r.errors, r.health)
		r.errors = r.errors[max(0, len(r.errors)-keptErrors):]
	}
}

func (d *diagnostics) configured(configs []*reload.ConfigWithMeta) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.configs = configs
}

// register adds our parts to Elastic Agent's diagnostics. It must come after the
// manager's PreInit, which registers a hook of libbeat's own that shows the
// configuration with its secrets: a hook of the same name replaces it.
func (d *diagnostics) register(b *beat.Beat) {
	hooks := []struct {
		name, description, file, content string
		hook                             management.DiagnosticHook
	}{
		{"onepassword", "positions, health and rate budget of each event type", "onepassword.json", "application/json", d.state},
		{"beat-rendered-config", "the inputs' configuration without secrets", "beat-rendered-config.yml", "application/yaml", d.rendered},
		{"input_metrics", "metrics of the inputs", "input_metrics.json", "application/json", func() []byte {
			data, err := inputmon.MetricSnapshotJSON(b.Monitoring.InputsRegistry())
			return orError(data, err)
		}},
	}
	for _, h := range hooks {
		b.Manager.RegisterDiagnosticHook(h.name, h.description, h.file, h.content, h.hook)
	}
}

func orError(data []byte, err error) []byte {
	if err != nil {
		return []byte(err.Error())
	}
	return data
}

// typeState is what onepassword.json has of one event type.
type typeState struct {
	Input      string        `json:"input"`
	EventType  string        `json:"event_type"`
	Health     healthEntry   `json:"health"`
	LastErrors []healthEntry `json:"last_errors,omitempty"`
	Stored     storedState   `json:"stored"`
	RateBudget rateBudget    `json:"rate_budget"`
}

// storedState is a state without its cursor, which is shown as a fingerprint:
// enough to see whether it moves.
type storedState struct {
	Error     string     `json:"error,omitempty"`
	Account   string     `json:"account,omitempty"`
	Cursor    string     `json:"cursor_sha256,omitempty"`
	StartTime *time.Time `json:"start_time,omitempty"`
	LastEvent *time.Time `json:"last_event,omitempty"`
	Updated   *time.Time `json:"updated,omitempty"`
}

type rateBudget struct {
	Windows   []account.Window `json:"windows,omitempty"`
	PausedFor string           `json:"paused_for,omitempty"`
}

// storedTimeout is for reading all stored states.
const storedTimeout = 5 * time.Second

// state is onepassword.json. The states are read without the lock: the store may be a server that does not answer.
func (d *diagnostics) state() []byte {
	ctx, cancel := context.WithTimeout(context.Background(), storedTimeout)
	defer cancel()
	d.mu.Lock()
	running := maps.Clone(d.running)
	d.mu.Unlock()
	list := make([]typeState, 0, len(running))
	for key, r := range running {
		list = append(list, newTypeState(key, r, stored(d.store.Peek(ctx, key))))
	}
	slices.SortFunc(list, func(a, b typeState) int {
		return strings.Compare(a.Input+"\x00"+a.EventType, b.Input+"\x00"+b.EventType)
	})
	return orError(json.MarshalIndent(map[string]any{"event_types": list}, "", "  "))
}

func newTypeState(key registry.Key, r *runningType, position storedState) typeState {
	r.mu.Lock()
	defer r.mu.Unlock()
	budget := r.limiter.Budget()
	s := typeState{
		Input: key.Input, EventType: key.EventType,
		Health: r.health, LastErrors: slices.Clone(r.errors),
		Stored:     position,
		RateBudget: rateBudget{Windows: budget.Windows},
	}
	if budget.PausedFor > 0 {
		s.RateBudget.PausedFor = budget.PausedFor.Round(time.Second).String()
	}
	return s
}

func stored(s registry.State, err error) storedState {
	if errors.Is(err, registry.ErrNotFound) {
		return storedState{}
	}
	if err != nil {
		return storedState{Error: safetext.Short(err.Error(), 2*safetext.MaxBytes)}
	}
	return storedState{
		Account: s.Account, Cursor: fingerprint(s.Cursor),
		StartTime: known(s.StartTime), LastEvent: known(s.LastEvent), Updated: known(s.Updated),
	}
}

func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func fingerprint(secret string) string {
	if secret == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:6])
}

// rendered is beat-rendered-config.yml: the inputs only. The output's secrets are
// libbeat's, and Elastic Agent's own files show it redacted.
func (d *diagnostics) rendered() []byte {
	d.mu.Lock()
	configs := d.configs
	d.mu.Unlock()
	inputs := make([]any, len(configs))
	for i, c := range configs {
		var settings map[string]any
		if err := c.Config.Unpack(&settings); err != nil {
			inputs[i] = "cannot be read"
			continue
		}
		inputs[i] = redact("", settings, secretsIn(settings))
	}
	return orError(yaml.Marshal(map[string]any{"inputs": inputs}))
}

const redacted = safetext.Redacted

// secretKeys are parts of the keys whose values are not shown.
var secretKeys = []string{"token", "password", "passphrase", "secret", "auth", "key", "credential", "headers", "cookie"}

// plainKeys are keys that look secret and are not.
var plainKeys = []string{"token_file", "key_passphrase_path", "keep_null", "certificate_authorities"}

// secretsIn are the secrets of an input, to be taken out wherever they were
// pasted.
func secretsIn(settings map[string]any) []string {
	var secrets []string
	if raw, ok := settings["token"].(string); ok {
		token, _ := eventsapi.NormalizeToken(raw) // one that can't be used is redacted, too
		secrets = append(secrets, token)
	}
	return secrets
}

// redact returns a copy of a configuration's value without secrets.
func redact(key string, value any, secrets []string) any {
	lower := strings.ToLower(key)
	if !slices.Contains(plainKeys, lower) && slices.ContainsFunc(secretKeys, func(part string) bool { return strings.Contains(lower, part) }) {
		return redacted
	}
	switch v := value.(type) {
	case map[string]any:
		shown := make(map[string]any, len(v))
		for k, each := range v {
			shown[k] = redact(k, each, secrets)
		}
		return shown
	case []any:
		shown := make([]any, len(v))
		for i, each := range v {
			shown[i] = redact("", each, secrets)
		}
		return shown
	case string:
		return safetext.Redact(v, secrets...)
	}
	return value
}
