// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The configured inputs, their health, and the defaults of an input.

package beater

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/elastic/beats/v7/libbeat/beat"
	"github.com/elastic/beats/v7/libbeat/cfgfile"
	"github.com/elastic/beats/v7/libbeat/management/status"
	conf "github.com/elastic/elastic-agent-libs/config"
	"github.com/elastic/elastic-agent-libs/logp/logptest"

	"onepasswordbeat/internal/registry"
)

// section is the beat's section of a configuration with these inputs.
func section(t *testing.T, inputs ...map[string]any) *conf.C {
	t.Helper()
	c, err := conf.NewConfigFrom(map[string]any{"inputs": inputs})
	require.NoError(t, err)
	return c
}

// settings are those of an input that works, with changes.
func settings(changes map[string]any) map[string]any {
	s := map[string]any{"type": "onepassword", "token": "opaque", "url": "https://events.example.com"}
	for k, v := range changes {
		s[k] = v
	}
	return s
}

func TestInputs(t *testing.T) {
	off := map[string]any{"enabled": false}
	tests := map[string]struct {
		inputs []map[string]any
		want   int
		errs   []string // parts of the error
	}{
		"none":              {nil, 0, []string{"no input is configured", "`onepasswordbeat.inputs`", "onepasswordbeat.yml"}},
		"none enabled":      {[]map[string]any{settings(off)}, 0, []string{"the only input is disabled (`enabled: false`)"}},
		"none of two":       {[]map[string]any{settings(off), settings(off)}, 0, []string{"all 2 inputs are disabled (`enabled: false`)"}},
		"enabled, misspelt": {[]map[string]any{settings(map[string]any{"enabled": "fasle"})}, 1, []string{"onepasswordbeat.inputs.0: enabled: it must be true or false"}},
		"one":               {[]map[string]any{settings(nil)}, 1, nil},
		"one of two":        {[]map[string]any{settings(off), settings(nil)}, 1, nil},
		"wrong but off":     {[]map[string]any{settings(map[string]any{"enabled": false, "limit": 0}), settings(nil)}, 1, nil},
		"two":               {[]map[string]any{settings(map[string]any{"id": "a"}), settings(map[string]any{"id": "b"})}, 2, nil},
		"two without id":    {[]map[string]any{settings(nil), settings(nil)}, 2, []string{"id: inputs 1 and 2 have no id"}},
		"two of one id":     {[]map[string]any{settings(map[string]any{"id": "a"}), settings(map[string]any{"id": "a"})}, 2, []string{`the same id "a"`}},
		"a wrong setting":   {[]map[string]any{settings(nil), settings(map[string]any{"id": "b", "limit": 0})}, 2, []string{"onepasswordbeat.inputs.1: limit: 0 is out of range"}},
		"a wrong processor": {[]map[string]any{settings(map[string]any{"processors": []any{map[string]any{"no_such_processor": map[string]any{}}}})}, 1,
			[]string{"onepasswordbeat.inputs.0: processors: one of them is invalid", "no_such_processor"}},
		"a processor":     {[]map[string]any{settings(map[string]any{"processors": []any{map[string]any{"add_formatted_index": map[string]any{"index": "a"}}}})}, 1, nil},
		"several of them": {[]map[string]any{settings(map[string]any{"interval": "0s", "id": "a"}), settings(map[string]any{"id": "b", "limit": 0})}, 2, []string{"inputs.0: interval:", "inputs.1: limit:"}},
		"a proxy without TLS": {[]map[string]any{settings(map[string]any{"url": "http://127.0.0.1:8080", "proxy_url": "http://proxy.example.com:3128"})}, 1,
			[]string{"onepasswordbeat.inputs.0: url with http:// and proxy_url are both set"}},
		"no token, no url": {[]map[string]any{{"type": "onepassword"}}, 1, []string{"onepasswordbeat.inputs.0: token: neither token nor token_file is set: "}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Inputs(section(t, test.inputs...))
			assert.Len(t, got, test.want)
			if test.errs == nil {
				require.NoError(t, err)
			}
			for _, part := range test.errs {
				require.ErrorContains(t, err, part)
			}
		})
	}
	for name, inputs := range map[string]any{"text": "all", "a list of text": []string{"all"}, "a map": settings(nil), "a map of maps": map[string]any{"acme": settings(nil)}} {
		_, err := Inputs(conf.MustNewConfigFrom(map[string]any{"inputs": inputs}))
		require.ErrorContains(t, err, "write it as a list, each input beginning with `- type: onepassword`", name)
	}
	for name, section := range map[string]map[string]any{"nothing": {}, "nil": {"inputs": nil}} {
		_, err := Inputs(conf.MustNewConfigFrom(section))
		require.ErrorContains(t, err, "no input is configured", name)
	}
}

// reported is a status reporter that remembers.
type reported struct {
	all   []string
	state status.Status
	msg   string
}

func (r *reported) UpdateStatus(s status.Status, msg string) {
	r.state, r.msg = s, msg
	r.all = append(r.all, s.String()+" "+msg)
}

