// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/internal/harvester"
)

// TestPageIsUpToDate: what is committed is what is generated.
func TestPageIsUpToDate(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, run(root))
	got, err := os.ReadFile(filepath.Join(root, target))
	require.NoError(t, err)
	want, err := os.ReadFile(filepath.Join("..", "..", "..", target))
	require.NoError(t, err)
	require.Equal(t, string(want), string(got), "run `go tool mage update`")
	for _, d := range harvester.MetricDefs() {
		assert.Contains(t, string(got), "| `"+d.Name+"` | "+string(d.Kind)+" | "+d.Unit+" |")
	}
}

func TestGenerate(t *testing.T) {
	defs := []harvester.MetricDef{
		{Name: "pages_total", Kind: harvester.Counter, Unit: "pages", Help: "Pages, all | of them."},
		{Name: "lag", Kind: harvester.Histogram, Unit: "milliseconds", Help: "How far behind."},
	}
	tests := map[string]struct{ text, want, err string }{
		"table": {"a\n\n{{table}}\n\n`pages_total` `lag` `http.enabled` `output.events_total`\n", "a\n\n" +
			"| Metric | Kind | Unit | Meaning |\n|---|---|---|---|\n" +
			"| `pages_total` | counter | pages | Pages, all \\| of them. |\n| `lag` | histogram | milliseconds | How far behind. |\n\n" +
			"`pages_total` `lag` `http.enabled` `output.events_total`\n", ""},
		"no place for it": {"a", "", "no line"},
		"unknown metric":  {"{{table}}\n`page_total`", "", `"page_total", which is not declared`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := generate(test.text, defs)
			if test.err != "" {
				require.ErrorContains(t, err, test.err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.want, string(got))
		})
	}
}
