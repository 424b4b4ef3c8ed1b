// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The real binary: what it wrote, and the originals that it kept, come out of the pipeline as equal documents.

package pipelines

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"onepasswordbeat/dev-tools/generate/pipelines/documents"
	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/module"
	"onepasswordbeat/tests/beattest"
	"onepasswordbeat/tests/ostest"
)

func TestMain(m *testing.M) { os.Exit(beattest.Main(m)) } //nolint:forbidigo // the end of every TestMain

// written is how many events of each type the beat has to write.
const written = 500

func testBeat(t *testing.T, node *ostest.Node) {
	for _, version := range []string{"v1", "v2"} {
		t.Run(version, func(t *testing.T) {
			for dataset, docs := range runBeat(t, version) {
				compareWritten(t, node, dataset, docs)
			}
		})
	}
}

// runBeat has the beat collect everything from a simulator, and returns what it wrote, by dataset.
func runBeat(t *testing.T, version string) map[string][]documents.Document {
	t.Helper()
	srv := eventsapitest.StartTB(t, eventsapitest.Config{Seed: 11, Backlog: eventsapitest.Each(written)})
	want := written * len(module.All())
	home := beattest.NewHome(t)
	home.Configure(beattest.Config{
		Inputs: []beattest.M{{"type": "onepassword", "url": srv.URL, "token": srv.Token(), "api_version": version, "initial_interval": "2800h", "preserve_original_event": true}},
		Output: beattest.FileOutput(home),
	})
	beat := home.Start()
	beat.Until(90*time.Second, "all events are written", func() bool { return len(home.Events()) >= want })
	beat.Terminate(15 * time.Second)
	byDataset := map[string][]documents.Document{}
	for _, e := range home.Events() {
		d := documents.Document{ID: e.Meta.ID}
		decoder := json.NewDecoder(bytes.NewReader(e.Raw))
		decoder.UseNumber()
		require.NoError(t, decoder.Decode(&d.Source))
		delete(d.Source, "@metadata")
		byDataset[e.Event.Dataset] = append(byDataset[e.Event.Dataset], d)
	}
	require.Len(t, byDataset, len(module.All()))
	return byDataset
}

// compareWritten sends what the beat wrote through the pipeline, and the originals in it.
func compareWritten(t *testing.T, node *ostest.Node, dataset string, mapped []documents.Document) {
	t.Helper()
	pipeline := ""
	for _, m := range module.All() {
		if m.Dataset == dataset {
			pipeline = ostest.PipelineName(m.Name)
		}
	}
	require.NotEmpty(t, pipeline, dataset)
	var raw []documents.Document
	for _, d := range mapped {
		event, _ := d.Source["event"].(object)
		source := object{"@timestamp": event["created"], "message": event["original"], "input": object{"type": "cel"}, "tags": []any{documents.Preserve, "forwarded"}}
		for _, name := range []string{"data_stream", "agent"} {
			source[name] = d.Source[name]
		}
		raw = append(raw, documents.Document{Source: source})
	}
	mapped, raw = simulate(t, node, pipeline, mapped), simulate(t, node, pipeline, raw)
	for i := range mapped {
		require.Empty(t, differences(mapped[i], raw[i]), fmt.Sprint(raw[i].Source))
	}
	t.Logf("%s: %d events of the beat", dataset, len(mapped))
}
