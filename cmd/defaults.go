// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Defaults of the root configuration that differ from libbeat's.

package cmd

import (
	"flag"

	"github.com/elastic/beats/v7/libbeat/beat"
	"github.com/elastic/beats/v7/libbeat/cfgfile"
	"github.com/elastic/beats/v7/libbeat/idxmgmt"
	conf "github.com/elastic/elastic-agent-libs/config"
	"github.com/elastic/elastic-agent-libs/logp"

	"onepasswordbeat/internal/indexsetup"
)

// flushTimeout is how long the queue waits for a batch to fill. libbeat's 10 s
// would be the larger part of an event's way.
const flushTimeout = "500ms"

// overrides are merged below the configuration file and the command line's -E:
// what they set wins.
func overrides() []cfgfile.ConditionalOverride {
	always := func(*conf.C) bool { return true }
	list := []cfgfile.ConditionalOverride{
		{Check: always, Config: indexsetup.Defaults()},
		// libbeat cuts @timestamp to milliseconds: the order of what one sign-in does would be lost.
		{Check: always, Config: conf.MustNewConfigFrom(map[string]any{"timestamp.precision": "nanosecond"})},
		freshQueue(""),
	}
	for _, output := range []string{"console", "discard", "elasticsearch", "file", "kafka", "logstash", "redis"} {
		list = append(list, freshQueue(output))
	}
	return list
}

// freshQueue sets the flush timeout of the memory queue where the queue is
// configured: libbeat refuses settings for it at the root and below the output.
func freshQueue(output string) cfgfile.ConditionalOverride {
	key := "queue.mem.flush.timeout"
	if output != "" {
		key = "output." + output + "." + key
	}
	return cfgfile.ConditionalOverride{
		Check: func(file *conf.C) bool {
			kind, where := queueOf(withCommandLine(file))
			return kind != "disk" && where == output
		},
		Config: conf.MustNewConfigFrom(map[string]any{key: flushTimeout}),
	}
}

// withCommandLine is the configuration file and what -E says on top of it, which
// libbeat does not show to a check.
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
		return file // libbeat says what is wrong with it
	}
	return merged
}

// queueOf tells which queue is configured ("mem", "disk", or "" for none) and
// below which output; "" is the root.
func queueOf(root *conf.C) (kind, output string) {
	var section struct {
		Queue  conf.Namespace `config:"queue"`
		Output conf.Namespace `config:"output"`
	}
	if err := root.Unpack(&section); err != nil {
		return "", "" // libbeat says what is wrong with it
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

// rootConfig is the whole configuration, and indexManagement what libbeat sets
// Elasticsearch up with. libbeat hands the one to the maker of the other only;
// the beater needs to know the queue, and `setup --pipelines` both.
var (
	rootConfig      *conf.C
	indexManagement idxmgmt.Supporter
)

func captureRoot(next idxmgmt.SupportFactory) idxmgmt.SupportFactory {
	return func(log *logp.Logger, info beat.Info, root *conf.C) (idxmgmt.Supporter, error) {
		made, err := next(log, info, root)
		rootConfig, indexManagement = root, made
		return made, err
	}
}

func usesDiskQueue() bool {
	if rootConfig == nil {
		return false
	}
	kind, _ := queueOf(rootConfig)
	return kind == "disk"
}
