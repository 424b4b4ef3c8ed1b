// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What `setup --pipelines` loads: one pipeline in front of those of the event types.

package pipelines

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/elastic/beats/v7/libbeat/esleg/eslegclient"

	"onepasswordbeat/dev-tools/generate/pipelines/documents"
	"onepasswordbeat/internal/indexsetup"
	"onepasswordbeat/module"
	"onepasswordbeat/packages"
	"onepasswordbeat/tests/ostest"
)

func testStandalone(t *testing.T, node *ostest.Node) {
	embedded, err := packages.Pipelines()
	require.NoError(t, err)
	require.Len(t, embedded, len(module.All()))
	runnable := map[string]map[string]any{} // without what the engine lacks
	for name := range embedded {
		runnable[name] = ostest.Pipeline(t, name)
	}
	require.NoError(t, indexsetup.LoadPipelines(requester{t, node}, runnable))
	for _, name := range []string{"global", "logs", "logs-1password.integration", "logs-1password.audit_events", "logs-1password.signin_attempts"} {
		node.Must(t, http.MethodPut, "/_ingest/pipeline/"+name+"@custom", object{"processors": []object{}}, nil)
	}
	node.Must(t, http.MethodPut, "/_ingest/pipeline/logs-1password.item_usages@custom", object{"processors": []object{
		{"set": object{"field": "labels.custom", "value": "called"}},
		{"script": object{"source": "ctx.labels.original = ctx.event.original"}},
	}}, nil)

	for _, m := range module.All() {
		item := testData(t, m)[0]
		stream := "logs-1password." + m.Name + "-standalone"
		for name, doc := range map[string]object{
			"by dataset": {"_index": "elsewhere", "_source": object{"data_stream": object{"dataset": m.Dataset}, "message": string(item)}},
			"by index":   {"_index": stream, "_source": object{"message": string(item)}},
		} {
			got := through(t, node, doc)
			event, _ := got["event"].(map[string]any)
			assert.Equal(t, m.Dataset, event["dataset"], name)
			assert.Equal(t, "event", event["kind"], name)
			assert.NotEmpty(t, event["ingested"], name)
			assert.Equal(t, m.Name == "item_usages", got["labels"] != nil, "%s: only the custom pipeline of the event type is called", name)
			assert.NotContains(t, event, "original", name)
			if labels, _ := got["labels"].(map[string]any); labels != nil {
				assert.Equal(t, string(item), labels["original"], "a custom pipeline reads the original")
			}
			source := doc["_source"].(object) //nolint:errcheck // made above
			source["tags"] = []string{documents.Preserve}
			event, _ = through(t, node, doc)["event"].(map[string]any)
			assert.Equal(t, string(item), event["original"], name)
		}
		broken := through(t, node, object{"_index": stream, "_source": object{"message": "{"}})
		event, _ := broken["event"].(map[string]any)
		assert.Equal(t, "pipeline_error", event["kind"])
		assert.Equal(t, "{", event["original"], "what could not be mapped is kept")
	}
	other := object{"message": "{}", "data_stream": object{"dataset": "other.thing"}}
	assert.Equal(t, other, through(t, node, object{"_index": "logs-other.thing-default", "_source": other}))
}

// through is a document as the pipeline leaves it.
func through(t *testing.T, node *ostest.Node, doc object) object {
	t.Helper()
	var answer struct {
		Docs []struct {
			Doc struct {
				Source object `json:"_source"`
			} `json:"doc"`
			Error json.RawMessage `json:"error"`
		} `json:"docs"`
	}
	node.Must(t, http.MethodPost, "/_ingest/pipeline/"+indexsetup.PipelineName+"/_simulate", object{"docs": []object{doc}}, &answer)
	require.Len(t, answer.Docs, 1)
	require.Empty(t, answer.Docs[0].Error)
	return answer.Docs[0].Doc.Source
}

// requester is the client that indexsetup takes.
type requester struct {
	t    *testing.T
	node *ostest.Node
}

func (r requester) Request(method, path, _ string, _ map[string]string, body any) (int, []byte, error) {
	if raw, ok := body.(eslegclient.RawEncoding); ok {
		// OpenSearch does not have these options: here the pipelines are all there.
		body = strings.NewReplacer(`"ignore_missing_pipeline":true,`, "", `"_meta":{"managed_by":"onepasswordbeat"},`, "").Replace(string(raw.Encoding))
	}
	var answer json.RawMessage
	status := r.node.Do(r.t, method, path, body, &answer)
	if status >= http.StatusMultipleChoices {
		return status, answer, errors.New(string(answer))
	}
	return status, answer, nil
}
