// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The documents that are made of stories: by the beat alone, and by the integration's ingest pipelines of the raw items.

package detections

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"onepasswordbeat/detections/detectionstest"
	"onepasswordbeat/dev-tools/generate/fields/fielddefs"
	"onepasswordbeat/dev-tools/generate/pipelines/documents"
	"onepasswordbeat/module"
	"onepasswordbeat/tests/ostest"
)

// The ways from an item to a document. Without pipelines, no document has event.ingested.
const (
	byBeat      = "beat"
	byPipelines = "pipelines"
)

var ways = []string{byBeat, byPipelines}

// document is a document with the times that rules go by.
type document struct {
	documents.Document
	module   module.Module
	time     time.Time  // @timestamp
	ingested *time.Time // event.ingested
	created  time.Time  // event.created
}

// arrival is the time by which rules search.
func (d document) arrival() time.Time {
	if d.ingested != nil {
		return *d.ingested
	}
	return d.time
}

func moduleOf(t testing.TB, e detectionstest.Event) module.Module {
	t.Helper()
	all := module.All()
	i := slices.IndexFunc(all, func(m module.Module) bool { return m.Path == string(e.Type) })
	require.GreaterOrEqual(t, i, 0, e.Type)
	return all[i]
}

// mapped makes the documents of events. label is the story, which is a label of each document and a part of its id.
func mapped(t testing.TB, node *ostest.Node, way string, events []detectionstest.Event, label string) []document {
	t.Helper()
	docs := make([]document, len(events))
	for i, e := range events {
		m := moduleOf(t, e)
		d := documents.Raw(m, e.JSON(), e.Arrived, false)
		if way == byBeat {
			var err error
			d, err = documents.Beat(m, e.JSON(), e.Arrived, false)
			require.NoError(t, err)
		}
		docs[i] = document{Document: d, module: m, created: e.Arrived}
	}
	if way == byPipelines {
		piped(t, node, docs)
	}
	for i := range docs {
		d := &docs[i]
		d.Source["labels"] = object{"story": label}
		if way == byPipelines { // which set the time of this moment
			d.ingested = &d.created
			at[object](d.Source, "event")["ingested"] = stamp(d.created)
		}
		d.ID = label + "-" + strconv.Itoa(i)
		var err error
		d.time, err = time.Parse(time.RFC3339Nano, at[string](d.Source, "@timestamp"))
		require.NoError(t, err)
	}
	return docs
}

// piped runs documents through the pipelines of their event types.
func piped(t testing.TB, node *ostest.Node, docs []document) {
	t.Helper()
	for _, m := range module.All() {
		var which []int
		var sent list
		for i, d := range docs {
			if d.module.Name == m.Name {
				which, sent = append(which, i), append(sent, object{"_index": "test", "_source": d.Source})
			}
		}
		if len(sent) == 0 {
			continue
		}
		var answer struct {
			Docs []struct {
				Doc struct {
					Source object `json:"_source"`
				} `json:"doc"`
				Error json.RawMessage `json:"error"`
			} `json:"docs"`
		}
		node.Must(t, http.MethodPost, "/_ingest/pipeline/"+ostest.PipelineName(m.Name)+"/_simulate", object{"docs": sent}, &answer)
		require.Len(t, answer.Docs, len(sent))
		for n, i := range which {
			require.Empty(t, answer.Docs[n].Error)
			docs[i].Source = answer.Docs[n].Doc.Source
		}
	}
}

func indexName(m module.Module, way string) string { return "logs-1password." + m.Name + "-" + way }

// install makes the indices of both ways and of the normal week.
func install(t testing.TB, node *ostest.Node) {
	t.Helper()
	ostest.Install(t, node) // the pipelines
	set, err := fielddefs.Load(filepath.Join("..", ".."), module.All())
	require.NoError(t, err)
	for _, m := range module.All() {
		for _, way := range append(slices.Clone(ways), week) {
			node.Must(t, http.MethodPut, "/"+indexName(m, way), object{
				"settings": object{"index.number_of_replicas": 0, "index.mapping.total_fields.limit": 1000}, "mappings": ostest.Mappings(set, m),
			}, nil)
		}
	}
}

// store indexes documents; a search sees them afterwards.
func store(t testing.TB, node *ostest.Node, way string, docs []document) {
	t.Helper()
	for batch := range slices.Chunk(docs, 5000) {
		var lines strings.Builder
		e := json.NewEncoder(&lines)
		for _, d := range batch {
			require.NoError(t, e.Encode(object{"create": object{"_index": indexName(d.module, way), "_id": d.ID}}))
			require.NoError(t, e.Encode(d.Source))
		}
		var answer struct {
			Errors bool
			Items  list
		}
		node.Must(t, http.MethodPost, "/_bulk", lines.String(), &answer)
		if answer.Errors {
			for _, i := range answer.Items {
				require.Nil(t, at[object](i, "create.error"))
			}
		}
	}
	node.Must(t, http.MethodPost, "/_refresh", nil, nil)
}
