// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Template and policy: who loads them, and when.

package elasticsearch

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/elastic/beats/v7/libbeat/esleg/eslegclient"

	"onepasswordbeat/internal/indexsetup"
	"onepasswordbeat/tests/estest"
)

const templatePath = "/_index_template/" + indexsetup.TemplateName

// put loads a template as the superuser does.
func put(t *testing.T, node *estest.Node, path string, body any) {
	t.Helper()
	status, answer := node.Do(t, estest.Admin, http.MethodPut, path, body)
	require.Equal(t, http.StatusOK, status, string(answer))
}

// template is the beat's template as the node has it; nil if it has none.
func template(t *testing.T, node *estest.Node) M {
	t.Helper()
	status, answer := node.Do(t, estest.Admin, http.MethodGet, templatePath, nil)
	if status == http.StatusNotFound {
		return nil
	}
	require.Equal(t, http.StatusOK, status, string(answer))
	var list struct {
		Templates []struct {
			Template M `json:"index_template"`
		} `json:"index_templates"`
	}
	require.NoError(t, json.Unmarshal(answer, &list))
	require.Len(t, list.Templates, 1)
	return list.Templates[0].Template
}

// own is a template of a user's, for one namespace, above the beat's.
func own(namespace string, mappings M) M {
	return M{
		"index_patterns": []string{"logs-1password.*-" + namespace}, "priority": 300, "data_stream": M{},
		"template": M{"mappings": mappings},
	}
}

// Set-up switched off: the beat's template is not asked for, and events are sent.
func testTemplateSwitchedOff(t *testing.T, node *estest.Node) {
	put(t, node, "/_index_template/own", own("own", M{"properties": M{"source": M{"properties": M{"ip": M{"type": "ip"}}}}}))
	f := newFlow(t, node, "own", plan{User: writer, Events: 20, More: M{"setup.template.enabled": false, "setup.ilm.enabled": false}})
	beat := f.home.Start()
	f.complete(t, beat, soon)
	end(t, beat)
	assert.Nil(t, template(t, node), "nothing was loaded")
	assert.Nil(t, node.Policy(indexsetup.TemplateName))
}

// A writer without a template says so and sends nothing that would be mapped
// wrongly. After a set-up by the role that docs name for it, it continues automatically.
func testWriterWithoutTemplate(t *testing.T, node *estest.Node) {
	f := newFlow(t, node, "late", plan{User: writer, Events: 20})
	beat := f.home.Start()
	for range 2 {
		line := beat.WaitLogAfter(beat.Log.Len(), `the index template "onepasswordbeat" is not there`, soon)
		assert.Contains(t, line.Message, "onepasswordbeat setup")
		assert.Contains(t, line.Message, "setup.template.enabled")
		assert.Contains(t, line.Message, "is unauthorized for user [writer]")
	}
	assert.Zero(t, node.Count(t, f.streams()))
	for typ, cursor := range f.home.Cursors() {
		assert.Empty(t, cursor, "the cursor of %s moved", typ)
	}
	status, indices := node.Do(t, estest.Admin, http.MethodGet, "/_cat/indices/*late*?expand_wildcards=all&h=index", nil)
	assert.Equal(t, http.StatusOK, status)
	assert.Empty(t, string(indices), "nothing was made")

	setUp(t, node)
	f.complete(t, beat, soon)
	end(t, beat)
	assertTemplateUsed(t, node, f)
}

// setUp runs `setup` as the role that docs name for it.
func setUp(t *testing.T, node *estest.Node, args ...string) {
	t.Helper()
	f := newFlow(t, node, "setup", plan{User: setter})
	result := f.home.Command(append([]string{"setup"}, args...)...)
	require.Zero(t, result.Code, result.All())
	require.NotNil(t, template(t, node))
	require.NotNil(t, node.Policy(indexsetup.TemplateName))
}

// A role that may do all needs no `setup`.
func testSetsUpAutomatically(t *testing.T, node *estest.Node) {
	require.Nil(t, template(t, node))
	f := newFlow(t, node, "self", plan{User: owner, Events: 20})
	beat := f.home.Start()
	f.complete(t, beat, soon)
	end(t, beat)
	assert.NotNil(t, node.Policy(indexsetup.TemplateName))
	assertTemplateUsed(t, node, f)
}

