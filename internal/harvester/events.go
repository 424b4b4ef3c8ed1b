// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// From raw items to the events that are published.

package harvester

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/elastic/beats/v7/libbeat/beat"
	"github.com/elastic/beats/v7/libbeat/beat/events"
	"github.com/elastic/beats/v7/libbeat/common"
	"github.com/elastic/elastic-agent-libs/mapstr"

	"onepasswordbeat/internal/eventsapi"
	"onepasswordbeat/internal/safetext"
	"onepasswordbeat/module"
)

// maxIDBytes is Elasticsearch's limit for an _id. A longer one would fail the
// bulk request that it is in, again and again.
const maxIDBytes = 512

// mapper makes events of items.
type mapper struct {
	module           module.Module
	preserveOriginal bool
	enrich           func(mapstr.M) // or nil
	stream           stream
	metrics          *Metrics
	log              *limitedLog
	clock            *clock
}

func newMapper(o Options, c *clock, log *limitedLog) *mapper {
	return &mapper{
		module: o.Module, preserveOriginal: o.Settings.PreserveOriginalEvent, enrich: o.Enrich,
		stream: streamOf(o.Module.Dataset, o.Settings.Namespace), metrics: o.Metrics, log: log, clock: c,
	}
}

// events maps n items of a page, from the first on, in their order, each when it is asked for: an event's
// maps take ten times the room of its JSON, and a page may wait long for the queue.
// After the last one it stores the newest event time in newest.
func (m *mapper) events(page *eventsapi.Page, first, n int, newest *time.Time) iter.Seq[beat.Event] {
	return func(yield func(beat.Event) bool) {
		received, present := m.clock.now(), m.clock.server()
		var latest time.Time
		var unmapped int
		var cause error
		for i, raw := range page.Items[first : first+n] {
			ev, err := m.item(page, first+i, raw, received)
			if err != nil {
				if unmapped++; cause == nil {
					cause = err
				}
			}
			if err == nil && ev.Timestamp.After(latest) { // otherwise its time may be that of now
				latest = ev.Timestamp
			}
			if !yield(ev) {
				return
			}
		}
		if unmapped > 0 {
			m.log.warnw(logContent, "items of a page can't be mapped; they are published with their original", "count", unmapped, "items", n, "error", safetext.Line(cause.Error()))
		}
		if latest.IsZero() {
			return
		}
		m.metrics.lag(present.Sub(latest))
		// An event from the future must not push a restart past events of today.
		if latest.After(present) {
			latest = present
		}
		*newest = latest
	}
}

// item maps one item. An oversized one is published without its body.
func (m *mapper) item(page *eventsapi.Page, i int, raw json.RawMessage, received time.Time) (beat.Event, error) {
	over, ok := page.Oversized[i]
	if !ok {
		return m.event(raw, received)
	}
	ev, _ := m.event(nil, received)
	id := over.UUID
	if id == "" {
		id = "sha256-" + hex.EncodeToString(over.SHA256[:20])
	}
	ev.Meta[events.FieldMetaID] = id
	err := fmt.Errorf("onepasswordbeat published this item without its body of %d bytes: %s", over.Bytes, over.Reason)
	child(ev.Fields, "error")["message"] = safetext.Line(err.Error())
	delete(child(ev.Fields, "event"), "original")
	return ev, err
}

// event maps one item. What can't be mapped is published all the same, with the
// API's bytes and the reason. All values are of the types that libbeat's event
// normalization would leave alone, see delivery.NewTracker.
func (m *mapper) event(raw json.RawMessage, received time.Time) (beat.Event, error) {
	ev, known, err := m.module.Map(raw)
	if err != nil || !known {
		m.metrics.unmapped()
	}
	if ev.Fields == nil {
		ev.Fields = mapstr.M{}
	}
	if ev.Meta == nil {
		ev.Meta = mapstr.M{}
	}
	if ev.Timestamp.IsZero() {
		ev.Timestamp = received
	}
	eventFields := child(ev.Fields, "event")
	if err != nil {
		child(ev.Fields, "error")["message"] = safetext.Line("onepasswordbeat can't map this item: " + err.Error())
		eventFields["kind"] = "pipeline_error"
		eventFields["module"] = "1password"
		eventFields["dataset"] = m.module.Dataset
	}
	if err == nil {
		child(ev.Fields, "onepassword")["ingest_delay"] = int64(received.Sub(ev.Timestamp) / time.Second)
		if m.enrich != nil {
			m.enrich(ev.Fields)
		}
	}
	tags := []string{"forwarded"}
	if err != nil || m.preserveOriginal {
		eventFields["original"] = string(raw)
		tags = append(tags, "preserve_original_event") // otherwise Fleet's final pipeline removes it
	}
	eventFields["created"] = common.Time(received.UTC())
	ev.Fields["data_stream"] = mapstr.M{"type": "logs", "dataset": m.stream.dataset, "namespace": m.stream.namespace}
	ev.Fields["tags"] = tags
	id, _ := ev.Meta[events.FieldMetaID].(string)
	if id == "" || len(id) > maxIDBytes {
		id = contentID(raw)
	}
	// An encoded event in the queue keeps its Meta: a copy of the _id, so that it
	// does not keep the item that the _id is a part of.
	ev.Meta[events.FieldMetaID] = strings.Clone(id)
	// A custom `index` of the input replaces it; libbeat has no lower-ranking key.
	ev.Meta[events.FieldMetaRawIndex] = m.stream.name
	return ev, err
}

// stream is the data stream of an event type: strings, boxed once for all events.
type stream struct{ name, dataset, namespace any }

func streamOf(dataset, namespace string) stream {
	return stream{name: "logs-" + dataset + "-" + namespace, dataset: dataset, namespace: namespace}
}

// child returns the object at key, made if it is not there.
func child(fields mapstr.M, key string) mapstr.M {
	switch c := fields[key].(type) {
	case mapstr.M:
		return c
	case map[string]any:
		return c
	}
	c := mapstr.M{}
	fields[key] = c
	return c
}

// contentID is the _id of an item without a usable uuid: the same item has the
// same _id again.
func contentID(raw []byte) string {
	sum := sha256.Sum256(raw)
	return "sha256-" + hex.EncodeToString(sum[:20])
}
