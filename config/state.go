// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The settings below onepasswordbeat.state: where cursors are kept.

package config

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	conf "github.com/elastic/elastic-agent-libs/config"

	"onepasswordbeat/internal/safetext"
)

// The places for cursors.
const (
	StateInFiles         = "file"
	StateInElasticsearch = "elasticsearch"
)

// State is the section onepasswordbeat.state.
type State struct {
	Backend       string  `config:"backend"`
	ID            string  `config:"id"`
	Index         string  `config:"index"`
	Elasticsearch *conf.C `config:"elasticsearch"` // connection settings, as in output.elasticsearch; nil: those of the output
}

// DefaultState is the section that sets nothing.
func DefaultState() State { return State{Backend: StateInFiles, Index: "onepasswordbeat-state"} }

// stateConnection is the part of the section whose settings are those of output.elasticsearch.
const stateConnection = "elasticsearch."

// StateOptions declares the settings, with their keys below onepasswordbeat.state.
func StateOptions() []Option {
	defaults := DefaultState()
	return []Option{
		{
			Key: "backend", Type: Text, Default: defaults.Backend,
			Summary: "Where cursors are kept: file (in path.data) or elasticsearch.",
			Detail:  "With elasticsearch, a container without a volume or another machine resumes where the last one stopped.",
		},
		{
			Key: "id", Type: Text, Example: "production",
			Summary: "Names the states of this beat in Elasticsearch. Required with backend elasticsearch.",
			Detail: "1 to 128 of the characters `A-Z a-z 0-9 . _ -`. Use the same id on the machine that takes over, and another id for every other beat. " +
				"With backend file and an id, the beat checks that Elasticsearch has no state before it starts a new input.",
		},
		{
			Key: "index", Type: Text, Default: defaults.Index,
			Summary: "The index with the states. The beat creates it.",
			Detail:  "A user who may write to it can make the beat skip events.",
		},
		{
			Key: stateConnection + "hosts", Type: List, Example: `["https://state.example.com:9200"]`,
			Summary: "The Elasticsearch for the states. Default: all connection settings of output.elasticsearch.",
			Detail:  "If anything is set below `elasticsearch`, nothing is taken from the output. All connection settings of output.elasticsearch are possible, among them these:",
		},
		{
			Key: stateConnection + "api_key", Type: Text, Example: `"${STATE_API_KEY}"`,
			Summary: "The API key for the states, id:key.",
		},
		{
			Key: stateConnection + "ssl.certificate_authorities", Type: List, Example: `["/etc/pki/root/ca.pem"]`,
			Summary: "The certificate authorities (CAs) to trust.",
		},
		{
			Key: stateConnection + "proxy_url", Type: Text, Example: "http://proxy.example.com:3128",
			Summary: "URL of the proxy.",
		},
	}
}

var (
	// validStateID is what the id may consist of: it is part of keys, messages and commands.
	validStateID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,128}$`)
	// validStateIndex is Elasticsearch's rule for the name of an index, and a bit less.
	validStateIndex = regexp.MustCompile(`^[a-z0-9.][a-z0-9._-]{0,254}$`)
)

// UnpackState reads and checks the section onepasswordbeat.state of the beat's section. Its error has a line per problem.
func UnpackState(beat *conf.C) (State, error) {
	s := DefaultState()
	if beat == nil || !beat.HasField("state") {
		return s, nil
	}
	section, err := beat.Child("state", -1)
	if err != nil {
		return s, errors.New("onepasswordbeat.state: it must hold keys of its own; write for example onepasswordbeat.state.backend: file")
	}
	if err := section.Unpack(&s); err != nil {
		return s, fmt.Errorf("onepasswordbeat.state cannot be read: %s", safetext.Line(err.Error()))
	}
	var errs []error
	if s.Backend != StateInFiles && s.Backend != StateInElasticsearch {
		errs = append(errs, fmt.Errorf("onepasswordbeat.state.backend: unknown backend %q: write %s or %s", safetext.Short(s.Backend, 60), StateInFiles, StateInElasticsearch))
	}
	switch {
	case s.ID == "" && s.Backend == StateInElasticsearch:
		errs = append(errs, errors.New("onepasswordbeat.state.id: it is missing. With backend elasticsearch it names the states of this beat: write for example "+
			"onepasswordbeat.state.id: production, the same on the machine that takes over, and another one for every other beat"))
	case s.ID != "" && !validStateID.MatchString(s.ID):
		errs = append(errs, fmt.Errorf("onepasswordbeat.state.id: invalid id %q: use 1 to 128 of the characters A-Z a-z 0-9 . _ -", safetext.Short(s.ID, 60)))
	}
	if !validStateIndex.MatchString(s.Index) || strings.Trim(s.Index, ".") == "" {
		errs = append(errs, fmt.Errorf("onepasswordbeat.state.index: invalid name %q: use at most 255 of the characters a-z 0-9 . _ -, "+
			"and begin with a letter, a digit or a dot; write for example onepasswordbeat.state.index: onepasswordbeat-state", safetext.Short(s.Index, 60)))
	}
	return s, errors.Join(errs...)
}

// UnknownStateKeys returns the unknown settings below onepasswordbeat.state. Those of the connection are libbeat's.
func UnknownStateKeys(beat *conf.C) []string {
	if beat == nil || !beat.HasField("state") {
		return nil
	}
	section, err := beat.Child("state", -1)
	if err != nil {
		return nil
	}
	var unknown []string
	for _, name := range section.GetFields() {
		if !slices.Contains([]string{"backend", "id", "index", "elasticsearch"}, name) {
			unknown = append(unknown, safetext.SettingName(name))
		}
	}
	slices.Sort(unknown)
	return unknown
}
