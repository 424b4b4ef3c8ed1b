// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The section onepasswordbeat.state: its defaults, and what is rejected in which words.

package config

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	conf "github.com/elastic/elastic-agent-libs/config"
)

func TestStateDefaults(t *testing.T) {
	for _, section := range []map[string]any{{}, {"state": map[string]any{}}, {"state": map[string]any{"backend": "file"}}} {
		s, err := UnpackState(conf.MustNewConfigFrom(section))
		require.NoError(t, err)
		assert.Equal(t, DefaultState(), s)
	}
	s, err := UnpackState(nil)
	require.NoError(t, err)
	assert.Equal(t, DefaultState(), s)
}

func TestStateProblems(t *testing.T) {
	for name, test := range map[string]struct {
		state any
		want  []string
	}{
		"no map":             {"elasticsearch", []string{"onepasswordbeat.state: it must hold keys of its own"}},
		"unknown backend":    {map[string]any{"backend": "redis"}, []string{`onepasswordbeat.state.backend: unknown backend "redis"`}},
		"no id":              {map[string]any{"backend": "elasticsearch"}, []string{"onepasswordbeat.state.id: it is missing"}},
		"odd id":             {map[string]any{"id": "a/b"}, []string{`onepasswordbeat.state.id: invalid id "a/b"`}},
		"long id":            {map[string]any{"id": strings.Repeat("a", 129)}, []string{"onepasswordbeat.state.id: invalid id"}},
		"odd index":          {map[string]any{"index": "A*"}, []string{"onepasswordbeat.state.index: invalid name"}},
		"dots":               {map[string]any{"index": ".."}, []string{"onepasswordbeat.state.index: invalid name"}},
		"all at once":        {map[string]any{"backend": "x", "id": "?", "index": "_x"}, []string{"backend:", "id:", "index:"}},
		"a list for a text":  {map[string]any{"id": []string{"a", "b"}}, []string{"onepasswordbeat.state cannot be read"}},
		"a text for a map":   {map[string]any{"elasticsearch": "https://x"}, []string{"onepasswordbeat.state cannot be read"}},
		"128 characters are": {map[string]any{"id": strings.Repeat("a", 128), "backend": "elasticsearch"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := UnpackState(conf.MustNewConfigFrom(map[string]any{"state": test.state}))
			if len(test.want) == 0 {
				require.NoError(t, err)
			}
			for _, want := range test.want {
				require.ErrorContains(t, err, want)
			}
		})
	}
}

func TestUnknownStateKeys(t *testing.T) {
	section := conf.MustNewConfigFrom(map[string]any{"state": map[string]any{"backnd": "file", "id": "a", "elasticsearch": map[string]any{"anything": 1}}})
	assert.Equal(t, []string{"backnd"}, UnknownStateKeys(section))
	assert.Empty(t, UnknownStateKeys(conf.MustNewConfigFrom(map[string]any{})))
}
