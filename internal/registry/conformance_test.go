// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The conformance tests, on files and on a stand-in for Elasticsearch; tests/elasticsearch runs them on a real one.

package registry_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/elastic/beats/v7/libbeat/statestore/backend/memlog"
	"github.com/elastic/elastic-agent-libs/logp"

	"onepasswordbeat/internal/registry"
	"onepasswordbeat/internal/registry/registrytest"
)

func TestFileConformance(t *testing.T) {
	registrytest.Conformance(t, func(t *testing.T) registrytest.Place {
		dataPath := t.TempDir()
		return registrytest.Place{
			Open: func(t *testing.T) *registry.Registry {
				r, err := registry.Open(dataPath, logp.NewNopLogger())
				require.NoError(t, err)
				t.Cleanup(func() { _ = r.Close() })
				return r
			},
			Store: func(t *testing.T, key registry.Key, fields map[string]any) {
				t.Helper()
				root, err := memlog.New(logp.NewNopLogger(), memlog.Settings{
					Root: dataPath + "/registry", FileMode: 0o600, Checkpoint: func(uint64) bool { return true },
				})
				require.NoError(t, err)
				store, err := root.Access("onepasswordbeat")
				require.NoError(t, err)
				require.NoError(t, store.Set(key.String(), fields))
				require.NoError(t, store.Close())
			},
		}
	})
}

func TestElasticsearchConformance(t *testing.T) {
	registrytest.Conformance(t, func(t *testing.T) registrytest.Place {
		fake := registrytest.NewFake(t)
		return registrytest.ElasticsearchPlace(fake.Connection(), "test", fake.Put)
	})
}
