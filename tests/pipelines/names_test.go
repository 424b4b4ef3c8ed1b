// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The @custom pipeline of docs/names.md, which names vaults for the `cel` input.

package pipelines

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/tests/ostest"
)

// testNames runs the pipeline as the page has it, but for its enrich processors: OpenSearch has none. A processor that
// writes what enrich would write, a copy of the matching document below target_field, stands in for each.
func testNames(t *testing.T, node *ostest.Node) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "names.md"))
	require.NoError(t, err)
	found := regexp.MustCompile(`(?s)PUT _ingest/pipeline/logs-1password\.audit_events@custom\n(\{.*?\n\})\n`).FindSubmatch(page)
	require.NotNil(t, found, "the page has the pipeline")
	var pipeline struct {
		Processors []map[string]map[string]any `json:"processors"`
	}
	require.NoError(t, json.Unmarshal(found[1], &pipeline))
	enriched := 0
	for i, processor := range pipeline.Processors {
		enrich, ok := processor["enrich"]
		if !ok {
			continue
		}
		enriched++
		assert.Equal(t, true, enrich["ignore_missing"])
		assert.Equal(t, "onepassword.vault_uuid", enrich["field"])
		pipeline.Processors[i] = map[string]map[string]any{"set": {
			"if":    "ctx.onepassword?.vault_uuid == 'VAULT'",
			"field": enrich["target_field"],
			"value": object{"vault_id": "VAULT", "vault_name": "Payroll"},
		}}
	}
	require.Equal(t, 1, enriched)

	for uuid, want := range map[string]object{
		"VAULT": {"vault_uuid": "VAULT", "vault": object{"name": "Payroll"}},
		"OTHER": {"vault_uuid": "OTHER"},
	} {
		var answer struct {
			Docs []struct {
				Doc struct {
					Source object `json:"_source"`
				} `json:"doc"`
			} `json:"docs"`
		}
		node.Must(t, http.MethodPost, "/_ingest/pipeline/_simulate", object{
			"pipeline": pipeline,
			"docs":     []object{{"_source": object{"onepassword": object{"vault_uuid": uuid}}}},
		}, &answer)
		require.Len(t, answer.Docs, 1)
		assert.Equal(t, object{"onepassword": want}, answer.Docs[0].Doc.Source)
	}
}
