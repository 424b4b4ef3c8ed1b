// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What an event costs on its way to the queue, next to a plain mapping.

package harvester

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/elastic/beats/v7/libbeat/beat"
	"github.com/elastic/beats/v7/libbeat/common"
	"github.com/elastic/beats/v7/libbeat/esleg/eslegclient"
	"github.com/elastic/elastic-agent-libs/logp"
	"github.com/elastic/elastic-agent-libs/mapstr"
	"github.com/elastic/elastic-agent-libs/monitoring"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/module"
)

// benchItems are a page of each type.
func benchItems(b *testing.B, m module.Module) []json.RawMessage {
	sim, err := eventsapitest.New(eventsapitest.Config{Seed: 1, Backlog: eventsapitest.Each(1000)})
	require.NoError(b, err)
	var items []json.RawMessage
	for _, raw := range sim.All(eventsapitest.EventType(m.Path), time.Time{}) {
		items = append(items, slices.Clone(raw))
	}
	return items
}

// each runs fn on one item after the other, for every event type.
func each(b *testing.B, fn func(h *Harvester, raw json.RawMessage)) {
	for _, m := range module.All() {
		b.Run(m.Name, func(b *testing.B) {
			log := logp.NewNopLogger()
			h := New(Options{Module: m, Metrics: NewMetrics(monitoring.NewRegistry(), log), Log: log})
			items := benchItems(b, m)
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				fn(h, items[i%len(items)])
				i++
			}
		})
	}
}

// BenchmarkMap is decoding and mapping: from an item to an event.
func BenchmarkMap(b *testing.B) {
	now := time.Now()
	each(b, func(h *Harvester, raw json.RawMessage) {
		if _, err := h.mapper.event(raw, now); err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkPublish is all that is done to an event before it waits in the queue of
// the Elasticsearch output: it is mapped, and encoded as that output does.
func BenchmarkPublish(b *testing.B) {
	now := time.Now()
	enc := eslegclient.NewJSONEncoder(nil, false)
	each(b, func(h *Harvester, raw json.RawMessage) {
		ev, err := h.mapper.event(raw, now)
		if err == nil {
			err = enc.Marshal(&ev)
		}
		if err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkPlainPublish is BenchmarkPublish with encoding/json into nested maps,
// no mapping at all, and libbeat's event normalization.
func BenchmarkPlainPublish(b *testing.B) {
	enc := eslegclient.NewJSONEncoder(nil, false)
	normal := common.NewGenericEventConverter(false, logp.NewNopLogger())
	each(b, func(_ *Harvester, raw json.RawMessage) {
		var item map[string]any
		if err := json.Unmarshal(raw, &item); err != nil {
			b.Fatal(err)
		}
		id, _ := item["uuid"].(string)
		ev := beat.Event{Timestamp: time.Now(), Meta: mapstr.M{"_id": id}, Fields: normal.Convert(mapstr.M{
			"onepassword": item,
			"event":       mapstr.M{"id": id, "created": time.Now()},
		})}
		if err := enc.Marshal(&ev); err != nil {
			b.Fatal(err)
		}
	})
}
