// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The sample event of each data stream.

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"time"

	"github.com/elastic/elastic-agent-libs/mapstr"

	"onepasswordbeat/module"
)

// agentVersion is the oldest Elastic Agent that the package is for.
const agentVersion = "8.18.0"

// delay is how long the event took to Elasticsearch.
const delay = 6 * time.Second

// milliseconds is how times are written that pass a beat's output.
const milliseconds = "2006-01-02T15:04:05.000Z"

// sampleEvent is the first of a module's test events as it is found in Elasticsearch: mapped, with what the input, the
// Agent and Elasticsearch add to it. The times of that are made up, and always the same.
func sampleEvent(root string, m module.Module) ([]byte, error) {
	raw, err := firstLine(filepath.Join(root, "module", m.Path, "testdata", "v2.ndjson"))
	if err != nil {
		return nil, err
	}
	ev, _, err := m.Map(raw)
	if err != nil {
		return nil, err
	}
	doc := mapstr.M{
		"@timestamp": asMapped(ev.Timestamp),
		"agent": mapstr.M{
			"ephemeral_id": "7f1c2a60-90d4-4f0e-8c5b-0d3f5a9b6e21",
			"id":           "c3a9e1d2-5b64-4c8e-9a57-2f6d1b7e4c90",
			"name":         "agent.example.com",
			"type":         "filebeat",
			"version":      agentVersion,
		},
		"data_stream":   mapstr.M{"type": "logs", "dataset": m.Dataset, "namespace": "default"},
		"elastic_agent": mapstr.M{"id": "c3a9e1d2-5b64-4c8e-9a57-2f6d1b7e4c90", "snapshot": false, "version": agentVersion},
		"event": mapstr.M{
			"agent_id_status": "verified",
			"created":         ev.Timestamp.UTC().Add(4 * time.Second).Format(milliseconds),
			"ingested":        ev.Timestamp.UTC().Add(delay).Format("2006-01-02T15:04:05Z"),
		},
		"input": mapstr.M{"type": "cel"},
		"tags":  []string{"forwarded"},
	}
	doc.DeepUpdate(ev.Fields)
	if _, err := doc.Put("onepassword.ingest_delay", int64(delay.Seconds())); err != nil {
		return nil, err
	}
	return indented(doc)
}

// asMapped is an item's time as the ingest pipelines write it: with all its digits, in groups of three.
func asMapped(t time.Time) string {
	switch nanoseconds := t.Nanosecond(); {
	case nanoseconds%1_000_000 == 0:
		return t.UTC().Format(milliseconds)
	case nanoseconds%1_000 == 0:
		return t.UTC().Format("2006-01-02T15:04:05.000000Z")
	}
	return t.UTC().Format("2006-01-02T15:04:05.000000000Z")
}

func firstLine(path string) ([]byte, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	line, _, _ := bytes.Cut(content, []byte("\n"))
	return line, nil
}
