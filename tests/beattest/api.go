// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// An API with events, an input and an output for it, and what must arrive.

package beattest

import (
	"flag"
	"maps"
	"testing"
	"time"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
)

// MainParallel is Main, with a number of tests that run at once unless the command
// line says another: they wait more than they work.
func MainParallel(m *testing.M, tests string) int {
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if !chosen {
		_ = flag.Set("test.parallel", tests) // the flag is there
	}
	return Main(m)
}

// Backlog is an API with n events of each type, nothing live.
func Backlog(tb testing.TB, n int) *eventsapitest.Server {
	tb.Helper()
	return eventsapitest.StartTB(tb, eventsapitest.Config{Seed: 7, Backlog: eventsapitest.Each(n)})
}

// Input is an input for all that an API at url has. more replaces settings.
func Input(url, token string, more ...M) M {
	in := M{
		"type": "onepassword", "id": "acme", "url": url, "token": token,
		"interval":         "1s",
		"initial_interval": "480h", // late events of the backlog included
		"rate_limit":       M{"requests_per_minute": 0, "requests_per_hour": 0},
	}
	for _, m := range more {
		maps.Copy(in, m)
	}
	return in
}

// ElasticsearchOutput sends to an Elasticsearch at url, and tries again soon after
// a failure. more replaces settings.
func ElasticsearchOutput(url string, more ...M) M {
	out := M{"hosts": []string{url}, "backoff": M{"init": "200ms", "max": "1s"}}
	for _, m := range more {
		maps.Copy(out, m)
	}
	return M{"elasticsearch": out}
}

// Expected are the ids of all events that an account shows now, of the given types
// or of all.
func Expected(a *eventsapitest.Account, types ...eventsapitest.EventType) map[string]eventsapitest.EventType {
	if len(types) == 0 {
		types = eventsapitest.Types()
	}
	ids := map[string]eventsapitest.EventType{}
	for _, typ := range types {
		for _, id := range a.UUIDs(typ, time.Time{}) {
			ids[id] = typ
		}
	}
	return ids
}

// Missing counts the ids of want that are in none of the lists.
func Missing(want map[string]eventsapitest.EventType, got ...[]string) int {
	left := maps.Clone(want)
	for _, list := range got {
		for _, id := range list {
			delete(left, id)
		}
	}
	return len(left)
}

// TypeName is an event type's name in the beat's configuration and registry.
func TypeName(t eventsapitest.EventType) string {
	return map[eventsapitest.EventType]string{
		eventsapitest.AuditEvents:    "audit_events",
		eventsapitest.ItemUsages:     "item_usages",
		eventsapitest.SignInAttempts: "signin_attempts",
	}[t]
}

// DataStream is the data stream of an event type, in the namespace default.
func DataStream(t eventsapitest.EventType) string {
	return "logs-1password." + TypeName(t) + "-default"
}
