// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Set-up of an Elasticsearch that says it is Serverless.

package indexsetup

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/elastic/beats/v7/libbeat/idxmgmt/lifecycle"
	conf "github.com/elastic/elastic-agent-libs/config"
	"github.com/elastic/elastic-agent-libs/logp/logptest"
)

// TestServerless_NoDefaultDeletesAnything: the template has a lifecycle without a
// retention, nothing else is loaded, and only the user can set a retention.
func TestServerless_NoDefaultDeletesAnything(t *testing.T) {
	shards := map[string]any{"number_of_shards": 3, "number_of_replicas": 1, "refresh_interval": "30s"}
	for name, test := range map[string]struct {
		settings  map[string]any
		lifecycle map[string]any
	}{
		"default":            {nil, map[string]any{}},
		"ILM disabled":       {map[string]any{"setup.ilm.enabled": false}, map[string]any{}},
		"a retention":        {map[string]any{"setup.dsl.data_retention": "400d"}, map[string]any{"data_retention": "400d"}},
		"dsl enabled":        {map[string]any{"setup.dsl.enabled": true}, map[string]any{}},
		"forbidden settings": {map[string]any{"setup.template.settings.index": shards}, map[string]any{}},
	} {
		t.Run(name, func(t *testing.T) {
			es := newES()
			es.flavor = "serverless"
			r := newRig(t, es, test.settings)
			for range 2 { // the second time the template is there
				require.NoError(t, r.command())
				require.NoError(t, r.run())
			}
			assert.Equal(t, []string{"PUT " + templatePath}, es.takeChanges(), "no policy, no data stream, no lifecycle of libbeat's")
			template := parse(t, es.stored[templatePath])
			assert.Equal(t, test.lifecycle, value(t, template, "template.lifecycle"))
			index := value(t, template, "template.settings.index")
			for _, setting := range serverlessDecides {
				assert.NotContains(t, index, setting)
			}
			if name == "forbidden settings" {
				assert.Equal(t, "30s", value(t, template, "template.settings.index.refresh_interval"))
			}
		})
	}
}

func TestServerless_RetentionIsChecked(t *testing.T) {
	for _, bad := range []string{"400", "seven days", "0d", "-1d", "7w", "1.5d"} {
		_, err := retentionOf(conf.MustNewConfigFrom(map[string]any{"data_retention": bad}))
		require.ErrorContains(t, err, "setup.dsl.data_retention", bad)
	}
	_, err := retentionOf(conf.MustNewConfigFrom(map[string]any{"policy_file": "x.json"}))
	require.ErrorContains(t, err, "setup.dsl.policy_file is not supported")
}

// TestServerless_ExplicitILM is libbeat's answer, which comes before the set-up.
func TestServerless_ExplicitILM(t *testing.T) {
	_, info, raw := newSupport(t, map[string]any{"setup.ilm.overwrite": true})
	info.Logger = logptest.NewTestingLogger(t, "")
	_, err := lifecycle.NewESClientHandler(serverlessClient{}, info, raw)
	require.ErrorContains(t, err, "ILM isn't supported on Serverless Elasticsearch")
	require.ErrorContains(t, err, "set setup.ilm.enabled to false")
}

type serverlessClient struct{ lifecycle.ESClient }

func (serverlessClient) IsServerless() bool { return true }
