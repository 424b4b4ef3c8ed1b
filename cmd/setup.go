// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// `setup --pipelines`: libbeat calls it back with the output's settings.

package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/elastic/beats/v7/libbeat/beat"
	"github.com/elastic/beats/v7/libbeat/cmd"
	"github.com/elastic/beats/v7/libbeat/esleg/eslegclient"
	"github.com/elastic/beats/v7/libbeat/idxmgmt"
	"github.com/elastic/beats/v7/libbeat/idxmgmt/lifecycle"
	"github.com/elastic/beats/v7/libbeat/template"
	conf "github.com/elastic/elastic-agent-libs/config"

	"onepasswordbeat/internal/indexsetup"
	"onepasswordbeat/packages"
)

// wantsPipelines reports whether `setup` was called with --pipelines. Without a
// flag libbeat would load them, too: they need one privilege more and nodes with
// the role ingest, so they are loaded where they are asked for.
func wantsPipelines(root *cmd.BeatsRootCmd) bool {
	set, err := root.SetupCmd.Flags().GetBool(cmd.PipelineKey)
	return err == nil && set
}

// describeSetup says what `setup` does here; libbeat's own text is of all beats.
func describeSetup(setup *cobra.Command) {
	setup.Short = "Load the index template and the ILM policy into Elasticsearch, and the ingest pipelines on request"
	setup.Long = `This command loads into Elasticsearch

 * the index template of the data streams logs-1password.*-*,
 * the ILM policy that it names,
 * with --pipelines, the ingest pipelines of the 1Password integration, which the
   template then names.

What is there stays as it is, but for the pipelines.`
	if f := setup.Flags().Lookup(cmd.PipelineKey); f != nil {
		f.Usage = "Load the ingest pipelines, too"
	}
	for _, name := range []string{cmd.DashboardKey, cmd.EnableAllFilesetsKey, cmd.ForceEnableModuleFilesets} {
		if f := setup.Flags().Lookup(name); f != nil {
			f.Hidden = true // libbeat offers them to every beat; this one has neither dashboards of its own nor filesets
		}
	}
	setup.PreRunE = func(setup *cobra.Command, _ []string) error {
		if set, err := setup.Flags().GetBool(cmd.DashboardKey); err == nil && set {
			setup.SilenceUsage = true
			return errNoDashboards
		}
		return nil
	}
}

var errNoDashboards = errors.New("the dashboards are in the integration package: docs/integration.md")

// hideKibana hides the exports of dashboards and data views: they are part of the integration package.
func hideKibana(export *cobra.Command) {
	for _, sub := range export.Commands() {
		if name := sub.Name(); name == "dashboard" || name == "index-pattern" {
			sub.Hidden = true
		}
	}
}

// setupPipelines loads the ingest pipelines, and the template with their name.
func setupPipelines(b *beat.Beat, c *captured, out io.Writer) beat.OverwritePipelinesCallback {
	return func(output *conf.C) error {
		if b.Config.Output.Name() != "elasticsearch" {
			return errors.New("ingest pipelines are loaded into Elasticsearch: configure output.elasticsearch for this command, " +
				"even if another output is used otherwise")
		}
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		es, err := eslegclient.NewConnectedClient(ctx, output, b.Info.Beat, b.Info.Logger)
		if err != nil {
			return err
		}
		defer func() { _ = es.Close() }()
		pipelines, err := packages.Pipelines()
		if err != nil {
			return err
		}
		if err := indexsetup.LoadPipelines(es, pipelines); err != nil {
			return fmt.Errorf("%w. The index template was not changed. The role needs the cluster privilege manage_ingest_pipelines (docs/roles.md)", err)
		}
		return namePipeline(b, c, es, out)
	}
}

// namePipeline loads the template where it is missing, as `setup` does, and has
// it name the pipeline.
func namePipeline(b *beat.Beat, c *captured, es *eslegclient.Connection, out io.Writer) error {
	section := struct {
		Lifecycle lifecycle.RawConfig     `config:",inline"`
		Template  template.TemplateConfig `config:"setup.template"`
	}{Template: template.DefaultConfig(b.Info)}
	if err := c.root.Unpack(&section); err != nil {
		return fmt.Errorf("setup.template or setup.ilm cannot be read: %w", err)
	}
	client, err := idxmgmt.NewESClientHandler(es, b.Info, section.Lifecycle)
	if err != nil {
		return err
	}
	manager := c.indexManagement.Manager(client, idxmgmt.BeatsAssets(b.Fields))
	if err := manager.Setup(idxmgmt.LoadModeOverwrite, idxmgmt.LoadModeEnabled); err != nil {
		return err
	}
	if !section.Template.Enabled {
		_, _ = fmt.Fprintf(out, "No index template was changed, because setup.template.enabled is false: have yours name the ingest pipeline %q as index.default_pipeline.\n", indexsetup.PipelineName)
		return nil
	}
	name, err := indexsetup.LoadedName(b.Info, section.Template)
	if err != nil {
		return err
	}
	other, err := indexsetup.NamePipeline(es, name)
	if err != nil {
		return err
	}
	if other != "" {
		_, _ = fmt.Fprintf(out, "The index template names the ingest pipeline %q already and stays as it is: call %q from it.\n", other, indexsetup.PipelineName)
		return nil
	}
	_, _ = fmt.Fprintf(out, "The index template names the ingest pipeline %q; a data stream that is there already uses it from its next rollover on.\n", indexsetup.PipelineName)
	return nil
}
