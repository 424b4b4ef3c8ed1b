// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The pipeline tests that the package brings, run as elastic-package would.

package pipelines

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"onepasswordbeat/dev-tools/generate/pipelines/documents"
	"onepasswordbeat/module"
	"onepasswordbeat/tests/ostest"
)

func testPackageTests(t *testing.T, node *ostest.Node) {
	for _, m := range module.All() {
		dir := filepath.Join("..", "..", "packages", "1password", "data_stream", m.Name, "_dev", "test", "pipeline")
		var config struct {
			Dynamic map[string]string `yaml:"dynamic_fields"`
		}
		text, err := os.ReadFile(filepath.Join(dir, "test-common-config.yml"))
		require.NoError(t, err)
		require.NoError(t, yaml.Unmarshal(text, &config))
		files, err := filepath.Glob(filepath.Join(dir, "test-*.json"))
		require.NoError(t, err)
		ran := 0
		for _, path := range files {
			if strings.HasSuffix(path, "-expected.json") {
				continue
			}
			var given struct{ Events []map[string]any }
			var want struct{ Expected []map[string]any }
			read(t, path, &given)
			read(t, path+"-expected.json", &want)
			docs := make([]documents.Document, len(given.Events))
			for i, source := range given.Events {
				docs[i].Source = source
			}
			require.Len(t, want.Expected, len(docs), path)
			for i, out := range simulate(t, node, ostest.PipelineName(m.Name), docs) {
				got := withoutDynamic(out.Source, config.Dynamic)
				assert.Equal(t, withoutDynamic(want.Expected[i], config.Dynamic), got, "%s: event %d", path, i)
				ran++
			}
		}
		require.Greater(t, ran, 30, m.Name)
		t.Logf("%s: %d events of pipeline tests", m.Name, ran)
	}
}

func read(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	require.NoError(t, d.Decode(into), path)
}

// withoutDynamic are a document's values by their full names, in comparable forms.
func withoutDynamic(source map[string]any, dynamic map[string]string) map[string]any {
	all := map[string]any{}
	flatten("", source, all)
	for name := range dynamic {
		if all["event.kind"] == "event" && name == "error.message" {
			continue // what was unexpected in an item is known
		}
		delete(all, name)
	}
	return all
}
