// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Where states are kept, and what names their destination.

package beater

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/elastic/beats/v7/libbeat/beat"
	conf "github.com/elastic/elastic-agent-libs/config"

	"onepasswordbeat/config"
)

type m = map[string]any

// withOutput is a beat with an output.
func withOutput(t *testing.T, output m) *beat.Beat {
	t.Helper()
	b := newBeat(t, false)
	b.Config = &beat.BeatConfig{}
	require.NoError(t, conf.MustNewConfigFrom(m{"output": output}).Unpack(b.Config))
	return b
}

func TestRegistrySettings(t *testing.T) {
	elastic, file := m{"elasticsearch": m{"hosts": []string{"es:9200"}}}, m{"file": m{"path": "/tmp"}}
	own := m{"hosts": []string{"state:9200"}}
	for name, test := range map[string]struct {
		output, state m
		want          string // part of the error
		elasticsearch bool   // there is one to look at
	}{
		"nothing is set":                    {elastic, m{}, "", false},
		"the output's connection":           {elastic, m{"backend": "elasticsearch", "id": "a"}, "", true},
		"its own":                           {file, m{"backend": "elasticsearch", "id": "a", "elasticsearch": own}, "", true},
		"none":                              {file, m{"backend": "elasticsearch", "id": "a"}, "onepasswordbeat.state.backend: elasticsearch needs an Elasticsearch", false},
		"no id":                             {elastic, m{"backend": "elasticsearch"}, "onepasswordbeat.state.id: it is missing", false},
		"its own without hosts":             {elastic, m{"backend": "elasticsearch", "id": "a", "elasticsearch": m{"api_key": "x:y"}}, "onepasswordbeat.state.elasticsearch cannot be used for the states", false},
		"files, and a look at the output's": {elastic, m{"id": "a"}, "", true},
		"files, and nowhere to look":        {file, m{"id": "a"}, "", false},
		"files, and no id to look for":      {file, m{"elasticsearch": own}, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			b := withOutput(t, test.output)
			s, err := RegistrySettings(b, conf.MustNewConfigFrom(m{"state": test.state}))
			if test.want != "" {
				require.ErrorContains(t, err, test.want)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.elasticsearch, s.Elasticsearch != nil)
		})
	}
}

// TestDestination: states of two beats are exchangeable if their events go to the same place.
func TestDestination(t *testing.T) {
	c := config.Default()
	of := func(output m, namespace, index string) string {
		c := c
		c.Namespace = namespace
		return destination(withOutput(t, output), c, index)
	}
	hosts := func(hosts ...string) m { return m{"elasticsearch": m{"hosts": hosts}} }
	same := of(hosts("a:9200", "b:9200"), "default", "")
	assert.Len(t, same, 32)
	assert.Equal(t, same, of(hosts("b", "http://a:9200"), "default", ""))
	assert.Equal(t, same, of(m{"elasticsearch": m{"hosts": []string{"a", "b"}, "api_key": "x:y", "worker": 3}}, "default", ""), "not a matter of the user")
	for name, other := range map[string]string{
		"host":      of(hosts("a"), "default", ""),
		"namespace": of(hosts("a", "b"), "other", ""),
		"index":     of(hosts("a", "b"), "default", "x"),
		"output":    of(m{"logstash": m{"hosts": []string{"a:9200", "b:9200"}}}, "default", ""),
	} {
		assert.NotEqual(t, same, other, name)
	}
}
