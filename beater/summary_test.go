// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A thousand accounts: one line in the log, and /inputs/ in time.

package beater

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/elastic/beats/v7/libbeat/management/status"
	"github.com/elastic/beats/v7/libbeat/monitoring/inputmon"
	"github.com/elastic/elastic-agent-libs/logp"
	"github.com/elastic/elastic-agent-libs/logp/logptest"
	"github.com/elastic/elastic-agent-libs/monitoring"

	"onepasswordbeat/config"
	"onepasswordbeat/internal/harvester"
	"onepasswordbeat/internal/registry"
)

const manyAccounts = 1000

// TestSummary: a line when something has changed, with the counts and the first names.
func TestSummary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, logs := logptest.NewTestingLoggerWithObserver(t, "")
		d := newDiagnostics(nil)
		var all []*runningType
		for i := range manyAccounts {
			r, _, _ := d.begin(registry.Key{Input: fmt.Sprintf("account-%04d", i), EventType: "audit_events"}, nil)
			r.note(status.Running, "")
			all = append(all, r)
		}
		stop := summarize(d, log)
		wait := func(lines int) {
			t.Helper()
			time.Sleep(summaryPeriod) //nolint:forbidigo // the bubble's clock
			synctest.Wait()
			assert.Equal(t, lines, logs.FilterMessage("health of all event types").Len())
		}
		wait(1)
		wait(1) // nothing has changed
		for _, r := range all[:500] {
			r.note(status.Degraded, "the API is away")
		}
		wait(2)
		fields := logs.All()[logs.Len()-1].ContextMap()
		assert.Equal(t, map[string]int{status.Running.String(): 500, status.Degraded.String(): 500}, fields["event_types"])
		assert.Len(t, fields["unhealthy"], summaryNames)
		stop()
	})
}

// BenchmarkInputsEndpoint reads /inputs/ with three event types of a thousand accounts.
func BenchmarkInputsEndpoint(b *testing.B) {
	inputs := monitoring.NewRegistry()
	log := logp.NewNopLogger()
	for i := range manyAccounts {
		for _, eventType := range config.EventTypes() {
			id := fmt.Sprintf("account-%04d::%s", i, eventType)
			harvester.NewMetrics(inputmon.NewMetricsRegistry(id, inputType, inputs, log), log)
		}
	}
	mux := http.NewServeMux()
	require.NoError(b, inputmon.AttachHandler(mux, inputs))
	for b.Loop() {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/inputs/", nil))
		require.Equal(b, http.StatusOK, w.Code)
		b.ReportMetric(float64(w.Body.Len()), "bytes/response")
	}
}
