// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

package indexsetup

import (
	"encoding/json"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/elastic/beats/v7/libbeat/esleg/eslegclient"
	"github.com/elastic/elastic-agent-libs/logp/logptest"

	"onepasswordbeat/packages"
)

func connect(t *testing.T, es *elasticsearch) *eslegclient.Connection {
	t.Helper()
	srv := httptest.NewServer(es)
	t.Cleanup(srv.Close)
	conn, err := eslegclient.NewConnection(eslegclient.ConnectionSettings{URL: srv.URL}, logptest.NewTestingLogger(t, ""))
	require.NoError(t, err)
	require.NoError(t, conn.Connect(t.Context()))
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestLoadPipelines(t *testing.T) {
	es := newES()
	pipelines, err := packages.Pipelines()
	require.NoError(t, err)
	require.NoError(t, LoadPipelines(connect(t, es), pipelines))
	assert.Equal(t, []string{
		"PUT /_ingest/pipeline/onepasswordbeat-audit_events", "PUT /_ingest/pipeline/onepasswordbeat-item_usages",
		"PUT /_ingest/pipeline/onepasswordbeat-signin_attempts", "PUT /_ingest/pipeline/onepasswordbeat",
	}, es.takeChanges(), "first what the last one names")
	var router struct {
		Processors []struct {
			Pipeline struct {
				Name string `json:"name"`
			} `json:"pipeline"`
			Remove struct {
				Field string `json:"field"`
			} `json:"remove"`
		} `json:"processors"`
	}
	require.NoError(t, json.Unmarshal([]byte(es.stored["/_ingest/pipeline/onepasswordbeat"]), &router))
	var names []string
	for _, p := range router.Processors {
		names = append(names, p.Pipeline.Name+p.Remove.Field)
	}
	assert.Equal(t, []string{
		"onepasswordbeat-audit_events", "onepasswordbeat-item_usages", "onepasswordbeat-signin_attempts",
		"global@custom", "logs@custom", "logs-1password.integration@custom",
		"logs-1password.audit_events@custom", "logs-1password.item_usages@custom", "logs-1password.signin_attempts@custom",
		"event.original",
	}, names, "a custom pipeline still sees the original")
	for name := range pipelines {
		assert.NotEmpty(t, value(t, parse(t, es.stored["/_ingest/pipeline/onepasswordbeat-"+name]), "processors"), name)
	}
}

func TestLoadPipelinesRejected(t *testing.T) {
	es := newES()
	es.status["PUT /_ingest/pipeline/onepasswordbeat-audit_events"] = 403
	err := LoadPipelines(connect(t, es), map[string]map[string]any{"audit_events": {}, "item_usages": {}})
	require.EqualError(t, err, "the ingest pipeline of audit_events can't be loaded: 403 from Elasticsearch: action is unauthorized for user [writer]")
	assert.Empty(t, es.takeChanges())
}

// The template is made anew with the one setting in it, and nothing else is touched.
func TestNamePipeline(t *testing.T) {
	tests := map[string]struct {
		stored, want, other string
	}{
		"as the beat loads it": {
			stored: `{"index_patterns":["x"],"priority":150,"template":{"settings":{"index":{"lifecycle":{"name":"p"}}},"mappings":{"a":12345678901234567890}}}`,
			want: `{"index_patterns":["x"],"priority":150,"template":{"settings":{"index":{"default_pipeline":"onepasswordbeat","lifecycle":{"name":"p"}}},
				"mappings":{"a":12345678901234567890}}}`,
		},
		"without settings": {stored: `{"priority":1}`, want: `{"priority":1,"template":{"settings":{"index":{"default_pipeline":"onepasswordbeat"}}}}`},
		"_none":            {stored: `{"template":{"settings":{"index":{"default_pipeline":"_none"}}}}`, want: `{"template":{"settings":{"index":{"default_pipeline":"onepasswordbeat"}}}}`},
		"dates that Elasticsearch adds": {
			stored: `{"created_date_millis":1,"modified_date":"x","template":{}}`,
			want:   `{"template":{"settings":{"index":{"default_pipeline":"onepasswordbeat"}}}}`,
		},
		"named already":         {stored: `{"template":{"settings":{"index":{"default_pipeline":"onepasswordbeat"}}}}`},
		"another of the user's": {stored: `{"template":{"settings":{"index":{"default_pipeline":"mine"}}}}`, other: "mine"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			es := newES()
			es.stored[templatePath] = test.stored
			other, err := NamePipeline(connect(t, es), TemplateName)
			require.NoError(t, err)
			assert.Equal(t, test.other, other)
			if test.want == "" {
				assert.Empty(t, es.takeChanges())
				return
			}
			assert.JSONEq(t, test.want, es.stored[templatePath])
		})
	}
}

func TestNamePipelineWithoutTemplate(t *testing.T) {
	_, err := NamePipeline(connect(t, newES()), "mine")
	assert.ErrorContains(t, err, `the index template "mine" can't be read: 404`)
}

func TestNamePipelineInATemplateOfAnotherForm(t *testing.T) {
	es := newES()
	es.stored[templatePath] = `{"template":{"settings":"none"}}`
	_, err := NamePipeline(connect(t, es), TemplateName)
	require.ErrorContains(t, err, "settings is not an object")
	assert.Empty(t, es.takeChanges())
}
