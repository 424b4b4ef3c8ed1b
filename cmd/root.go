// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package cmd is the command: libbeat's root command with this beat's settings, and the subcommands that only this beat
// has.
//
//	root.go        the root command and its settings
//	captured.go    what libbeat hands to one of its hooks only
//	defaults.go    defaults of the root configuration that differ from libbeat's
//	testconfig.go  what `test config` warns of
//	testoutput.go  what `test output` says of Elasticsearch Serverless
//	testapi.go     `test api`
//	state.go       `state list`, `state reset`
//	owner_unix.go  root becomes the owner of the state before it opens files
//	migrate.go     `migrate eventsapibeat`; migratereport.go is what it writes and prints
//	setup.go       `setup --pipelines`, and the flags of libbeat that this beat does not support
//	agent/         the connection to Elastic Agent
package cmd

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/elastic/beats/v7/libbeat/beat"
	"github.com/elastic/beats/v7/libbeat/cmd"
	"github.com/elastic/beats/v7/libbeat/cmd/instance"
	"github.com/elastic/beats/v7/libbeat/publisher/processing"

	"onepasswordbeat/beater"
	"onepasswordbeat/cmd/agent"
	_ "onepasswordbeat/include" // registers fields.yml
	"onepasswordbeat/internal/indexsetup"
	"onepasswordbeat/version"
)

// settings are libbeat's settings of this beat. What libbeat hands to their hooks goes into c.
func settings(c *captured) instance.Settings {
	return instance.Settings{
		Name:            Name,
		IndexPrefix:     Name,
		Version:         version.Version,
		HasDashboards:   false,
		ConfigOverrides: overrides(),
		IndexManagement: c.from(indexsetup.Factory),
		Processing:      withName(processing.MakeDefaultSupport(true, nil, processing.WithECS, processing.WithHost, processing.WithAgentMeta())),
	}
}

// RootCommand creates the command line.
func RootCommand() *cmd.BeatsRootCmd {
	agent.Register()
	c := &captured{}
	settings := settings(c)
	var root *cmd.BeatsRootCmd
	create := beater.New(beater.Settings{
		DiskQueue: c.diskQueue,
		HTTP:      c.http,
		Setup: func(b *beat.Beat) {
			if wantsPipelines(root) {
				b.OverwritePipelinesCallback = setupPipelines(b, c, os.Stdout)
			}
		},
	})
	tested := &configTest{}
	root = cmd.GenRootCmdWithSettings(tested.creator(create), settings)
	tested.watch(root.TestCmd)
	nameServerless(root.TestCmd, c)
	root.Short = "Ships 1Password's sign-in attempts, item usages and audit events to Elasticsearch and other outputs"
	root.TestCmd.AddCommand(testAPICommand(settings))
	root.AddCommand(stateCommand(settings), migrateCommand(settings))
	describeSetup(root.SetupCmd)
	setExportVersion(root.ExportCmd)
	hideKibana(root.ExportCmd)
	return root
}

// setExportVersion corrects a default: `export template` and `export ilm-policy`
// take the beat's own version for Elasticsearch's.
func setExportVersion(export *cobra.Command) {
	for _, sub := range export.Commands() {
		if f := sub.Flags().Lookup("es.version"); f != nil {
			f.DefValue = indexsetup.MinVersion
			if err := f.Value.Set(indexsetup.MinVersion); err != nil {
				panic(fmt.Sprintf("es.version has no string value: %v", err)) // a programming error
			}
		}
	}
}
