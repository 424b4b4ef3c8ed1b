// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package config holds the settings of an onepassword input: their types, defaults and checks.
//
// Unpack reads and checks a section, and reports all problems at once, each with its key and the remedy. Options declares
// each setting for people: the configuration files and their documentation are generated from it.
//
//	config.go        Config and its defaults
//	options.go       the declarations, in the order of the documentation; option.go is what a declaration is
//	beatdefaults.go  defaults outside of the inputs
//	unpack.go        from a section to a Config; unknown settings
//	expand.go        what the text of a variable becomes; variable.go finds the variable behind a problem
//	validate.go      checks of the values; common.go checks Filebeat's common settings
//	proxy.go         the credentials of an output's proxy
//	problem.go       all problems as one error
package config

import (
	"time"

	"github.com/elastic/elastic-agent-libs/transport/httpcommon"

	"onepasswordbeat/internal/eventsapi"
	"onepasswordbeat/module"
)

// TokenVariable is the name under which the shipped configuration looks for the token, in the keystore first and in
// the environment then.
const TokenVariable = "ONEPASSWORD_EVENTS_TOKEN"

// The limits of the settings. Those of the API are from the Events API reference.
const (
	MinInterval        = time.Second
	MaxInterval        = 24 * time.Hour
	MaxInitialInterval = eventsapi.Retention
	MaxLimit           = eventsapi.MaxLimit
	MaxNamespaceBytes  = 100 // Elasticsearch's rule for a part of a data stream's name
)

// EventTypes returns the names of all event types of package module, in the order in which they are documented.
func EventTypes() []string {
	modules := module.All()
	names := make([]string, len(modules))
	for i, m := range modules {
		names[i] = m.Name
	}
	return names
}

// Config is one input: one 1Password account, its event types and how to fetch them.
type Config struct {
	ID                    string        `config:"id"`                  // names the input; part of its cursors' registry keys
	Token                 Secret        `config:"token"`               // the Events API bearer token; or TokenFile
	TokenFile             string        `config:"token_file"`          // a file with the token, read again when it changes
	URL                   string        `config:"url"`                 // https://host[:port]; "": the server that the token names
	EventTypes            []string      `config:"event_types,replace"` // from EventTypes()
	Interval              time.Duration `config:"interval"`            // pause after a last page
	InitialInterval       time.Duration `config:"initial_interval"`    // how far back the first run collects events
	Limit                 int           `config:"limit"`               // events per page
	APIVersion            string        `config:"api_version"`         // v1 or v2
	RateLimit             RateLimit     `config:"rate_limit"`
	PreserveOriginalEvent bool          `config:"preserve_original_event"`
	Names                 Names         `config:"names"`                // files with names for ids
	AcceptFailureStore    bool          `config:"accept_failure_store"` // events in a failure store do not degrade the health
	Namespace             string        `config:"namespace"`            // data_stream.namespace
	ShutdownTimeout       time.Duration `config:"shutdown_timeout"`     // wait for acknowledgements at a stop

	// Transport is timeout, proxy_*, ssl.* and idle_connection_timeout under the names that they have in every Beat.
	Transport httpcommon.HTTPTransportSettings `config:",inline"`
}

// Names are files that give ids of the API their names; "" for none.
type Names struct {
	Vaults string `config:"vaults"`
	Groups string `config:"groups"`
	Items  string `config:"items"`
}

// RateLimit limits the requests of all event types and inputs with the same token. 0 disables a limit.
type RateLimit struct {
	RequestsPerMinute int `config:"requests_per_minute"`
	RequestsPerHour   int `config:"requests_per_hour"`
}

// Default returns the settings of an input that sets nothing. It is complete but for the token.
func Default() Config {
	transport := httpcommon.DefaultHTTPTransportSettings()
	transport.Timeout = 60 * time.Second
	transport.IdleConnTimeout = 90 * time.Second
	return Config{
		EventTypes:      EventTypes(),
		Interval:        5 * time.Second,
		InitialInterval: 24 * time.Hour,
		Limit:           MaxLimit,
		APIVersion:      "v2",
		RateLimit:       RateLimit{RequestsPerMinute: eventsapi.RequestsPerMinute, RequestsPerHour: eventsapi.RequestsPerHour},
		Namespace:       "default",
		ShutdownTimeout: 5 * time.Second,
		Transport:       transport,
	}
}
