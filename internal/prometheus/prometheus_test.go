// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The text format: names, units, labels, and its size with many accounts.

package prometheus

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/elastic/elastic-agent-libs/logp"
	"github.com/elastic/elastic-agent-libs/monitoring"

	"onepasswordbeat/internal/harvester"
)

func newSource(id, eventType string) Source {
	return Source{id, eventType, harvester.NewMetrics(monitoring.NewRegistry(), logp.NewNopLogger())}
}

func get(tb testing.TB, h http.Handler) *httptest.ResponseRecorder {
	tb.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(tb.Context(), http.MethodGet, "/metrics", http.NoBody))
	require.Equal(tb, http.StatusOK, w.Code)
	return w
}

// TestEveryDeclaredMetricIsServed as Prometheus' own parser reads it, by its rules of names and units.
func TestEveryDeclaredMetricIsServed(t *testing.T) {
	sources := []Source{newSource("acme", "audit_events"), newSource("ac\"me\\", "item_usages")}
	w := get(t, Handler("1.2.3", func() []Source { return sources }))
	assert.Contains(t, w.Header().Get("Content-Type"), "text/plain; version=0.0.4")
	parser := expfmt.NewTextParser(model.LegacyValidation)
	got, err := parser.TextToMetricFamilies(w.Body)
	require.NoError(t, err)
	require.Contains(t, got, "onepasswordbeat_build_info")
	for _, def := range harvester.MetricDefs() {
		name := Name(def)
		f := got[name]
		if def.Unit == harvester.UnitTimestamp {
			assert.Nil(t, f, "%s is not known yet", name)
			assert.True(t, strings.HasSuffix(name, "_timestamp_seconds"), name)
			continue
		}
		require.NotNil(t, f, name)
		assert.Len(t, f.GetMetric(), len(sources), name)
		assert.Equal(t, def.Kind == harvester.Counter, strings.HasSuffix(name, "_total"), name)
		assert.NotContains(t, name, "milli")
		for _, l := range f.GetMetric()[1].GetLabel() {
			assert.Contains(t, map[string]string{"event_type": "item_usages", "input_id": "ac\"me\\"}[l.GetName()], l.GetValue())
		}
		assert.Len(t, f.GetMetric()[1].GetLabel(), 2)
	}
}

// TestManyAccounts: the size of the answer has a bound by the number of accounts.
func TestManyAccounts(t *testing.T) {
	var sources []Source
	for i := range 10 {
		sources = append(sources, newSource(fmt.Sprint("account-", i), "audit_events"))
	}
	all := get(t, Handler("1", func() []Source { return sources })).Body.Len()
	one := get(t, Handler("1", func() []Source { return sources[:1] })).Body.Len()
	assert.Less(t, (all-one)/9, 10_000, "bytes of an event type")
}

// BenchmarkThousandAccounts has to stay far below a second.
func BenchmarkThousandAccounts(b *testing.B) {
	var sources []Source
	for i := range 1000 {
		for _, name := range []string{"audit_events", "item_usages", "signin_attempts"} {
			sources = append(sources, newSource(fmt.Sprint("account-", i), name))
		}
	}
	h := Handler("1", func() []Source { return sources })
	for b.Loop() {
		h.ServeHTTP(discard{}, nil)
	}
}

type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(p []byte) (int, error) { return io.Discard.Write(p) }
func (discard) WriteHeader(int)             {}
