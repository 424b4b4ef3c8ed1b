// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The settings outside of the inputs whose defaults differ from libbeat's.

package config

// BeatDefault is a default of the whole beat that differs from libbeat's. The user's setting wins over it.
type BeatDefault struct {
	Key     string // dotted, at the top of the configuration
	Value   string // as it is written in YAML
	Libbeat string // what libbeat's default would be, in YAML or in words
	Why     string // a sentence
}

// IndexPattern is the pattern of the data streams that the beat writes to, for the one index template.
const IndexPattern = "logs-1password.*-*"

// QueueFlushTimeout is the key of the memory queue's flush timeout. libbeat rejects queue settings both at the root and
// below the output, so the command sets this default where the queue is configured.
const QueueFlushTimeout = "queue.mem.flush.timeout"

// BeatDefaults returns the defaults. The command applies them; the reference configuration and the documentation show
// them.
func BeatDefaults() []BeatDefault {
	return []BeatDefault{
		{
			Key: QueueFlushTimeout, Value: "500ms", Libbeat: "10s",
			Why: "An event waits at most this long for others to share its bulk request. Not with queue.disk.",
		},
		{
			Key: "timestamp.precision", Value: "nanosecond", Libbeat: "millisecond",
			Why: "1Password reports times to the nanosecond, and one sign-in makes several events within a moment.",
		},
		{
			Key: "setup.template.name", Value: `"onepasswordbeat"`, Libbeat: "onepasswordbeat-<version>",
			Why: "One template serves all versions of the beat.",
		},
		{
			Key: "setup.template.pattern", Value: `"` + IndexPattern + `"`, Libbeat: "onepasswordbeat-<version>",
			Why: "The data streams are named by Elastic's scheme, as they are under Elastic Agent.",
		},
	}
}

// Preset is a performance preset of the Elasticsearch output and how long an event may wait in the queue with it.
type Preset struct{ Name, FlushTimeout, BulkMaxSize, Workers string }

// Presets returns those of libbeat. A preset replaces the queue settings, also those that a user wrote.
func Presets() []Preset {
	return []Preset{
		{"none, or custom", "500ms", "1600", "1"},
		{"latency", "1s", "50", "1"},
		{"throughput", "5s", "1600", "4"},
		{"balanced", "10s", "1600", "1"},
		{"scale", "20s", "1600", "1"},
	}
}
