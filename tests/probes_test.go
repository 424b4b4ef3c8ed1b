// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What an orchestrator asks a beat: whether it is live and ready, and its metrics for Prometheus.

package tests

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/tests/beattest"
	"onepasswordbeat/tests/bulktest"
)

// waitProbe waits until a probe answers with a status.
func waitProbe(beat *beattest.Beat, path string, want int) {
	beat.Until(soon, path+" answers as it should", func() bool {
		code, _ := beat.Text(path)
		return code == want
	})
}

// TestNoOutageMakesABeatUnready: neither the API's, nor the output's, nor a token that the API rejects.
func TestNoOutageMakesABeatUnready(t *testing.T) {
	t.Parallel()
	srv := beattest.Backlog(t, 10)
	down, revoked := srv.URL, srv.Token()
	srv.Revoke(revoked)
	es := bulktest.Start(t)
	es.Down(true)
	for name, in := range map[string]M{
		"output": input(srv), "api": input(srv, M{"url": "http://127.0.0.1:9"}), "token": input(srv, M{"url": down, "token": revoked}),
	} {
		home := beattest.NewHome(t)
		home.Configure(beattest.Config{Inputs: []M{in}, Output: bulkOutput(es)})
		beat := home.Start()
		waitProbe(beat, "/readyz", http.StatusOK)
		waitProbe(beat, "/healthz", http.StatusOK)
		beat.Until(soon, "the trouble was met", func() bool {
			return name == "output" && beat.InputSum("events_published_total") > 0 || name != "output" && beat.InputSum("requests_failed_total") > 0
		})
		code, text := beat.Text("/readyz")
		assert.Equal(t, http.StatusOK, code, "%s: %s", name, text)
		code, text = beat.Text("/healthz")
		assert.Equal(t, http.StatusOK, code, "%s: %s", name, text)
		beat.Kill()
	}
}

// TestBeatWithoutItsStateIsLiveAndNotReady: a restart would not help.
func TestBeatWithoutItsStateIsLiveAndNotReady(t *testing.T) {
	t.Parallel()
	srv := beattest.Backlog(t, 10)
	home := beattest.NewHome(t)
	home.Configure(beattest.Config{Inputs: []M{input(srv)}, Output: beattest.FileOutput(home)})
	beat := home.Start()
	beat.Until(soon, "every state is stored", func() bool { return beat.InputSum("events_acked_total") == 30 })
	beat.Terminate(stopMost)
	files := readAll(t, home.RegistryDir())
	newer := map[string]string{}
	for name, content := range files {
		newer[name] = strings.ReplaceAll(content, `"version":1`, `"version":99`)
	}
	newer["meta.json"] = files["meta.json"]
	require.NotEqual(t, files, newer)
	restore(t, home, files, newer)

	beat = home.Start()
	waitProbe(beat, "/healthz", http.StatusOK)
	beat.Until(soon, "the missing state is named", func() bool {
		code, text := beat.Text("/readyz")
		return code == http.StatusServiceUnavailable && strings.Contains(text, "input acme, audit_events: the stored state is not read")
	})
	code, _ := beat.Text("/healthz")
	assert.Equal(t, http.StatusOK, code)
	beat.Terminate(stopMost)
}

// TestPrometheusMetricsOfARunningBeat have the counters of /inputs/, and nothing that tells whose they are.
func TestPrometheusMetricsOfARunningBeat(t *testing.T) {
	t.Parallel()
	srv, es, _, beat := indexed(t, 40)
	beat.Until(soon, "the last ACK is counted", func() bool { return beat.InputSum("events_acked_total") == 120 })
	code, text := beat.Text("/metrics")
	require.Equal(t, http.StatusOK, code)
	for _, typ := range eventsapitest.Types() {
		labels := `{event_type="` + beattest.TypeName(typ) + `",input_id="acme"}`
		assert.Contains(t, text, "onepasswordbeat_events_acked_total"+labels+" 40\n")
		assert.Contains(t, text, "onepasswordbeat_cursor_committed_timestamp_seconds"+labels)
		assert.Contains(t, text, "onepasswordbeat_lag_seconds_count"+labels)
	}
	for _, secret := range []string{srv.URL, srv.ID(), es.URL, srv.Token()} {
		assert.NotContains(t, text, secret)
	}
	beat.Terminate(stopMost)
}
