// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package pipelines tests the integration's ingest pipelines on a real engine.
package pipelines

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"onepasswordbeat/dev-tools/generate/pipelines/documents"
	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/module"
	"onepasswordbeat/tests/ostest"
)

// received is when all documents were collected.
var received = time.Date(2026, 10, 1, 12, 0, 0, 123_000_000, time.UTC)

// TestPipelines has one node for all of its parts.
func TestPipelines(t *testing.T) {
	node := ostest.Start(t)
	ostest.Install(t, node)
	for _, part := range []struct {
		name string
		run  func(*testing.T, *ostest.Node)
	}{
		{"both ways come out equal", testParity},
		{"values of other types", testVariants},
		{"odd texts and broken JSON", testTexts},
		{"items broken at random", testMutants},
		{"stored as in production", testStored},
		{"a document that is not an item says so", testHostile},
		{"huge and deep", testHuge},
		{"run again, nothing changes", testRerun},
		{"what @custom changed stays", testCustom},
		{"the original on request", testOriginal},
		{"what a raw document carries stays", testCarried},
		{"location and network fill gaps", testFillSource},
		{"the package's own pipeline tests", testPackageTests},
		{"what the beat wrote", testBeat},
		{"loaded by the beat's setup", testStandalone},
		{"names by an enrich policy", testNames},
	} {
		t.Run(part.name, func(t *testing.T) { part.run(t, node) })
	}
}

// simulated is how many events of each type the simulator makes for the tests.
const simulated = 2000

// items are a module's test data, and simulated events.
func items(t testing.TB, m module.Module) [][]byte {
	t.Helper()
	all := append(testData(t, m), samples(t, m)...)
	sim, err := eventsapitest.New(eventsapitest.Config{Seed: 5, Backlog: eventsapitest.Each(simulated)})
	require.NoError(t, err)
	for _, item := range sim.All(eventsapitest.EventType(m.Path), time.Time{}) {
		all = append(all, item)
	}
	return all
}

// testData is what the module's own tests are made of.
func testData(t testing.TB, m module.Module) (all [][]byte) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "module", m.Path, "testdata", "*.ndjson"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, name := range files {
		all = append(all, lines(t, name)...)
	}
	return all
}

// samplesEnv may name a folder with more items: files *.ndjson, with the event type's path (such as auditevents) in their names.
const samplesEnv = "ONEPASSWORDBEAT_SAMPLES"

func samples(t testing.TB, m module.Module) (all [][]byte) {
	t.Helper()
	dir := os.Getenv(samplesEnv)
	if dir == "" {
		return nil
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"+m.Path+"*.ndjson"))
	require.NoError(t, err)
	for _, name := range files {
		list := lines(t, name)
		t.Logf("%d items of %s", len(list), filepath.Base(name))
		all = append(all, list...)
	}
	return all
}

func lines(t testing.TB, name string) (all [][]byte) {
	t.Helper()
	content, err := os.ReadFile(name)
	require.NoError(t, err)
	for line := range strings.Lines(string(content)) {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, []byte(line))
		}
	}
	return all
}

// batch is how many documents a request has.
const batch = 400

// simulate runs documents through a pipeline without storing them.
func simulate(t testing.TB, node *ostest.Node, pipeline string, docs []documents.Document) []documents.Document {
	t.Helper()
	var out []documents.Document
	for len(docs) > 0 {
		n := min(batch, len(docs))
		out = append(out, simulateBatch(t, node, pipeline, docs[:n])...)
		docs = docs[n:]
	}
	return out
}

func simulateBatch(t testing.TB, node *ostest.Node, pipeline string, docs []documents.Document) []documents.Document {
	t.Helper()
	list := make([]map[string]any, len(docs))
	for i, d := range docs {
		list[i] = map[string]any{"_source": d.Source, "_index": "test"}
		if d.ID != "" {
			list[i]["_id"] = d.ID
		}
	}
	var answer struct {
		Docs []struct {
			Doc struct {
				ID     string         `json:"_id"`
				Source map[string]any `json:"_source"`
			} `json:"doc"`
			Error json.RawMessage `json:"error"`
		} `json:"docs"`
	}
	node.Must(t, http.MethodPost, "/_ingest/pipeline/"+pipeline+"/_simulate", map[string]any{"docs": list}, &answer)
	require.Len(t, answer.Docs, len(docs))
	out := make([]documents.Document, len(docs))
	for i, d := range answer.Docs {
		require.Empty(t, d.Error, "document %d: %s", i, fmt.Sprint(docs[i].Source)[:min(2000, len(fmt.Sprint(docs[i].Source)))])
		out[i] = documents.Document{ID: d.Doc.ID, Source: d.Doc.Source}
	}
	return out
}