func TestHealthIsTheWorst(t *testing.T) {
	type step struct {
		eventType string
		state     status.Status
		msg       string
		want      status.Status
		wantMsg   string
	}
	steps := []step{
		{"audit_events", status.Starting, "", status.Starting, ""},
		{"item_usages", status.Starting, "", status.Starting, ""},
		{"audit_events", status.Running, "", status.Starting, ""},
		{"item_usages", status.Running, "", status.Running, ""},
		{"item_usages", status.Degraded, "429: later", status.Degraded, "item_usages: 429: later"},
		{"audit_events", status.Degraded, "401: no", status.Degraded, "audit_events: 401: no; item_usages: 429: later"},
		{"signin_attempts", status.Failed, "damaged", status.Failed, "audit_events: 401: no; item_usages: 429: later; signin_attempts: damaged"},
		{"signin_attempts", status.Running, "", status.Degraded, "audit_events: 401: no; item_usages: 429: later"},
		{"audit_events", status.Degraded, "403: another reason", status.Degraded, "audit_events: 403: another reason; item_usages: 429: later"},
		{"audit_events", status.Running, "", status.Degraded, "item_usages: 429: later"},
		{"item_usages", status.Running, "", status.Running, ""},
	}
	var r reported
	h := newInputHealth(&r)
	for i, s := range steps {
		h.of(s.eventType)(s.state, s.msg)
		assert.Equal(t, s.want, r.state, "step %d", i)
		assert.Equal(t, s.wantMsg, r.msg, "step %d", i)
	}
}

// TestHealthIsReportedOnce: a repeated report is dropped, and a new message in an old
// state goes by way of another state, or libbeat would keep it from Elastic Agent.
func TestHealthIsReportedOnce(t *testing.T) {
	var r reported
	report := newInputHealth(&r).of("audit_events")
	report(status.Running, "")
	report(status.Running, "")
	report(status.Degraded, "401")
	report(status.Degraded, "401")
	report(status.Degraded, "403")
	assert.Equal(t, []string{
		"Running ",
		"Degraded audit_events: 401",
		"Configuring audit_events: 403",
		"Degraded audit_events: 403",
	}, r.all)
}

// recorded is a factory that remembers what it was asked for.
type recorded struct {
	cfgfile.RunnerFactory
	cfg *conf.C
}

func (r *recorded) Create(_ beat.PipelineConnector, cfg *conf.C) (cfgfile.Runner, error) {
	r.cfg = cfg
	return nil, nil //nolint:nilnil // nothing is run
}

func TestDefaultsOfAnInput(t *testing.T) {
	tests := map[string]struct {
		settings    map[string]any
		id          string
		disableHost bool
	}{
		"silent":          {nil, "default", true},
		"id":              {map[string]any{"id": "acme"}, "acme", true},
		"host wanted":     {map[string]any{"publisher_pipeline.disable_host": false}, "default", false},
		"nested settings": {map[string]any{"publisher_pipeline": map[string]any{"disable_host": false}}, "default", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			in := conf.MustNewConfigFrom(settings(test.settings))
			before := conf.DebugString(in, false)
			var r recorded
			_, err := withDefaults{&r}.Create(nil, in)
			require.NoError(t, err)
			var got struct {
				Type, ID, URL string
				Pipeline      struct {
					DisableHost bool `config:"disable_host"`
				} `config:"publisher_pipeline"`
			}
			require.NoError(t, r.cfg.Unpack(&got))
			assert.Equal(t, "onepassword", got.Type)
			assert.Equal(t, test.id, got.ID)
			assert.Equal(t, "https://events.example.com", got.URL)
			assert.Equal(t, test.disableHost, got.Pipeline.DisableHost)
			assert.Equal(t, before, conf.DebugString(in, false), "the user's configuration stays")
		})
	}
}

func TestCreateInput(t *testing.T) {
	log, logs := logptest.NewTestingLoggerWithObserver(t, "")
	m := &manager{log: log}
	made, err := m.Create(conf.MustNewConfigFrom(settings(map[string]any{"tokn": "x", "limitt": 1})))
	require.NoError(t, err)
	assert.Equal(t, "onepassword", made.Name())
	in, ok := made.(*input)
	require.True(t, ok)
	assert.Equal(t, "default", in.cfg.ID)
	assert.Len(t, in.cfg.EventTypes, 3)
	assert.Equal(t, 1, logs.FilterMessage("unknown settings").FilterField(zap.Strings("settings", []string{"limitt", "tokn"})).Len(), "%v", logs.All())

	_, err = m.Create(conf.MustNewConfigFrom(settings(map[string]any{"limit": 0})))
	require.ErrorContains(t, err, "limit: 0 is out of range")
	require.NoError(t, m.Init(nil))
}

// TestBrokenStore: without a registry nothing is loaded, stored or begun.
func TestBrokenStore(t *testing.T) {
	reason := errors.New("damaged")
	var store store = brokenStore{reason}
	_, err := store.Load(t.Context(), registry.Key{})
	require.ErrorIs(t, err, reason)
	require.NotErrorIs(t, err, registry.ErrNotFound)
	require.ErrorIs(t, store.Commit(t.Context(), registry.Key{}, registry.State{}), reason)
}

// closer is a publisher whose Close waits for the test's end.
type closer chan struct{}

func (c closer) Close() error {
	<-c
	return errors.New("late")
}

func TestOutputThatDoesNotCloseDoesNotHoldTheStopUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, observed := logptest.NewTestingLoggerWithObserver(t, "")
		bt := &Onepasswordbeat{log: log}
		stuck := make(closer)
		began := time.Now()
		require.NoError(t, bt.closePublisher(stuck))
		assert.Equal(t, publisherTimeout, time.Since(began))
		assert.Equal(t, 1, observed.FilterMessageSnippet("did not close").Len())
		close(stuck)
	})
	open := make(closer)
	close(open)
	require.ErrorContains(t, (&Onepasswordbeat{}).closePublisher(open), "late")
}

func TestStopTwice(t *testing.T) {
	bt := &Onepasswordbeat{stopped: make(chan struct{})}
	bt.Stop()
	bt.Stop()
	<-bt.stopped
}
