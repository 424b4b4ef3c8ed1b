// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Where cursors are kept: from the configuration to an open registry.

package beater

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/elastic/beats/v7/libbeat/beat"
	"github.com/elastic/beats/v7/libbeat/common"
	conf "github.com/elastic/elastic-agent-libs/config"
	"github.com/elastic/elastic-agent-libs/paths"

	"onepasswordbeat/config"
	"onepasswordbeat/internal/registry"
)

// unstoredFor is how long collection goes on while states can't be stored in Elasticsearch. What was delivered since
// the last stored one is repeated after a crash.
const unstoredFor = time.Hour

// unstored is that of a registry. With files, a full disk does not end collection.
func unstored(s registry.Settings) time.Duration {
	if s.Backend == registry.BackendElasticsearch {
		return unstoredFor
	}
	return 0
}

// RegistrySettings returns where cursors are kept, from the beat's section of the configuration. Its error names the
// settings at fault. It connects to nothing.
func RegistrySettings(b *beat.Beat, section *conf.C) (registry.Settings, error) {
	state, err := config.UnpackState(section)
	if err != nil {
		return registry.Settings{}, err
	}
	s := registry.Settings{Backend: state.Backend, DataPath: b.Info.Paths.Resolve(paths.Data, "")}
	connection, from := state.Elasticsearch, "onepasswordbeat.state.elasticsearch"
	if connection == nil && b.Config != nil && b.Config.Output.Name() == "elasticsearch" {
		connection, from = b.Config.Output.Config(), "output.elasticsearch"
	}
	needed := state.Backend == config.StateInElasticsearch
	switch {
	case connection == nil && needed:
		return s, errors.New("onepasswordbeat.state.backend: elasticsearch needs an Elasticsearch, and the output is not one that is known at the start: " +
			"write for example onepasswordbeat.state.elasticsearch.hosts: [\"https://state.example.com:9200\"]")
	case connection == nil, state.ID == "":
		return s, nil
	}
	if err := registry.CheckElasticsearch(connection); err != nil {
		if from == "output.elasticsearch" && !needed {
			return s, nil // libbeat reports it
		}
		return s, fmt.Errorf("%s cannot be used for the states: %w", from, err)
	}
	s.Elasticsearch = &registry.Elasticsearch{ID: state.ID, Index: state.Index, Connection: connection}
	return s, nil
}

// store keeps the states of a running beat.
type store interface {
	Load(context.Context, registry.Key) (registry.State, error)
	// Peek is Load for those that only show a state.
	Peek(context.Context, registry.Key) (registry.State, error)
	Commit(context.Context, registry.Key, registry.State) error
}

// openStore opens the registry. A damaged one ends a beat that runs on its own,
// with a message that says how to go on; under Elastic Agent it is the health of
// each input instead.
func openStore(b *beat.Beat, s registry.Settings) (store, func() error, error) {
	reg, err := registry.OpenConfigured(s, b.Info.Logger)
	if err == nil {
		return reg, reg.Close, nil
	}
	if b.Manager.Enabled() {
		return brokenStore{err}, func() error { return nil }, nil
	}
	return nil, nil, err
}

// brokenStore answers everything with the reason why there is no registry.
type brokenStore struct{ err error }

func (s brokenStore) Load(context.Context, registry.Key) (registry.State, error) {
	return registry.State{}, s.err
}

func (s brokenStore) Peek(context.Context, registry.Key) (registry.State, error) {
	return registry.State{}, s.err
}

func (s brokenStore) Commit(context.Context, registry.Key, registry.State) error { return s.err }

// destinationKeys are the settings of an output that say where events go.
var destinationKeys = []string{"index", "topic", "key", "path", "filename", "db"}

// destination names where the events of an input go: a digest of the output's type, its hosts in any order, its index or topic,
// and the input's own index and namespace. States of two beats are exchangeable only if they have the same.
func destination(b *beat.Beat, c config.Config, index string) string {
	parts := map[string]any{"namespace": c.Namespace, "input_index": index}
	if b != nil && b.Config != nil && b.Config.Output.IsSet() {
		output := b.Config.Output.Config()
		parts["output"] = b.Config.Output.Name()
		parts["hosts"] = hostsOf(b.Config.Output.Name(), output)
		for _, key := range destinationKeys {
			if text, err := output.String(key, -1); err == nil {
				parts[key] = text
			}
		}
	}
	raw, err := json.Marshal(parts) // in the order of the keys
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:16])
}

// hostsOf are the hosts of an output, each once and sorted.
func hostsOf(name string, output *conf.C) []string {
	var section struct {
		Hosts    []string `config:"hosts"`
		Protocol string   `config:"protocol"`
		Path     string   `config:"path"`
	}
	if output.Unpack(&section) != nil {
		return nil
	}
	for i, host := range section.Hosts {
		if name != "elasticsearch" {
			continue
		}
		if url, err := common.MakeURL(section.Protocol, section.Path, host, 9200); err == nil {
			section.Hosts[i] = url
		}
	}
	slices.Sort(section.Hosts)
	return slices.Compact(section.Hosts)
}
