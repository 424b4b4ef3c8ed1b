// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Old configurations and cursor files, as eventsapibeat writes them, and what becomes of them.

package eventsapibeat

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/gob"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/elastic/elastic-agent-libs/keystore"
)

var (
	now       = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	lastEvent = time.Date(2026, 3, 9, 8, 7, 6, 543_000_000, time.UTC)
)

// elasticsearchCursor is the type's name in the one cursor that is known; only the fields' names matter.
type elasticsearchCursor struct {
	Limit       int
	StartTime   *time.Time
	EndTime     *time.Time
	SearchAfter int64
	TieBreaker  string
}

func encode(t testing.TB, c elasticsearchCursor) string {
	t.Helper()
	var raw bytes.Buffer
	require.NoError(t, gob.NewEncoder(&raw).Encode(c))
	return base64.RawURLEncoding.EncodeToString(raw.Bytes())
}

// line is a line of a cursor file.
func line(t testing.TB, at time.Time) string {
	t.Helper()
	return fmt.Sprintf("{ \"cursor\": \"%s\" }\n", encode(t, elasticsearchCursor{Limit: 1000, SearchAfter: at.UnixMilli(), TieBreaker: "E7V6V3GMSVAMJNKSE2RARK2UX4"}))
}

// knownCursor is the cursor that 1Password's developers published, with its time.
const knownCursor = "Zv-BAwEBE2VsYXN0aWNzZWFyY2hDdXJzb3IB_4IAAQUBBUxpbWl0AQQAAQlTdGFydFRpbWUB_4QAAQdFbmRUaW1lAf-EAAELU2VhcmNoQWZ0ZXIBBAABClRpZUJyZWFrZXIBDAAAAAr_gwUBAv-GAAAAKf-CAQID-gLwJpluIAEaRTdWNlYzR01TVkFNSk5LU0UyUkFSSzJVWDQA"

func TestReadPosition(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	tests := map[string]struct {
		content string
		want    time.Time
		unknown string // why the position is unknown
	}{
		"one line":               {line(t, lastEvent), lastEvent, ""},
		"history":                {strings.Repeat(line(t, lastEvent.Add(-time.Hour)), 700) + line(t, lastEvent), lastEvent, ""},
		"a line that is cut":     {line(t, lastEvent) + line(t, lastEvent.Add(time.Hour))[:90], lastEvent, ""},
		"no line end at all":     {strings.TrimSuffix(line(t, lastEvent), "\n"), time.Time{}, "it has no whole line"},
		"CRLF":                   {strings.ReplaceAll(line(t, lastEvent), "\n", "\r\n"), lastEvent, ""},
		"empty lines after":      {line(t, lastEvent) + "\n\n", lastEvent, ""},
		"padded base64":          {strings.Replace(line(t, lastEvent), "\" }", "==\" }", 1), lastEvent, ""},
		"the known cursor":       {"{ \"cursor\": \"" + knownCursor + "\" }\n", time.UnixMilli(1615231498000).UTC(), ""},
		"before the first event": {"{ \"cursor\": \"" + encode(t, elasticsearchCursor{Limit: 1000, StartTime: &start}) + "\" }\n", start, ""},
		"empty":                  {"", time.Time{}, "it has no whole line"},
		"NUL bytes":              {line(t, lastEvent) + strings.Repeat("\x00", 200) + "\n", time.Time{}, "not a request with a cursor"},
		"not JSON":               {"hello\n", time.Time{}, "not a request with a cursor"},
		"no cursor":              {`{ "limit": 1000 }` + "\n", time.Time{}, "not a request with a cursor"},
		"not base64":             {`{ "cursor": "%%%" }` + "\n", time.Time{}, "not base64"},
		"another form":           {`{ "cursor": "aGVsbG8hIGlzIGl0IG1lIHlvdSBhcmUgbG9va2luZyBmb3IK" }` + "\n", time.Time{}, "another form"},
		"no time":                {"{ \"cursor\": \"" + encode(t, elasticsearchCursor{Limit: 1}) + "\" }\n", time.Time{}, "names no time"},
		"seconds":                {"{ \"cursor\": \"" + encode(t, elasticsearchCursor{SearchAfter: lastEvent.Unix()}) + "\" }\n", time.Time{}, "cannot be right"},
		"the future":             {line(t, now.AddDate(1, 0, 0)), time.Time{}, "cannot be right"},
		"too long":               {`{ "cursor": "` + strings.Repeat("A", 5000) + "\" }\n", time.Time{}, "longer than"},
		"one endless line":       {strings.Repeat("A", 1<<20), time.Time{}, "it has no whole line"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "cursor")
			require.NoError(t, os.WriteFile(path, []byte(test.content), 0o600))
			got, err := ReadPosition(path, now)
			if test.unknown != "" {
				require.ErrorIs(t, err, ErrNoPosition)
				require.ErrorContains(t, err, test.unknown)
				return
			}
			require.NoError(t, err)
			assert.True(t, test.want.Equal(got), "%s", got)
		})
	}
	_, err := ReadPosition(filepath.Join(t.TempDir(), "none"), now)
	require.ErrorIs(t, err, ErrNoPosition)
	_, err = ReadPosition(t.TempDir(), now)
	require.ErrorIs(t, err, ErrNoPosition)
}

