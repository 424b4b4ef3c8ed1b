// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Set-up and collection with an Elasticsearch that answers like Serverless.

package elasticsearch

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/internal/indexsetup"
	"onepasswordbeat/tests/estest"
)

func loadedLifecycle(t *testing.T, node *estest.Node) M {
	t.Helper()
	var loaded struct {
		Template struct {
			Lifecycle M `json:"lifecycle"`
		} `json:"template"`
	}
	raw := node.Template(indexsetup.TemplateName)
	require.NoError(t, json.Unmarshal(raw, &loaded), string(raw))
	return loaded.Template.Lifecycle
}

func testServerlessSetsUp(t *testing.T, node *estest.Node) {
	f := newFlow(t, node, "sl", plan{User: owner, Events: 20})
	beat := f.home.Start()
	f.complete(t, beat, soon)
	end(t, beat)
	assert.Equal(t, M{}, loadedLifecycle(t, node), "no default deletes anything")
	assert.Nil(t, node.Policy(indexsetup.TemplateName))
	result := f.home.Command("setup")
	assert.Zero(t, result.Code, result.All())
	status, answer := node.Do(t, estest.Admin, http.MethodGet, "/"+f.streams(), nil)
	require.Equal(t, http.StatusOK, status, string(answer))
	assert.NotContains(t, string(answer), "data_retention")
}

func testServerlessExport(t *testing.T, node *estest.Node) {
	f := newFlow(t, node, "sl", plan{User: owner})
	exported := f.home.Command("export", "template", "-E", "setup.dsl.enabled=true")
	require.Zero(t, exported.Code, exported.All())
	assert.JSONEq(t, string(node.Template(indexsetup.TemplateName)), exported.Stdout)
}

func testServerlessRetention(t *testing.T, node *estest.Node) {
	f := newFlow(t, node, "sl", plan{User: owner, More: M{"setup.dsl.data_retention": "400d", "setup.template.overwrite": true}})
	result := f.home.Command("setup")
	require.Zero(t, result.Code, result.All())
	assert.Equal(t, M{"data_retention": "400d"}, loadedLifecycle(t, node))
}

func testServerlessExplicitILM(t *testing.T, node *estest.Node) {
	f := newFlow(t, node, "ilm", plan{User: owner, Events: 5, More: M{"setup.ilm.policy_name": "mine"}})
	result := f.home.Command("setup")
	assert.NotZero(t, result.Code)
	assert.Contains(t, result.All(), "ILM isn't supported on Serverless Elasticsearch")
	beat := f.home.Start()
	beat.WaitLog("set setup.ilm.enabled to false", soon)
	end(t, beat)
}

func testServerlessTestOutput(t *testing.T, node *estest.Node) {
	f := newFlow(t, node, "sl", plan{User: owner})
	result := f.home.Command("test", "output")
	assert.Zero(t, result.Code, result.All())
	assert.Contains(t, result.All(), "Elasticsearch Serverless")
}