// assertTemplateUsed checks that the data streams' indices are made of what the
// beat exports as its template.
func assertTemplateUsed(t *testing.T, node *estest.Node, f *flow) {
	t.Helper()
	exported := f.home.Command("export", "template")
	require.Zero(t, exported.Code, exported.All())
	assert.JSONEq(t, exported.Stdout, string(node.Template(indexsetup.TemplateName)), "what was loaded")

	var indices map[string]struct {
		DataStream string `json:"data_stream"`
		Mappings   struct {
			Meta struct {
				Beat string `json:"beat"`
			} `json:"_meta"`
			DateDetection *bool `json:"date_detection"`
		} `json:"mappings"`
		Settings struct {
			Index struct {
				RefreshInterval string `json:"refresh_interval"`
			} `json:"index"`
		} `json:"settings"`
	}
	status, answer := node.Do(t, estest.Admin, http.MethodGet, "/"+f.streams(), nil)
	require.Equal(t, http.StatusOK, status, string(answer))
	require.NoError(t, json.Unmarshal(answer, &indices))
	require.Len(t, indices, len(names))
	var streams []string
	for name, index := range indices {
		streams = append(streams, index.DataStream)
		assert.Equal(t, "onepasswordbeat", index.Mappings.Meta.Beat, name)
		assert.Equal(t, new(bool), index.Mappings.DateDetection, name)
		assert.Equal(t, "5s", index.Settings.Index.RefreshInterval, name)
	}
	var want []string
	for typ := range names {
		want = append(want, f.stream(typ))
	}
	assert.ElementsMatch(t, want, streams, "the three data streams")
}

// What a user changed stays, unless overwrite says otherwise.
func testSetupTwice(t *testing.T, node *estest.Node) {
	original, policy := template(t, node), node.Policy(indexsetup.TemplateName)
	require.NotNil(t, original)
	changed := M{
		"index_patterns": original["index_patterns"], "priority": original["priority"], "data_stream": M{},
		"template": M{"settings": M{"index": M{"refresh_interval": "7s"}}}, "_meta": M{"by": "a user"},
	}
	put(t, node, templatePath, changed)
	put(t, node, "/_ilm/policy/"+indexsetup.TemplateName, M{"policy": M{"phases": M{}, "_meta": M{"by": "a user"}}})
	before := template(t, node)
	require.NotEqual(t, original, before)

	setUp(t, node)
	assert.Equal(t, before, template(t, node), "the template changed")
	assert.Contains(t, string(node.Policy(indexsetup.TemplateName)), "a user", "the policy changed")

	setUp(t, node, "-E", "setup.template.overwrite=true", "-E", "setup.ilm.overwrite=true")
	assert.Equal(t, original, template(t, node), "told to overwrite")
	assert.JSONEq(t, string(policy), string(node.Policy(indexsetup.TemplateName)), "told to overwrite")
}

// The setting that `setup --pipelines` makes in a template that is there, on a
// server that adds to templates what it does not take back. (The pipelines
// themselves need processors that this server has not.)
func testNamesPipeline(t *testing.T, node *estest.Node) {
	put(t, node, "/_index_template/named", M{
		"index_patterns": []string{"named-*"}, "version": 3, "_meta": M{"by": "a user"},
		"template": M{"settings": M{"index.number_of_shards": 2}, "mappings": M{"properties": M{"a": M{"type": "long"}}}},
	})
	read := func() string {
		_, answer := node.Do(t, estest.Admin, http.MethodGet, "/_index_template/named?filter_path=index_templates.index_template,-index_templates.index_template.*_date_millis", nil)
		return string(answer)
	}
	before := read()
	other, err := indexsetup.NamePipeline(requester{t, node}, "named")
	require.NoError(t, err)
	assert.Empty(t, other)
	assert.JSONEq(t, strings.Replace(before, `"number_of_shards":"2"`, `"number_of_shards":"2","default_pipeline":"onepasswordbeat"`, 1), read())
}

// requester is the client that indexsetup takes.
type requester struct {
	t    *testing.T
	node *estest.Node
}

func (r requester) Request(method, path, _ string, _ map[string]string, body any) (int, []byte, error) {
	if raw, ok := body.(eslegclient.RawEncoding); ok {
		body = raw.Encoding
	}
	status, answer := r.node.Do(r.t, estest.Admin, method, path, body)
	if status >= http.StatusMultipleChoices {
		return status, answer, errors.New(string(answer))
	}
	return status, answer, nil
}
