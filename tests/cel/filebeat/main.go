// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Command filebeat is Filebeat with one input, cel. It links code under the Elastic
// License 2.0, which is why it has a module of its own; it serves tests and is not
// distributed.
package main

import (
	"os"

	filebeat "github.com/elastic/beats/v7/filebeat/cmd"
	v2 "github.com/elastic/beats/v7/filebeat/input/v2"
	"github.com/elastic/beats/v7/libbeat/beat"
	"github.com/elastic/beats/v7/libbeat/statestore"
	"github.com/elastic/beats/v7/x-pack/filebeat/input/cel" //nolint:depguard // what this module is for
	"github.com/elastic/elastic-agent-libs/logp"
	"github.com/elastic/elastic-agent-libs/paths"
)

func main() {
	settings := filebeat.FilebeatSettings("")
	settings.ElasticLicensed = true
	if filebeat.Filebeat(inputs, settings).Execute() != nil {
		os.Exit(1) //nolint:forbidigo // the one place where the process ends
	}
}

// inputs is the cel input as Filebeat registers it.
func inputs(_ beat.Info, log *logp.Logger, store statestore.States, _ *paths.Path) []v2.Plugin {
	return []v2.Plugin{cel.Plugin(log, store)}
}