// FuzzReadPosition: whatever a cursor file holds, reading it ends with a time or a reason.
func FuzzReadPosition(f *testing.F) {
	f.Add([]byte("{ \"cursor\": \"" + knownCursor + "\" }\n"))
	f.Add([]byte("{\"cursor\":\"\"}\n\n{"))
	path := filepath.Join(f.TempDir(), "cursor")
	f.Fuzz(func(t *testing.T, content []byte) {
		require.NoError(t, os.WriteFile(path, content, 0o600))
		at, err := ReadPosition(path, now)
		if err != nil {
			require.ErrorIs(t, err, ErrNoPosition)
			return
		}
		assert.True(t, at.After(oldest))
	})
}

// home is the folder of an old beat.
type home struct {
	t    *testing.T
	dir  string
	opts Options
}

func newHome(t *testing.T, config string) *home {
	t.Helper()
	h := &home{t: t, dir: t.TempDir()}
	h.write("eventsapibeat.yml", config)
	h.opts = Options{
		Config: filepath.Join(h.dir, "eventsapibeat.yml"), ID: "1password", TokenVariable: "TOKEN", EventTypes: []string{"audit_events", "item_usages", "signin_attempts"},
		Overlap: func(string) time.Duration { return time.Hour }, Retention: 120 * 24 * time.Hour, Now: now,
	}
	return h
}

