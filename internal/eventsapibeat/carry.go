// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Which of libbeat's settings can be carried over.

package eventsapibeat

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Lost is an old setting that is not carried over, or not in full.
type Lost struct {
	Setting string // dotted
	Why     string // a sentence, with the remedy
}

// dropped are the settings that have no place in onepasswordbeat, by the beginning of their key.
var dropped = []Lost{
	{"path", "each beat has folders of its own"},
	{"keystore", "onepasswordbeat has a keystore of its own; what the old configuration refers to was copied into it"},
	{"setup.dashboards", "the dashboards are part of the 1Password integration package: docs/dashboards.md"},
	{"setup.kibana", "the beat loads nothing into Kibana: the dashboards are part of the 1Password integration package"},
	{"setup.template", "onepasswordbeat loads one index template for logs-1password.*-*: set again what you changed in the old one"},
	{"setup.ilm", "the data streams logs-1password.*-* have an ILM policy named onepasswordbeat: set again what you changed in the old one"},
	{"setup.dsl", "the data streams logs-1password.*-* have a life cycle of their own"},
	{"output.elasticsearch.index", "events go to logs-1password.<event type>-<namespace>: set namespace or index of the input instead"},
	{"output.elasticsearch.indices", "events go to logs-1password.<event type>-<namespace>: set index of the input instead"},
	{"output.elasticsearch.pipeline", "it was made for the fields of the old events: adapt it to docs/fields.md, then set pipeline of the input"},
	{"output.elasticsearch.pipelines", "they were made for the fields of the old events: adapt them to docs/fields.md, then set pipeline of the input"},
	{"output.elasticsearch.template", "libbeat has no such setting any more"},
	{"queue.spool", "libbeat has no such queue any more: see queue.disk in docs/outputs.md"},
	{"xpack", "libbeat has no such settings any more: use monitoring.* instead"},
	{"logging.json", "logs are always JSON"},
	{"logging.ecs", "logs always have the names of ECS"},
	{"migration", "libbeat has no such settings any more"},
	{"management", "Elastic Agent brings its own policy: docs/elastic-agent.md"},
}

// kept are the top-level keys of libbeat that still exist.
var kept = []string{
	"name", "tags", "fields", "fields_under_root", "processors", "queue", "output", "cloud", "logging", "monitoring", "http", "setup",
	"max_procs", "gc_percent", "timestamp", "seccomp", "instrumentation", "features",
}

// oldEventType is a field of the old beat's events that the new one does not have.
const oldEventType = "[@metadata][event_type]"

// carryOver splits the old settings into those that still exist and those that do not. It changes settings.
func carryOver(settings map[string]any) []Lost {
	var lost []Lost
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		if !slices.Contains(kept, key) && !slices.ContainsFunc(dropped, func(d Lost) bool { return d.Setting == key || strings.HasPrefix(d.Setting, key+".") }) {
			delete(settings, key)
			lost = append(lost, Lost{key, "neither libbeat nor onepasswordbeat has such a setting"})
		}
	}
	for _, d := range dropped {
		if remove(settings, strings.Split(d.Setting, ".")) {
			lost = append(lost, d)
		}
	}
	lost = append(lost, dropOldFormats(settings, "")...)
	lost = append(lost, notes(settings)...)
	return append(lost, clearText(settings, "")...)
}

// remove takes a nested key out, and reports whether it was there. Maps that are empty then go, too.
func remove(settings map[string]any, keys []string) bool {
	value, ok := settings[keys[0]]
	if !ok {
		return false
	}
	if len(keys) == 1 {
		delete(settings, keys[0])
		return true
	}
	child, ok := value.(map[string]any)
	if !ok || !remove(child, keys[1:]) {
		return false
	}
	if len(child) == 0 {
		delete(settings, keys[0])
	}
	return true
}

// dropOldFormats takes out the settings whose format string uses a field that the new events do not have.
func dropOldFormats(settings map[string]any, path string) []Lost {
	var lost []Lost
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		at := strings.TrimPrefix(path+"."+key, ".")
		if at == "processors" {
			continue // checked by making them
		}
		if child, ok := settings[key].(map[string]any); ok {
			lost = append(lost, dropOldFormats(child, at)...)
			continue
		}
		if text := fmt.Sprint(settings[key]); strings.Contains(text, oldEventType) || strings.Contains(text, "@metadata.event_type") {
			delete(settings, key)
			lost = append(lost, Lost{at, "events have no @metadata.event_type: write it again with %{[event.dataset]}, which is 1password.signin_attempts, 1password.item_usages or 1password.audit_events"})
		}
	}
	return lost
}

// notes are about settings that are carried over but mean something else for the receiver.
func notes(settings map[string]any) []Lost {
	var lost []Lost
	if outputs, ok := settings["output"].(map[string]any); ok {
		if _, ok := outputs["logstash"]; ok {
			lost = append(lost, Lost{"output.logstash", "carried over; the events have other fields, and [@metadata][beat] is onepasswordbeat: adjust the Logstash pipeline"})
		}
	}
	if _, ok := settings["processors"]; ok {
		lost = append(lost, Lost{"processors", "carried over; the events have other fields, so check their conditions and field names against docs/fields.md"})
	}
	return lost
}

// secretKeys are the last parts of libbeat's settings that hold a secret.
var secretKeys = []string{"password", "api_key", "key_passphrase", "auth", "secret_token"}

// clearText notes the secrets that the old configuration has in clear text.
func clearText(settings map[string]any, path string) []Lost {
	var lost []Lost
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		at := strings.TrimPrefix(path+"."+key, ".")
		switch v := settings[key].(type) {
		case map[string]any:
			lost = append(lost, clearText(v, at)...)
		case string:
			if slices.Contains(secretKeys, key) && v != "" && !variable.MatchString(v) {
				lost = append(lost, Lost{at, "carried over in clear text: add it to the keystore with `keystore add`, and write ${NAME} instead"})
			}
		}
	}
	return lost
}

// variable finds the names of the variables in a text.
var variable = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_.-]*)`)

// variablesIn returns the names of all variables in settings, sorted.
func variablesIn(value any) []string {
	var names []string
	switch v := value.(type) {
	case map[string]any:
		for _, each := range v {
			names = append(names, variablesIn(each)...)
		}
	case []any:
		for _, each := range v {
			names = append(names, variablesIn(each)...)
		}
	case string:
		for _, found := range variable.FindAllStringSubmatch(v, -1) {
			names = append(names, found[1])
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
