// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What is measured, and with which settings.

package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
)

// settings are a configuration, or a part of one.
type settings = map[string]any

// where a subject finds the API and the endpoint.
type where struct {
	api, token, es string
	since          time.Time // start of the backlog
}

// subject is a program under measurement.
type subject struct {
	name, binary string
	config       func(where) settings
}

// ours is the beat with its defaults and no rate limit.
func ours(o options) subject {
	return subject{"onepasswordbeat", o.beat, func(w where) settings {
		s := settings{
			"onepasswordbeat.inputs": []settings{{
				"type": "onepassword", "id": "bench", "url": w.api, "token": w.token,
				"initial_interval": time.Since(w.since).Round(time.Second).String(),
				"rate_limit":       settings{"requests_per_minute": 0, "requests_per_hour": 0},
			}},
		}
		for _, pair := range o.set {
			key, value, _ := strings.Cut(pair, "=")
			s[key] = value
		}
		return s
	}}
}

// theirs are Filebeat's inputs that can collect from this API, one a type, with the
// same page size. What they publish is the item as a string; the mapping to ECS
// is left to an ingest pipeline in Elasticsearch, which is not in the figures.
func theirs(binary string) []subject {
	if binary == "" {
		return nil
	}
	input := func(name string, one func(where, eventsapitest.EventType) settings) subject {
		return subject{"filebeat " + name, binary, func(w where) settings {
			var inputs []settings
			for _, t := range eventsapitest.Types() {
				in := one(w, t)
				maps.Copy(in, settings{"type": name, "id": name + "-" + string(t), "interval": "1h"})
				inputs = append(inputs, in)
			}
			return settings{"filebeat.inputs": inputs, "setup.template.enabled": false, "setup.ilm.enabled": false}
		}}
	}
	return []subject{input("cel", cel), input("httpjson", httpjson)}
}

func apiURL(w where, t eventsapitest.EventType) string { return w.api + "/api/v2/" + string(t) }

const pageSize = 1000

// celProgram asks for a page, publishes its items and goes on while there are more.
const celProgram = `
request("POST", state.url).with({
  "Header": {"Authorization": ["Bearer " + state.token], "Content-Type": ["application/json"]},
  "Body": (
    has(state.cursor) ?
      {"cursor": state.cursor.next}
    :
      {"limit": state.limit, "start_time": state.since}
  ).encode_json()
}).do_request().as(resp, bytes(resp.Body).decode_json().as(page, state.with({
  "events": page.items.map(item, {"message": item.encode_json()}),
  "cursor": {"next": page.cursor},
  "want_more": page.has_more
})))`

func cel(w where, t eventsapitest.EventType) settings {
	return settings{
		"resource.url": apiURL(w, t),
		"state":        settings{"token": w.token, "limit": pageSize, "since": w.since.Format(time.RFC3339)},
		"redact":       settings{"fields": []string{"token"}},
		"program":      celProgram,
		// One execution is one page; the default of 1000 would end a longer backlog's round.
		"max_executions": 1_000_000,
	}
}

func httpjson(w where, t eventsapitest.EventType) settings {
	set := func(target, value string) settings {
		return settings{"set": settings{"target": target, "value": value}}
	}
	next := set("body.cursor", `[[if .last_response.body.has_more]][[.last_response.body.cursor]][[end]]`)
	next["set"].(settings)["fail_on_template_error"] = true //nolint:errcheck // made above
	return settings{
		"config_version":     2,
		"request.method":     "POST",
		"request.url":        apiURL(w, t),
		"request.body":       settings{"limit": pageSize, "start_time": w.since.Format(time.RFC3339)},
		"request.transforms": []settings{set("header.Authorization", "Bearer "+w.token)},
		"response": settings{
			"split":      settings{"target": "body.items"},
			"pagination": []settings{next},
		},
		"cursor": settings{"last_cursor": settings{"value": "[[.last_response.body.cursor]]"}},
	}
}

// file is the subject's configuration file: JSON is YAML.
func (s subject) file(w where, socket string) ([]byte, error) {
	all := settings{
		"output.elasticsearch.hosts": []string{w.es},
		"logging.level":              "warning",
		"logging.metrics.enabled":    false,
		"http.enabled":               true,
		"http.host":                  "unix://" + socket,
		"http.pprof.enabled":         true, // costs nothing until it is asked
		// Filebeat's own 10 s would count as time that the last events take.
		"queue.mem.flush.timeout": "500ms",
	}
	maps.Copy(all, s.config(w))
	raw, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("the configuration of %s: %w", s.name, err)
	}
	return raw, nil
}