func (h *home) write(name, content string) {
	h.t.Helper()
	path := filepath.Join(h.dir, name)
	require.NoError(h.t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(h.t, os.WriteFile(path, []byte(content), 0o600))
}

func (h *home) plan() *Plan {
	h.t.Helper()
	p, err := NewPlan(h.opts)
	require.NoError(h.t, err)
	return p
}

func TestAllTypesWithOneToken(t *testing.T) {
	h := newHome(t, `
eventsapibeat:
  signin_attempts: {enabled: true, auth_token: " secret-token ", cursor_state_file: state/signin, sample_frequency: 30s, starting_cursor: '{ "limit": 500, "start_time": "2020-01-01T00:00:00Z" }'}
  item_usages: {enabled: true, auth_token: secret-token}
  audit_events: {enabled: true, auth_token: secret-token, sample_frequency: 20s}
output.console.pretty: true
`)
	h.write("state/signin", line(t, lastEvent))
	h.write("eventsapibeat_itemusages.state", line(t, lastEvent.Add(time.Minute)))
	h.write("eventsapibeat_auditevents.state", line(t, now.AddDate(-1, 0, 0)))
	p := h.plan()
	assert.Equal(t, []Input{{ID: "1password", Token: "TOKEN", EventTypes: []string{"audit_events", "item_usages", "signin_attempts"}, Interval: 20 * time.Second, Limit: 500}}, p.Inputs)
	require.Len(t, p.Secrets, 1)
	assert.Equal(t, "secret-token", p.Secrets[0].Value.Reveal())
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v", p, p, p.Secrets), "secret-token")
	assert.Empty(t, p.Missing())
	audit, usages, signin := p.Starts[0], p.Starts[1], p.Starts[2]
	assert.True(t, audit.Clamped)
	assert.Equal(t, now.Add(-120*24*time.Hour), audit.From, "the oldest that the API has")
	assert.Equal(t, lastEvent.Add(time.Minute-time.Hour), usages.From)
	assert.Equal(t, lastEvent.Add(-time.Hour), signin.From)
	assert.Equal(t, 30*time.Second, signin.Poll)
	require.NoError(t, p.Recheck(now))
	h.write("state/signin", line(t, lastEvent)+line(t, lastEvent.Add(time.Second)))
	require.ErrorIs(t, p.Recheck(now), ErrInUse)
}

func TestOneTypeAndDottedKeys(t *testing.T) {
	h := newHome(t, "eventsapibeat.item_usages.enabled: true\neventsapibeat.item_usages.auth_token: secret-token\neventsapibeat.signin_attempts.enabled: false\neventsapibeat.insecure_skip_verify: true\n")
	h.write("eventsapibeat_itemusages.state", line(t, lastEvent))
	p := h.plan()
	require.Len(t, p.Inputs, 1)
	assert.Equal(t, []string{"item_usages"}, p.Inputs[0].EventTypes)
	assert.True(t, p.Inputs[0].Insecure)
	assert.Equal(t, "eventsapibeat.insecure_skip_verify", p.Lost[0].Setting)
}

// TestTokens: each token makes an input of its own.
func TestTokens(t *testing.T) {
	t.Setenv("SIGNIN_TOKEN", "signin-token")
	h := newHome(t, "eventsapibeat:\n  signin_attempts: {enabled: true, auth_token: '${SIGNIN_TOKEN}'}\n  audit_events: {enabled: true, auth_token: '${STORED}'}\noutput.elasticsearch: {hosts: [a], password: '${ES_PASSWORD}', username: '${ES_USER}'}\n")
	require.NoError(t, os.Mkdir(filepath.Join(h.dir, "data"), 0o700))
	store, err := keystore.NewFileKeystore(filepath.Join(h.dir, "data", "eventsapibeat.keystore"))
	require.NoError(t, err)
	writable, err := keystore.AsWritableKeystore(store)
	require.NoError(t, err)
	require.NoError(t, writable.Create(false))
	require.NoError(t, writable.Store("STORED", []byte("audit-token")))
	require.NoError(t, writable.Store("ES_PASSWORD", []byte("a,b'c")))
	require.NoError(t, writable.Save())
	p := h.plan()
	var got []string
	for _, s := range p.Secrets {
		got = append(got, s.Name+"="+s.Value.Reveal())
	}
	assert.Equal(t, []string{"TOKEN=audit-token", "TOKEN_2=signin-token", "ES_PASSWORD=a,b'c"}, got)
	assert.Equal(t, "1password-2", p.Inputs[1].ID)
	assert.Equal(t, map[string]any{"output": map[string]any{"elasticsearch": map[string]any{"hosts": []any{"a"}, "password": "${ES_PASSWORD}", "username": "${ES_USER}"}}}, p.Settings)
	assert.Equal(t, []Lost{{"${ES_USER}", "carried over as a variable: set it in the environment of onepasswordbeat, or add it to its keystore"}}, p.Lost)
}

// TestUnknownPositions: --since is required, of the type or of all.
func TestUnknownPositions(t *testing.T) {
	h := newHome(t, "eventsapibeat:\n  signin_attempts: {enabled: true, auth_token: x}\n  audit_events: {enabled: true, auth_token: x}\n  item_usages: {enabled: true, auth_token: x}\n")
	h.write("eventsapibeat_signinattempts.state", "damaged\n")
	h.write("eventsapibeat_itemusages.state", line(t, lastEvent))
	missing := h.plan().Missing()
	require.Len(t, missing, 2)
	assert.Equal(t, "audit_events", missing[0].EventType)
	assert.Equal(t, "2020-01-01T00:00:00Z", missing[0].Suggestion)
	require.ErrorIs(t, missing[0].Unknown, ErrNoPosition)

	day, week := now.Add(-24*time.Hour), now.Add(-7*24*time.Hour)
	h.opts.Since = map[string]time.Time{"": day, "signin_attempts": week, "item_usages": week}
	p := h.plan()
	assert.Empty(t, p.Missing())
	assert.Equal(t, day, p.Starts[0].From)
	assert.Equal(t, week, p.Starts[1].From, "it wins over the cursor")
	assert.Equal(t, week, p.Starts[2].From)
	h.opts.Since = map[string]time.Time{"": day}
	assert.Equal(t, lastEvent.Add(-time.Hour), h.plan().Starts[1].From, "the cursor wins over the start of the others")
}

func TestMistakes(t *testing.T) {
	for config, want := range map[string]string{
		"output.console: {}": "has no section eventsapibeat",
		"eventsapibeat: {signin_attempts: {auth_token: x}}":                                 "has no enabled event type",
		"eventsapibeat: {signin_attempts: {enabled: true}}":                                 "signin_attempts.auth_token is empty",
		"eventsapibeat: {signin_attempts: {enabled: true, auth_token: '${NOWHERE}'}}":       "eventsapibeat.signin_attempts cannot be read",
		"eventsapibeat: {signin_attempts: {enabled: perhaps}}":                              "eventsapibeat.signin_attempts cannot be read",
		"eventsapibeat: {insecure_skip_verify: perhaps, signin_attempts: {enabled: true}}":  "must be true or false",
		"eventsapibeat: {signin_attempts: {enabled: true, auth_token: eyJhbGciOiJFUzI1NiJ9": "is not a configuration in YAML",
	} {
		_, err := NewPlan(newHome(t, config).opts)
		require.ErrorContains(t, err, want, config)
		require.NotContains(t, err.Error(), "eyJhbGciOiJFUzI1NiJ9")
	}
	_, err := NewPlan(Options{Config: filepath.Join(t.TempDir(), "none.yml")})
	require.ErrorIs(t, err, os.ErrNotExist)
	h := newHome(t, "eventsapibeat: {signin_attempts: {enabled: true, auth_token: x}}")
	h.opts.Keystore = filepath.Join(h.dir, "none")
	_, err = NewPlan(h.opts)
	require.ErrorContains(t, err, "--old-keystore")
}

func TestCarryOver(t *testing.T) {
	settings := map[string]any{
		"name": "old", "tags": []any{"a"}, "max_procs": uint64(2), "unknown": 1, "path": map[string]any{"data": "/x"}, "keystore": map[string]any{"path": "/y"},
		"setup":   map[string]any{"template": map[string]any{"name": "x"}, "kibana": map[string]any{}},
		"queue":   map[string]any{"spool": map[string]any{}, "mem": map[string]any{"events": 4096}},
		"logging": map[string]any{"level": "debug", "json": true}, "xpack": map[string]any{"monitoring": true},
		"output": map[string]any{
			"elasticsearch": map[string]any{"hosts": []any{"a"}, "password": "clear", "api_key": "${KEY}", "index": "x", "pipeline": "p", "indices": []any{}},
			"kafka":         map[string]any{"topic": "x-%{[@metadata][event_type]}"}, "logstash": map[string]any{"hosts": []any{"b"}},
		},
		"processors": []any{map[string]any{"drop_event": map[string]any{}}},
	}
	lost := carryOver(settings)
	assert.Equal(t, map[string]any{
		"name": "old", "tags": []any{"a"}, "max_procs": uint64(2), "queue": map[string]any{"mem": map[string]any{"events": 4096}}, "logging": map[string]any{"level": "debug"},
		"output":     map[string]any{"elasticsearch": map[string]any{"hosts": []any{"a"}, "password": "clear", "api_key": "${KEY}"}, "kafka": map[string]any{}, "logstash": map[string]any{"hosts": []any{"b"}}},
		"processors": []any{map[string]any{"drop_event": map[string]any{}}},
	}, settings)
	names := make([]string, len(lost))
	for i, l := range lost {
		names[i] = l.Setting
		assert.NotEmpty(t, l.Why)
	}
	assert.ElementsMatch(t, []string{
		"unknown", "path", "keystore", "setup.kibana", "setup.template", "output.elasticsearch.index", "output.elasticsearch.indices", "output.elasticsearch.pipeline",
		"output.elasticsearch.password", "queue.spool", "xpack", "logging.json", "output.kafka.topic", "output.logstash", "processors",
	}, names)
}

// TestCheckUnused: a file that was written lately is watched; one that changes, or that a process has open, is in use.
func TestCheckUnused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cursor")
	require.NoError(t, CheckUnused(t.Context(), path, time.Second), "no file")
	require.NoError(t, os.WriteFile(path, []byte("x\n"), 0o600))
	old := time.Now().Add(-time.Hour)
	require.NoError(t, os.Chtimes(path, old, old))
	require.NoError(t, CheckUnused(t.Context(), path, time.Hour/10), "written long ago")

	fresh := time.Now()
	require.NoError(t, os.Chtimes(path, fresh, fresh))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, CheckUnused(ctx, path, time.Hour), context.Canceled)

	info, err := os.Stat(path)
	require.NoError(t, err)
	require.NoError(t, unchangedSince(path, info))
	require.NoError(t, os.WriteFile(path, []byte("x\ny\n"), 0o600))
	require.ErrorIs(t, unchangedSince(path, info), ErrInUse)
}
