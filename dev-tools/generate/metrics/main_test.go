// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/dev-tools/generate/output/outputtest"
	"onepasswordbeat/internal/harvester"
)

// TestPageIsUpToDate: what is committed is what is generated.
func TestPageIsUpToDate(t *testing.T) {
	page := outputtest.UpToDate(t, "../../..", generate)[target]
	for _, d := range harvester.MetricDefs() {
		assert.Contains(t, string(page), "| `"+d.Name+"` | "+string(d.Kind)+" | "+d.Unit+" |")
	}
}

func TestFill(t *testing.T) {
	defs := []harvester.MetricDef{
		{Name: "pages_total", Kind: harvester.Counter, Unit: "pages", Help: "Pages, all | of them."},
		{Name: "lag", Kind: harvester.Histogram, Unit: "milliseconds", Help: "How far behind."},
	}
	tests := map[string]struct{ text, want, err string }{
		"table": {"a\n\n{{table}}\n\n`pages_total` `lag` `http.enabled` `output.events_total` `events_pipeline_total`\n", "a\n\n" +
			"| Metric | Kind | Unit | Meaning | At /metrics |\n|---|---|---|---|---|\n" +
			"| `pages_total` | counter | pages | Pages, all \\| of them. | `onepasswordbeat_pages_total` |\n" +
			"| `lag` | histogram | milliseconds | How far behind. | `onepasswordbeat_lag_seconds` |\n\n" +
			"`pages_total` `lag` `http.enabled` `output.events_total` `events_pipeline_total`\n", ""},
		"no place for it": {"a", "", "no line"},
		"unknown metric":  {"{{table}}\n`page_total`", "", `"page_total", which is not declared`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := fill(test.text, defs)
			if test.err != "" {
				require.ErrorContains(t, err, test.err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.want, string(got))
		})
	}
}
