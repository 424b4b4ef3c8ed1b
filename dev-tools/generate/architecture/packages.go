// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The packages of the beat and the arrows between them: the one list behind the picture in docs/dev/architecture.md and
// the rules of check:lint.

package main

// pkg is a package of the beat, or a folder of packages that counts as one.
type pkg struct {
	path    string   // below the root of the repository; "": main
	text    string   // what lives there, for the page
	imports []string // the packages below it, by path
	foreign foreign  // what else it must not import
}

// foreign are import paths of other modules. An allowed path is an exception from a denied one.
type foreign struct{ deny, allow []string }

// withoutLibbeat is for packages that are usable and testable without libbeat.
var withoutLibbeat = foreign{deny: []string{"github.com/elastic"}}

// packages is every package that ships, from the top down: an arrow leads to a package further down in the list.
var packages = []pkg{
	{path: "", text: "starts the root command",
		imports: []string{"cmd"}},
	{path: "cmd", text: "libbeat's root command with this beat's settings; `test api`, `state`, `setup --pipelines`, `migrate`",
		imports: []string{"beater", "cmd/agent", "config", "include", "internal/account", "internal/eventsapi", "internal/eventsapibeat", "internal/indexsetup", "internal/registry", "internal/safetext", "module", "packages", "version"}},
	{path: "cmd/agent", text: "management by Elastic Agent: its manager, and from a policy to inputs; the only place for Elastic-licensed imports",
		imports: []string{"config", "module"}},
	{path: "beater", text: "a running beat: from a configuration to running inputs, start and stop",
		imports: []string{"config", "internal/account", "internal/delivery", "internal/eventsapi", "internal/harvester", "internal/names", "internal/prometheus", "internal/registry", "internal/safetext", "module", "version"}},
	{path: "internal/names", text: "names of vaults, groups and items, from files of 1Password's command line",
		imports: []string{"internal/safetext"}},
	{path: "internal/prometheus", text: "metrics in Prometheus' text format",
		imports: []string{"internal/harvester"}},
	{path: "internal/harvester", text: "the collection loop, one for each event type: request, map, publish, commit; retry policy, health, metrics",
		imports: []string{"internal/delivery", "internal/eventsapi", "internal/registry", "internal/safetext", "module"}},
	{path: "internal/delivery", text: "what an ACK is worth: publishes pages, reads the output's counters and bulk responses, finds each page's result",
		imports: []string{"internal/safetext"}},
	{path: "config", text: "the settings of an input, declared once: defaults, checks, reference",
		imports: []string{"internal/eventsapi", "internal/safetext", "module"}},
	{path: "internal/account", text: "an input's access to its account: token, HTTP client, rate limiter",
		imports: []string{"internal/eventsapi", "internal/safetext"}},
	{path: "internal/eventsapibeat", text: "the configuration and cursors of 1Password's eventsapibeat, for `migrate`",
		imports: []string{"internal/eventsapi", "internal/safetext"}},
	{path: "internal/eventsapi", text: "the Events API: requests, pages, classes of errors, a token's claims",
		imports: []string{"internal/safetext"}, foreign: withoutLibbeat},
	{path: "internal/registry", text: "the stored states, in files (libbeat's statestore) or in Elasticsearch",
		imports: []string{"internal/safetext"}},
	{path: "internal/indexsetup", text: "loads the index template, the ILM policy and the ingest pipelines"},
	{path: "internal/safetext", text: "makes text from outside safe to show: no secrets, no control characters, a maximum length", foreign: withoutLibbeat},
	{path: "module", text: "one folder per event type: its names and its mapping to ECS, a pure function",
		foreign: foreign{
			deny:  []string{"github.com/elastic", "net/http"},
			allow: []string{"github.com/elastic/beats/v7/libbeat/beat", "github.com/elastic/elastic-agent-libs/mapstr"},
		}},
	{path: "packages", text: "the integration package; its ingest pipelines are embedded for `setup --pipelines`", foreign: withoutLibbeat},
	{path: "include", text: "fields.yml, embedded"},
	{path: "version", text: "the version of the beat"},
}
