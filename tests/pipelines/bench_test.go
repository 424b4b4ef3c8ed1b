// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What the pipelines cost, as the node itself measures it.

package pipelines

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"onepasswordbeat/dev-tools/generate/pipelines/documents"
	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/module"
	"onepasswordbeat/tests/ostest"
)

// warmUp is how many requests go before those that are measured: Java compiles what it runs often.
const warmUp = 20

// BenchmarkPipelines sends simulated events both ways, in requests of a thousand, and prints the microseconds that a document spends in the pipeline.
func BenchmarkPipelines(b *testing.B) {
	node := ostest.Start(b)
	ostest.Install(b, node)
	node.Must(b, http.MethodPut, "/bench", object{"mappings": object{"dynamic": false}}, nil) // what follows the pipeline is not measured
	sim, err := eventsapitest.New(eventsapitest.Config{Seed: 9, Backlog: eventsapitest.Each(1000)})
	require.NoError(b, err)
	for _, m := range module.All() {
		var mapped, raw bytes.Buffer
		size := 0
		for _, item := range sim.All(eventsapitest.EventType(m.Path), time.Time{}) {
			size += len(item)
			d, err := documents.Beat(m, item, received, false)
			require.NoError(b, err)
			addLines(b, &mapped, d)
			addLines(b, &raw, documents.Raw(m, item, received, false))
		}
		for _, way := range []struct {
			name string
			body []byte
		}{{"beat", mapped.Bytes()}, {"raw", raw.Bytes()}} {
			b.Run(m.Name+"/"+way.name, func(b *testing.B) {
				send := func() {
					node.Must(b, http.MethodPost, "/bench/_bulk?filter_path=errors&batch_size=1000&pipeline="+ostest.PipelineName(m.Name), way.body, nil)
				}
				for range warmUp {
					send()
				}
				before := ingestStats(b, node, m)
				docs := 0
				for b.Loop() {
					docs += 1000
					send()
				}
				after := ingestStats(b, node, m)
				require.Equal(b, before.Failed, after.Failed)
				// OpenSearch counts the time of a batch, a thousand documents here, for each of its documents.
				b.ReportMetric(float64(after.Millis-before.Millis)/float64(docs), "µs/doc")
				b.ReportMetric(0, "ns/op") // of the client, and of what follows the pipeline
				b.ReportMetric(float64(size)/1000, "B/item")
			})
		}
	}
}

func addLines(b *testing.B, body *bytes.Buffer, d documents.Document) {
	b.Helper()
	body.WriteString(`{"index":{}}` + "\n")
	require.NoError(b, json.NewEncoder(body).Encode(d.Source))
}

type ingestCount struct {
	Millis int `json:"time_in_millis"`
	Failed int `json:"failed"`
}

// ingestStats are what the node has counted of a pipeline since it started.
func ingestStats(b *testing.B, node *ostest.Node, m module.Module) ingestCount {
	b.Helper()
	var answer struct {
		Nodes map[string]struct {
			Ingest struct {
				Pipelines map[string]ingestCount `json:"pipelines"`
			} `json:"ingest"`
		} `json:"nodes"`
	}
	node.Must(b, http.MethodGet, "/_nodes/stats/ingest", nil, &answer)
	for _, n := range answer.Nodes {
		return n.Ingest.Pipelines[ostest.PipelineName(m.Name)]
	}
	b.Fatal("no node has statistics")
	return ingestCount{}
}
