// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package documents makes of an item of the Events API what reaches an ingest pipeline: the event as the beat sends it, and the raw item as other
// collectors do. The generator of the pipeline tests and the tests of the pipelines have them from here.
package documents

import (
	"bytes"
	"encoding/json"
	"sync"
	"time"

	"github.com/elastic/beats/v7/libbeat/beat"
	"github.com/elastic/beats/v7/libbeat/common"
	codec "github.com/elastic/beats/v7/libbeat/outputs/codec/json"
	"github.com/elastic/elastic-agent-libs/config"
	"github.com/elastic/elastic-agent-libs/mapstr"

	"onepasswordbeat/module"
)

// Preserve is the tag that keeps event.original.
const Preserve = "preserve_original_event"

// Document is a document of an index.
type Document struct {
	ID     string         // "" where the index gives it one
	Source map[string]any // as decoded from JSON, with numbers as json.Number
}

// Beat returns the event that the beat makes of an item: the module's mapping, finished as the harvester does, and encoded as an output does. With
// preserve, event.original is kept.
func Beat(m module.Module, item []byte, received time.Time, preserve bool) (Document, error) {
	ev, _, mapErr := m.Map(item)
	if ev.Fields == nil {
		ev.Fields = mapstr.M{}
	}
	if ev.Timestamp.IsZero() {
		ev.Timestamp = received
	}
	more := mapstr.M{
		"event":       mapstr.M{"created": common.Time(received.UTC())},
		"data_stream": mapstr.M{"type": "logs", "dataset": m.Dataset, "namespace": "default"},
		"input":       mapstr.M{"type": "onepassword"},
		"tags":        []string{"forwarded"},
	}
	if mapErr == nil {
		more["onepassword"] = mapstr.M{"ingest_delay": int64(received.Sub(ev.Timestamp) / time.Second)}
	}
	if mapErr != nil {
		more.DeepUpdate(mapstr.M{
			"error": mapstr.M{"message": "onepasswordbeat can't map this item: " + mapErr.Error()},
			"event": mapstr.M{"kind": "pipeline_error", "module": "1password", "dataset": m.Dataset},
		})
	}
	if mapErr != nil || preserve {
		more.DeepUpdate(mapstr.M{"event": mapstr.M{"original": string(item)}, "tags": []string{"forwarded", Preserve}})
	}
	ev.Fields.DeepUpdate(more)
	id, _ := ev.Meta["_id"].(string)
	source, err := encoded(ev)
	return Document{ID: id, Source: source}, err
}

// precision has times written as the beat's own defaults do, once a process.
var precision = sync.OnceValue(func() error {
	c, err := config.NewConfigFrom(map[string]any{"precision": "nanosecond"})
	if err != nil {
		return err
	}
	return common.SetTimestampPrecision(c)
})

// encoded is what an output writes.
func encoded(ev beat.Event) (map[string]any, error) {
	if err := precision(); err != nil {
		return nil, err
	}
	line, err := codec.New("", codec.Config{}).Encode("", &ev)
	if err != nil {
		return nil, err
	}
	var source map[string]any
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	if err := d.Decode(&source); err != nil {
		return nil, err
	}
	delete(source, "@metadata")
	return source, nil
}

// Raw returns the document that a collector which maps nothing makes of an item, in the field message.
func Raw(m module.Module, item []byte, received time.Time, preserve bool) Document {
	tags := []any{"forwarded"}
	if preserve {
		tags = []any{Preserve, "forwarded"}
	}
	return Document{Source: map[string]any{
		"@timestamp":  received.UTC().Format("2006-01-02T15:04:05.000Z"),
		"message":     string(item),
		"data_stream": map[string]any{"type": "logs", "dataset": m.Dataset, "namespace": "default"},
		"input":       map[string]any{"type": "cel"},
		"tags":        tags,
	}}
}
