// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What a start rejects, on its own and under Elastic Agent.

package beater

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/elastic/beats/v7/libbeat/beat"
	"github.com/elastic/beats/v7/libbeat/management"
	"github.com/elastic/elastic-agent-libs/logp/logptest"
	"github.com/elastic/elastic-agent-libs/paths"

	"onepasswordbeat/internal/delivery"
	"onepasswordbeat/internal/registry"
)

// manager of a beat; only whether there is one is asked.
type fakeManager struct {
	management.Manager
	enabled bool
}

func (m fakeManager) Enabled() bool { return m.enabled }

func newBeat(t *testing.T, managed bool) *beat.Beat {
	t.Helper()
	p := paths.New()
	require.NoError(t, p.InitPaths(&paths.Path{Home: t.TempDir()}))
	return &beat.Beat{Info: beat.Info{Logger: logptest.NewTestingLogger(t, ""), Paths: p}, Manager: fakeManager{enabled: managed}}
}

func TestNew(t *testing.T) {
	wrong := section(t, settings(map[string]any{"limit": 0}))
	tests := map[string]struct {
		change func(*beat.Beat)
		err    string
	}{
		"on its own":          {func(*beat.Beat) {}, "onepasswordbeat.inputs.0: limit: 0 is out of range"},
		"setup":               {func(b *beat.Beat) { b.InSetupCmd = true }, ""},
		"under Elastic Agent": {func(b *beat.Beat) { b.Manager = fakeManager{enabled: true} }, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBeat(t, false)
			test.change(b)
			made, err := New(Settings{})(b, wrong)
			if test.err != "" {
				require.ErrorContains(t, err, test.err)
				return
			}
			require.NoError(t, err)
			assert.Empty(t, made.(*Onepasswordbeat).inputs) //nolint:errcheck,forcetypeassert // made here
		})
	}
	made, err := New(Settings{DiskQueue: func() bool { return true }})(newBeat(t, false), section(t, settings(nil)))
	require.NoError(t, err)
	bt, ok := made.(*Onepasswordbeat)
	require.True(t, ok)
	assert.Len(t, bt.inputs, 1)
	assert.Nil(t, bt.output(newBeat(t, false), &delivery.Responses{}), "with queue.disk the output's counters say nothing of an ACK")
}

// TestDamagedRegistry ends a beat of its own; under Elastic Agent it is the health
// of each input.
func TestDamagedRegistry(t *testing.T) {
	for name, managed := range map[string]bool{"on its own": false, "under Elastic Agent": true} {
		t.Run(name, func(t *testing.T) {
			b := newBeat(t, managed)
			dir := registry.Dir(b.Info.Paths.Data)
			require.NoError(t, os.MkdirAll(dir, 0o700))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "1.json"), nil, 0o600))
			var damaged *registry.DamagedError
			store, closeStore, err := openStore(b, registry.Settings{DataPath: b.Info.Paths.Data})
			if !managed {
				require.ErrorAs(t, err, &damaged)
				return
			}
			require.NoError(t, err)
			_, err = store.Load(t.Context(), registry.Key{})
			require.ErrorAs(t, err, &damaged)
			require.NoError(t, closeStore())
		})
	}
	b := newBeat(t, false)
	store, closeStore, err := openStore(b, registry.Settings{DataPath: b.Info.Paths.Data})
	require.NoError(t, err)
	_, err = store.Load(t.Context(), registry.Key{Input: "a", EventType: "b"})
	require.ErrorIs(t, err, registry.ErrNotFound)
	require.NoError(t, closeStore())
	assert.DirExists(t, registry.Dir(b.Info.Paths.Data))
}

func TestInputIDs(t *testing.T) {
	ids, err := InputIDs(section(t, settings(map[string]any{"id": "a", "token": "${NO_SUCH_VARIABLE}", "limit": "x"}), settings(nil), settings(map[string]any{"id": "c", "enabled": false})))
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "default", "c"}, ids)
	ids, err = InputIDs(section(t))
	require.NoError(t, err)
	assert.Empty(t, ids)
}
