// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// From the settings of an input to those of its account and harvesters.

package beater

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"github.com/elastic/beats/v7/libbeat/processors"
	conf "github.com/elastic/elastic-agent-libs/config"
	"github.com/elastic/elastic-agent-libs/logp"

	"onepasswordbeat/config"
	"onepasswordbeat/internal/account"
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
