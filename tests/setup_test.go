// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Set-up of Elasticsearch: index template and ILM policy.

package tests

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/tests/beattest"
	"onepasswordbeat/tests/bulktest"
)

const template = "onepasswordbeat"

// setup makes what export prints, and a second time it changes nothing.
func TestSetupTwiceKeepsWhatAUserChanged(t *testing.T) {
	t.Parallel()
	srv := beattest.Backlog(t, 1)
	es := bulktest.Start(t)
	home := toBulk(t, srv, es)
	r := home.Command("setup")
	require.Zero(t, r.Code, r.All())
	require.NotNil(t, es.Template(template))
	require.NotNil(t, es.Policy(template))
	assertTemplate(t, es.Template(template))
	exported := home.Command("export", "template")
	require.Zero(t, exported.Code, exported.All())
	assert.JSONEq(t, exported.Stdout, string(es.Template(template)))
	for _, request := range es.Requests() {
		assert.NotContains(t, request, "_data_stream", "set-up makes no data stream")
	}

	own := json.RawMessage(`{"index_patterns":["logs-1password.*-*"],"priority":150,"data_stream":{},"_meta":{"by":"a user"}}`)
	es.PutTemplate(template, own)
	policy := json.RawMessage(`{"policy":{"phases":{},"_meta":{"by":"a user"}}}`)
	es.PutPolicy(template, policy)
	r = home.Command("setup")
	require.Zero(t, r.Code, r.All())
	assert.JSONEq(t, string(own), string(es.Template(template)), "the template changed")
	assert.JSONEq(t, string(policy), string(es.Policy(template)), "the policy changed")

	r = home.Command("setup", "-E", "setup.template.overwrite=true", "-E", "setup.ilm.overwrite=true")
	require.Zero(t, r.Code, r.All())
	assert.JSONEq(t, exported.Stdout, string(es.Template(template)), "told to overwrite")
}

// setup --pipelines loads them and the template that names them; without the
// flag there are none, and no event can name one that is not there.
func TestSetupPipelines(t *testing.T) {
	t.Parallel()
	es := bulktest.Start(t)
	home := toBulk(t, beattest.Backlog(t, 1), es)
	r := home.Command("setup")
	require.Zero(t, r.Code, r.All())
	assert.NotContains(t, string(es.Template(template)), "default_pipeline")
	assert.NotContains(t, r.All(), "ipeline")
	for _, request := range es.Requests() {
		assert.NotContains(t, request, "_ingest")
	}

	r = home.Command("setup", "--pipelines")
	require.Zero(t, r.Code, r.All())
	assert.Contains(t, r.Stdout, `names the ingest pipeline "onepasswordbeat"`)
	for _, name := range []string{"onepasswordbeat", "onepasswordbeat-audit_events", "onepasswordbeat-item_usages", "onepasswordbeat-signin_attempts"} {
		assert.NotNil(t, es.Pipeline(name), name)
	}
	assertTemplate(t, es.Template(template))
	assert.Contains(t, string(es.Template(template)), `"default_pipeline":"onepasswordbeat"`)
	before := es.Template(template)
	r = home.Command("setup", "--pipelines", "-E", "setup.template.overwrite=true")
	require.Zero(t, r.Code, r.All())
	assert.JSONEq(t, string(before), string(es.Template(template)), "made anew, it names the pipeline again")
}

// setup --pipelines alone makes all that is needed; what it may not load, the
// template does not name.
func TestSetupPipelinesAlone(t *testing.T) {
	t.Parallel()
	es := bulktest.Start(t)
	home := toBulk(t, beattest.Backlog(t, 1), es)
	es.Deny(http.MethodPut, "/_ingest/pipeline/onepasswordbeat-signin_attempts")
	r := home.Command("setup", "--pipelines")
	assert.NotZero(t, r.Code)
	assert.Contains(t, r.Stderr, "the ingest pipeline of signin_attempts can't be loaded: 403 from Elasticsearch")
	assert.Contains(t, r.Stderr, "manage_ingest_pipelines")
	assert.Nil(t, es.Template(template))
	es.Allow()
	r = home.Command("setup", "--pipelines")
	require.Zero(t, r.Code, r.All())
	assert.NotNil(t, es.Policy(template))
	assert.Contains(t, string(es.Template(template)), `"default_pipeline":"onepasswordbeat"`)
}

// setup --pipelines has the template name the pipeline that the settings load, by
// whatever name; where they load none, it says what to do.
func TestSetupPipelinesOtherTemplate(t *testing.T) {
	t.Parallel()
	es := bulktest.Start(t)
	home := toBulk(t, beattest.Backlog(t, 1), es)
	r := home.Command("setup", "--pipelines", "-E", "setup.template.enabled=false", "-E", "setup.ilm.enabled=false")
	require.Zero(t, r.Code, r.All())
	assert.Contains(t, r.Stdout, `have yours name the ingest pipeline "onepasswordbeat"`)
	assert.NotNil(t, es.Pipeline("onepasswordbeat"))

	es.PutTemplate(template, json.RawMessage(`{"index_patterns":["old"]}`))
	own := home.Write("own.json", `{"index_patterns":["logs-1password.*-*"],"priority":160,"data_stream":{}}`)
	r = home.Command("setup", "--pipelines", "-E", "setup.template.json.enabled=true", "-E", "setup.template.json.name=own", "-E", "setup.template.json.path="+own)
	require.Zero(t, r.Code, r.All())
	assert.Contains(t, string(es.Template("own")), `"default_pipeline":"onepasswordbeat"`)
	assert.NotContains(t, string(es.Template(template)), "default_pipeline")
}

