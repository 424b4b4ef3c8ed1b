// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// From a configuration to a running input, with our defaults.

package beater

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"github.com/elastic/beats/v7/filebeat/channel"
	v2 "github.com/elastic/beats/v7/filebeat/input/v2"
	"github.com/elastic/beats/v7/filebeat/input/v2/compat"
	"github.com/elastic/beats/v7/libbeat/beat"
	"github.com/elastic/beats/v7/libbeat/cfgfile"
	"github.com/elastic/beats/v7/libbeat/feature"
	"github.com/elastic/beats/v7/libbeat/processors"
	conf "github.com/elastic/elastic-agent-libs/config"
	"github.com/elastic/elastic-agent-libs/logp"
	"github.com/elastic/go-concert/unison"

	"onepasswordbeat/config"
	"onepasswordbeat/internal/account"
	"onepasswordbeat/internal/delivery"
	"onepasswordbeat/internal/harvester"
	"onepasswordbeat/internal/registry"
	"onepasswordbeat/version"
)

// inputType is the `type` of an input.
const inputType = config.InputType

// DefaultID is the id of an input that has none: there is only one.
const DefaultID = "default"

// unpack reads and checks the settings of an input. `test config` and the start call it, so that both reject the same.
func unpack(cfg *conf.C) (config.Config, error) {
	c, err := config.Unpack(cfg)
	if c.ID == "" {
		c.ID = DefaultID
	}
	if err != nil {
		return c, err
	}
	return c, account.Check(AccountOptions(c, logp.NewNopLogger()))
}

// checkProcessors creates the processors of an input and closes them. Otherwise an invalid one would be found when the
// input runs, and end it.
func checkProcessors(cfg *conf.C) error {
	section := struct {
		Processors processors.PluginConfig `config:"processors"`
	}{}
	err := cfg.Unpack(&section)
	if err == nil {
		var made *processors.Processors
		if made, err = processors.New(section.Processors, logp.NewNopLogger()); err == nil {
			err = made.Close()
		}
	}
	if err != nil {
		return fmt.Errorf("processors: one of them is invalid, correct or remove it: %w", err)
	}
	return nil
}

// manager creates inputs. It is the v2 InputManager of the type onepassword.
type manager struct {
	beat     *beat.Beat
	store    store
	unstored time.Duration // harvester.Settings.Unstored
	guard    *delivery.Guard
	budget   *delivery.Budget
	accounts *account.Pool
	running  *diagnostics
	probes   *probes
	gc       gcTuner
	log      *logp.Logger
}

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

// UnknownSettings is a line with the unknown settings of an input; "" if there are none.
func UnknownSettings(cfg *conf.C) string {
	keys := config.UnknownKeys(cfg)
	if len(keys) == 0 {
		return ""
	}
	id, _ := cfg.String("id", -1)
	return fmt.Sprintf("unknown settings in input %q: %s", cmp.Or(id, DefaultID), strings.Join(keys, ", "))
}

// AccountOptions returns the settings of an input that concern its account.
func AccountOptions(c config.Config, log *logp.Logger) account.Options {
	return account.Options{
		Token:      c.Token,
		TokenFile:  c.TokenFile,
		URL:        c.URL,
		APIVersion: c.APIVersion,
		RateLimit:  account.RateLimit{PerMinute: c.RateLimit.RequestsPerMinute, PerHour: c.RateLimit.RequestsPerHour},
		Transport:  c.Transport,
		UserAgent:  "onepasswordbeat/" + version.Version,
		Log:        log,
	}
}

// firstPause is a harvester's share of the interval, the same at each start. It spreads the polls of many harvesters
// over the interval: none polls later than without it.
func firstPause(key registry.Key, interval time.Duration) time.Duration {
	if interval <= 0 {
		return 0
	}
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(key.String()))
	return 1 + time.Duration(hash.Sum64()%uint64(interval)) //nolint:gosec // less than interval
}

// harvesterSettings are the settings of an input that concern its harvesters.
func harvesterSettings(c config.Config, key registry.Key) harvester.Settings {
	return harvester.Settings{
		Interval:              c.Interval,
		FirstPause:            firstPause(key, c.Interval),
		InitialInterval:       c.InitialInterval,
		ShutdownTimeout:       c.ShutdownTimeout,
		Limit:                 c.Limit,
		Namespace:             c.Namespace,
		PreserveOriginalEvent: c.PreserveOriginalEvent,
		AcceptFailureStore:    c.AcceptFailureStore,
	}
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
