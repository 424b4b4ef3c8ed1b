// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Events need no normalization: it would change neither a value nor a type.

package harvester

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/elastic/beats/v7/libbeat/beat"
	"github.com/elastic/beats/v7/libbeat/common"
	"github.com/elastic/beats/v7/libbeat/outputs/codec/json"
	"github.com/elastic/elastic-agent-libs/logp/logptest"
	"github.com/elastic/elastic-agent-libs/mapstr"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/module"
)

// simulatedEvents is how many events of each type are tried.
const simulatedEvents = 2000

func TestEventsNeedNoNormalization(t *testing.T) {
	sim, err := eventsapitest.New(eventsapitest.Config{Seed: 1, Backlog: eventsapitest.Each(simulatedEvents)})
	require.NoError(t, err)
	for _, m := range module.All() {
		t.Run(m.Name, func(t *testing.T) {
			h := New(Options{Module: m, Metrics: testMetrics(t), Log: testLog(t)})
			h.mapper.preserveOriginal = true
			h.mapper.stream = streamOf(m.Dataset, "default")
			n := 0
			for _, raw := range sim.All(eventsapitest.EventType(m.Path), time.Time{}) {
				requireNormal(t, h, raw)
				n++
			}
			require.Equal(t, simulatedEvents, n)
			for _, raw := range testItems(t, m) {
				requireNormal(t, h, raw)
			}
		})
	}
}

// testItems are the items of the module's own tests, and some that are not items.
func testItems(t *testing.T, m module.Module) [][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "module", m.Path, "testdata", "*.ndjson"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	items := [][]byte{[]byte(`[]`), []byte(`{}`), []byte(`{"uuid":7}`)}
	for _, name := range files {
		raw, err := os.ReadFile(name)
		require.NoError(t, err)
		items = append(items, bytes.Split(bytes.TrimSpace(raw), []byte("\n"))...)
	}
	return items
}

// requireNormal compares an event with its normalized copy: in memory, since a
// processor may look at a value's type, and as an output writes it. Objects are
// plain maps where the normalization makes mapstr.M: libbeat takes both for an
// object, and writes plain ones a third faster.
func requireNormal(t *testing.T, h *Harvester, raw []byte) {
	t.Helper()
	ev, _ := h.mapper.event(raw, time.Now()) // an item that can't be mapped is an event too
	normal := ev
	normal.Fields = common.NewGenericEventConverter(false, logptest.NewTestingLogger(t, "")).Convert(ev.Fields)
	require.Equal(t, plainMaps(normal.Fields), plainMaps(ev.Fields), "item: %s", raw)
	assert.JSONEq(t, encoded(t, normal), encoded(t, ev)) // maps have no order
}

// plainMaps is a value with plain maps for mapstr.M.
func plainMaps(v any) any {
	m, ok := v.(mapstr.M)
	if !ok {
		plain, isPlain := v.(map[string]any)
		if !isPlain {
			return v
		}
		m = plain
	}
	out := make(map[string]any, len(m))
	for key, e := range m {
		out[key] = plainMaps(e)
	}
	return out
}

// encoded is what an output writes.
func encoded(t *testing.T, ev beat.Event) string {
	t.Helper()
	line, err := json.New("1", json.Config{}).Encode("test", &ev)
	require.NoError(t, err)
	return string(line)
}