// A run without setup before it loads the template before the first event.
func TestRunWithoutSetupLoadsTheTemplate(t *testing.T) {
	t.Parallel()
	srv := beattest.Backlog(t, 50)
	es := bulktest.Start(t)
	home := toBulk(t, srv, es)
	beat := home.Start()
	beat.Until(soon, "an event is indexed", func() bool { return es.Count("") > 0 })
	assertTemplate(t, es.Template(template))
	assert.NotNil(t, es.Policy(template))
	waitIndexed(t, beat, srv, es, soon)
	beat.Terminate(stopMost)
	assertIndexed(t, srv, es)
}

// A role that may only write and look, after someone else's set-up.
func TestWriterAfterSomeoneElsesSetup(t *testing.T) {
	t.Parallel()
	srv := beattest.Backlog(t, 50)
	es := bulktest.Start(t)
	home := toBulk(t, srv, es)
	require.Zero(t, home.Command("setup").Code)
	onlyWrites(es)
	beat := home.Start()
	waitIndexed(t, beat, srv, es, soon)
	beat.Terminate(stopMost)
	assertIndexed(t, srv, es)
}

// A role that may only write and look, and no template: it says so and sends
// nothing that would be mapped wrongly. It continues automatically after a set-up.
func TestWriterWithoutTemplateSendsNothing(t *testing.T) {
	t.Parallel()
	srv := beattest.Backlog(t, 50)
	es := bulktest.Start(t)
	onlyWrites(es)
	home := toBulk(t, srv, es)
	beat := home.Start()
	line := beat.WaitLog("the index template \"onepasswordbeat\" is not there", soon)
	assert.Contains(t, line.Message, "onepasswordbeat setup")
	assert.Contains(t, line.Message, "setup.template.enabled")
	before := len(es.Requests())
	beat.Until(soon, "it connects again", func() bool { return len(es.Requests()) > before+8 })
	assert.Zero(t, es.Stats().Bulks, "something was sent")
	assertCursorsHeld(t, home, 3)

	es.PutTemplate(template, json.RawMessage(`{}`)) // another role's set-up
	waitIndexed(t, beat, srv, es, soon)
	beat.Terminate(stopMost)
	assertIndexed(t, srv, es)
}

// Set-up switched off: nothing is asked for, events are sent.
func TestTemplateSwitchedOff(t *testing.T) {
	t.Parallel()
	srv := beattest.Backlog(t, 50)
	es := bulktest.Start(t)
	onlyWrites(es)
	home := beattest.NewHome(t)
	home.Configure(beattest.Config{
		Inputs: []M{input(srv)}, Output: bulkOutput(es),
		More: M{"setup.template.enabled": false, "setup.ilm.enabled": false},
	})
	beat := home.Start()
	waitIndexed(t, beat, srv, es, soon)
	beat.Terminate(stopMost)
	for _, request := range es.Requests() {
		assert.False(t, strings.Contains(request, "_index_template") || strings.Contains(request, "_ilm"), request)
	}
	assertIndexed(t, srv, es)
}

// onlyWrites takes away all that a writer's role lacks.
func onlyWrites(es *bulktest.Server) {
	es.Deny(http.MethodPut, "/_index_template/")
	es.Deny(http.MethodGet, "/_ilm/")
	es.Deny(http.MethodPut, "/_ilm/")
}

func assertTemplate(t *testing.T, body json.RawMessage) {
	t.Helper()
	var got struct {
		Patterns   []string        `json:"index_patterns"`
		Priority   int             `json:"priority"`
		DataStream json.RawMessage `json:"data_stream"`
		Template   struct {
			Settings struct {
				Index struct {
					Lifecycle struct {
						Name string `json:"name"`
					} `json:"lifecycle"`
				} `json:"index"`
			} `json:"settings"`
			Mappings struct {
				Properties map[string]json.RawMessage `json:"properties"`
			} `json:"mappings"`
		} `json:"template"`
	}
	require.NotNil(t, body, "there is no template")
	require.NoError(t, json.Unmarshal(body, &got))
	assert.Equal(t, []string{"logs-1password.*-*"}, got.Patterns)
	assert.Equal(t, 150, got.Priority)
	assert.NotNil(t, got.DataStream)
	assert.Equal(t, template, got.Template.Settings.Index.Lifecycle.Name)
	for _, field := range []string{"@timestamp", "event", "user", "source", "onepassword"} {
		assert.Contains(t, got.Template.Mappings.Properties, field)
	}
}
