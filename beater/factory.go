// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// From a configuration to a running input, with our defaults.

package beater

import (
	"github.com/elastic/beats/v7/filebeat/channel"
	v2 "github.com/elastic/beats/v7/filebeat/input/v2"
	"github.com/elastic/beats/v7/filebeat/input/v2/compat"
	"github.com/elastic/beats/v7/libbeat/beat"
	"github.com/elastic/beats/v7/libbeat/cfgfile"
	"github.com/elastic/beats/v7/libbeat/feature"
	conf "github.com/elastic/elastic-agent-libs/config"
	"github.com/elastic/go-concert/unison"

	"onepasswordbeat/config"
)

// Init has nothing to do: the registry is open already.
func (m *manager) Init(unison.Group) error { return nil }

// Create creates an input from its settings. It opens no connection.
func (m *manager) Create(cfg *conf.C) (v2.Input, error) {
	c, err := unpack(cfg)
	if err != nil {
		return nil, err
	}
	if keys := config.UnknownKeys(cfg); len(keys) > 0 {
		m.log.Warnw("unknown settings", "input_id", c.ID, "settings", keys)
	}
	index, _ := cfg.String("index", -1) // Filebeat's framework reads it
	return &input{manager: m, cfg: c, destination: destination(m.beat, c, index)}, nil
}

// newFactory creates runners: Filebeat's input framework with its common settings
// (tags, fields, processors, index, ...) around our manager.
func newFactory(m *manager) (cfgfile.RunnerFactory, error) {
	b, log := m.beat, m.log
	loader, err := v2.NewLoader(log, []v2.Plugin{{
		Name:      inputType,
		Stability: feature.Stable,
		Info:      "1Password Events API",
		Doc:       "Collects sign-in attempts, item usages and audit events of a 1Password Business account",
		Manager:   m,
	}}, "type", inputType)
	if err != nil {
		return nil, err
	}
	runners := compat.RunnerFactory(log, b.Info, b.Monitoring.InputsRegistry(), loader)
	factory := withDefaults{channel.RunnerFactoryWithCommonInputSettings(b.Info, runners)}
	if b.Manager.Enabled() {
		return failureReporting{factory}, nil
	}
	return factory, nil
}

// withDefaults sets the defaults that differ from those of other Filebeat inputs: the host that collects is not the host
// of the event.
type withDefaults struct{ cfgfile.RunnerFactory }

func (f withDefaults) Create(p beat.PipelineConnector, cfg *conf.C) (cfgfile.Runner, error) {
	if err := config.ExpandInput(cfg); err != nil { // before Filebeat's framework reads the common settings
		return nil, err
	}
	merged, err := conf.MergeConfigs(conf.MustNewConfigFrom(map[string]any{
		"id":                 DefaultID,
		"type":               inputType,
		"publisher_pipeline": map[string]any{"disable_host": true},
	}), cfg)
	if err != nil {
		return nil, err
	}
	return f.RunnerFactory.Create(p, merged)
}
