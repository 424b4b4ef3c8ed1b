// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The beat's name, and the defaults of config.BeatDefaults, applied to the root configuration.

package cmd

import (
	"flag"
	"fmt"

	"github.com/elastic/beats/v7/libbeat/cfgfile"
	conf "github.com/elastic/elastic-agent-libs/config"

	"onepasswordbeat/config"
)

// Name is the beat's name: of its files, its data path and its section of the configuration.
const Name = "onepasswordbeat"

// overrides are merged below the configuration file and the command line's -E, whose values win.
func overrides() []cfgfile.ConditionalOverride {
	var list []cfgfile.ConditionalOverride
	for _, d := range config.BeatDefaults() {
		if d.Key != config.QueueFlushTimeout {
			list = append(list, cfgfile.ConditionalOverride{Check: func(*conf.C) bool { return true }, Config: yamlConfig(d.Key, d.Value)})
			continue
		}
		for _, output := range []string{"", "console", "discard", "elasticsearch", "file", "kafka", "logstash", "redis"} {
			list = append(list, queueDefault(output, d.Value))
		}
	}
	return list
}

// queueDefault sets the flush timeout of the memory queue where the queue is configured, which is below output or, if
// output is "", at the root: libbeat rejects a configuration with both.
func queueDefault(output, timeout string) cfgfile.ConditionalOverride {
	key := config.QueueFlushTimeout
	if output != "" {
		key = "output." + output + "." + key
	}
	return cfgfile.ConditionalOverride{
		Check: func(file *conf.C) bool {
			kind, where := queueOf(withCommandLine(file))
			return kind != "disk" && where == output
		},
		Config: yamlConfig(key, timeout),
	}
}

// yamlConfig is a configuration with one setting, whose value is written in YAML.
func yamlConfig(key, value string) *conf.C {
	c, err := conf.NewConfigWithYAML([]byte(key+": "+value), "onepasswordbeat's defaults")
	if err != nil {
		panic(fmt.Sprintf("default of %s: %v", key, err)) // a programming error
	}
	return c
}

// withCommandLine is the configuration file merged with the settings of -E, which libbeat does not show to a check.
func withCommandLine(file *conf.C) *conf.C {
	settings := flag.Lookup("E")
	if settings == nil {
		return file
	}
	cli, ok := settings.Value.(*conf.SettingsFlag)
	if !ok {
		return file
	}
	merged, err := conf.MergeConfigs(file, cli.Config())
	if err != nil {
		return file // libbeat reports the error
	}
	return merged
}

// queueOf returns the configured queue ("mem", "disk", or "" for none) and the output below which it is configured; ""
// is the root.
func queueOf(root *conf.C) (kind, output string) {
	var section struct {
		Queue  conf.Namespace `config:"queue"`
		Output conf.Namespace `config:"output"`
	}
	if err := root.Unpack(&section); err != nil {
		return "", "" // libbeat reports the error
	}
	if section.Output.IsSet() {
		var own struct {
			Queue conf.Namespace `config:"queue"`
		}
		if err := section.Output.Config().Unpack(&own); err == nil && own.Queue.IsSet() {
			return own.Queue.Name(), section.Output.Name()
		}
	}
	return section.Queue.Name(), ""
}
