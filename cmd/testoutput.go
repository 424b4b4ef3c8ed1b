// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What `test output` adds to libbeat's report: whether Elasticsearch is Serverless.

package cmd

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/elastic/beats/v7/libbeat/esleg/eslegclient"
	conf "github.com/elastic/elastic-agent-libs/config"
	"github.com/elastic/elastic-agent-libs/logp"
)

// flavorTimeout bounds the second look at an Elasticsearch that libbeat has reached.
const flavorTimeout = 10 * time.Second

// nameServerless has `test output` say that the output is Elasticsearch Serverless.
func nameServerless(test *cobra.Command, c *captured) {
	for _, sub := range test.Commands() {
		if sub.Name() != "output" {
			continue
		}
		sub.PostRun = func(cmd *cobra.Command, _ []string) { // libbeat ends the process if its test fails
			ctx, cancel := context.WithTimeout(cmd.Context(), flavorTimeout)
			defer cancel()
			if c.serverless(ctx) {
				_, _ = fmt.Fprintln(cmd.OutOrStdout(), "  build flavor: serverless. This is Elasticsearch Serverless, which has no ILM: "+
					"the index template gets a data stream lifecycle, which deletes nothing unless setup.dsl.data_retention is set")
			}
		}
	}
}

// serverless asks the configured Elasticsearch for its build flavor.
func (c *captured) serverless(ctx context.Context) bool {
	var section struct {
		Output conf.Namespace `config:"output"`
	}
	if c.root == nil || c.root.Unpack(&section) != nil || section.Output.Name() != "elasticsearch" {
		return false
	}
	es, err := eslegclient.NewConnectedClient(ctx, section.Output.Config(), Name, logp.NewNopLogger())
	if err != nil {
		return false
	}
	defer func() { _ = es.Close() }()
	return es.IsServerless()
}
