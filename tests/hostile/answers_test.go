// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The Events API answers what a hostile server sends.

package hostile

import (
	"os"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/assert"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/tests/beattest"
	"onepasswordbeat/tests/bulktest"
)

const (
	patient = 90 * time.Second
	// stopMost is shutdown_timeout (5 s) and 5 s.
	stopMost = 10 * time.Second
	// maxMemory is the bound of design and documentation.
	maxMemory = 400 << 20
	// maxLine bounds a line of the log: 1 KiB of a server's text, advice and the logger's fields.
	maxLine = 4 << 10
)

func TestMain(m *testing.M) {
	os.Exit(beattest.MainParallel(m, "2")) //nolint:forbidigo // the end of every TestMain
}

// scene is a beat between a hostile API and an endpoint.
type scene struct {
	srv   *eventsapitest.Server
	token string
	es    *bulktest.Server
	beat  *beattest.Beat
	home  *beattest.Home
}

// begin starts a beat whose requests for audit events meet these faults.
func begin(t *testing.T, faults ...eventsapitest.Fault) *scene {
	t.Helper()
	s := &scene{srv: beattest.Backlog(t, 50), es: bulktest.Start(t), home: beattest.NewHome(t)}
	s.srv.Script(faults...)
	s.token = s.srv.Token()
	s.home.Configure(beattest.Config{
		Inputs: []beattest.M{beattest.Input(s.srv.URL, s.token, beattest.M{"timeout": "5s"})},
		Output: beattest.ElasticsearchOutput(s.es.URL),
		More:   beattest.M{"logging.level": "debug"},
	})
	s.beat = s.home.Start()
	return s
}

// waitDelivered waits until the events of some types have arrived.
func (s *scene) waitDelivered(types ...eventsapitest.EventType) {
	want := beattest.Expected(s.srv.Account, types...)
	s.beat.Until(patient, "every event is indexed", func() bool { return beattest.Missing(want, s.es.IDs()) == 0 })
}

// check looks at the log, the memory and the end of the beat.
func (s *scene) check(t *testing.T) {
	t.Helper()
	assert.Less(t, peakMemory(t, s.beat.PID()), int64(maxMemory), "peak of the resident memory")
	code, took := s.beat.Terminate(stopMost)
	assert.Zero(t, code)
	t.Logf("stopped in %s", took)
	token := strings.ToLower(s.token)
	for _, line := range s.beat.Log.Lines() {
		if line.Level != "debug" && line.Logger != "monitoring" { // libbeat's own: whole events, and its metrics
			assert.Less(t, len(line.Raw), maxLine, "%.300s", line.Raw)
		}
		assert.False(t, strings.ContainsFunc(line.Message, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }), "%q", line.Message)
		for i := 0; i+20 <= len(token); i += 8 {
			assert.NotContains(t, strings.ToLower(line.Raw), token[i:i+20])
		}
	}
}

// TestHostileAnswers: two hostile answers to one event type, and all events arrive behind them.
func TestHostileAnswers(t *testing.T) {
	for _, kind := range eventsapitest.HostileKinds() {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s := begin(t, eventsapitest.Fault{Kind: kind, On: eventsapitest.AuditEvents, Times: 2})
			types := eventsapitest.Types()
			if kind == eventsapitest.HostileRetryAfter {
				types = nil // the token is paused for an hour
				s.beat.WaitLog("Degraded", patient)
			}
			if len(types) > 0 {
				s.waitDelivered(types...)
			}
			for index := range s.es.Docs() {
				assert.True(t, strings.HasPrefix(index, "logs-1password.") && strings.HasSuffix(index, "-default"), "%s is not an index of the beat", index)
			}
			s.check(t)
		})
	}
}

// TestHostileAnswersDoNotDelayAStop: SIGTERM while a request of each event type is held up.
func TestHostileAnswersDoNotDelayAStop(t *testing.T) {
	for _, kind := range []eventsapitest.Kind{
		eventsapitest.Hostile101, eventsapitest.HostileErrorDrip, eventsapitest.HostileDrip, eventsapitest.Hang, eventsapitest.Stall, eventsapitest.HostileNested,
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s := begin(t, eventsapitest.Fault{Kind: kind, Times: 1000})
			s.beat.Until(patient, "each type has asked", func() bool {
				stats := s.srv.Stats()
				return stats.Count(eventsapitest.AuditEvents) > 0 && stats.Count(eventsapitest.ItemUsages) > 0 && stats.Count(eventsapitest.SignInAttempts) > 0
			})
			s.check(t)
		})
	}
}

// TestTestAPIAgainstHostileAnswers: the command ends, says what is wrong, and prints neither the token nor control characters.
func TestTestAPIAgainstHostileAnswers(t *testing.T) {
	for _, fault := range []eventsapitest.Fault{
		{Kind: eventsapitest.Hostile101}, {Kind: eventsapitest.Hostile101, On: eventsapitest.Introspect}, {Kind: eventsapitest.HostileAccount, On: eventsapitest.Introspect},
		{Kind: eventsapitest.HostileTerminal, On: eventsapitest.Introspect}, {Kind: eventsapitest.HostileEcho, On: eventsapitest.Introspect},
		{Kind: eventsapitest.HostileNested}, {Kind: eventsapitest.HostileErrorDrip},
	} {
		t.Run(fault.String(), func(t *testing.T) {
			t.Parallel()
			srv, home := beattest.Backlog(t, 5), beattest.NewHome(t)
			fault.Times = 10
			srv.Script(fault)
			token := srv.Token()
			home.Configure(beattest.Config{
				Inputs: []beattest.M{beattest.Input(srv.URL, token, beattest.M{"timeout": "5s"})},
				Output: beattest.ElasticsearchOutput("http://127.0.0.1:1"),
			})
			out := home.Command("test", "api").All()
			assert.NotEmpty(t, out)
			assert.Less(t, len(out), 16<<10)
			assert.False(t, strings.ContainsFunc(out, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }), "%q", out)
			assert.NotContains(t, strings.ToLower(out), strings.ToLower(token)[60:80])
		})
	}
}

// TestHangingIntrospectionHoldsUpNoPages: a token that does not name its account, and a server whose introspection hangs.
func TestHangingIntrospectionHoldsUpNoPages(t *testing.T) {
	t.Parallel()
	srv, es, home := beattest.Backlog(t, 200), bulktest.Start(t), beattest.NewHome(t)
	srv.Script(eventsapitest.Fault{Kind: eventsapitest.Hang, On: eventsapitest.Introspect, Times: 1000})
	home.Configure(beattest.Config{
		Inputs: []beattest.M{beattest.Input(srv.URL, srv.Token(eventsapitest.WithoutAccount()), beattest.M{"limit": 10, "timeout": "30s"})},
		Output: beattest.ElasticsearchOutput(es.URL),
	})
	beat := home.Start()
	want := beattest.Expected(srv.Account)
	beat.Until(patient, "60 pages arrive though each would wait for the introspection", func() bool { return beattest.Missing(want, es.IDs()) == 0 })
	assert.LessOrEqual(t, srv.Stats().Count(eventsapitest.Introspect), 3, "the failure is remembered")
	beat.Terminate(stopMost)
}
