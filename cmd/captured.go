// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What libbeat hands to one of its hooks only and other parts of the command need as well.

package cmd

import (
	"fmt"

	"github.com/elastic/beats/v7/libbeat/beat"
	"github.com/elastic/beats/v7/libbeat/idxmgmt"
	"github.com/elastic/beats/v7/libbeat/publisher/processing"
	conf "github.com/elastic/elastic-agent-libs/config"
	"github.com/elastic/elastic-agent-libs/logp"

	"onepasswordbeat/config"
)

// captured holds the root configuration and the index management. RootCommand creates one; libbeat fills it while it
// configures the beat, before it creates the beater. The beater needs to know the queue, `setup --pipelines` both.
type captured struct {
	root            *conf.C
	indexManagement idxmgmt.Supporter
}

// from wraps the factory that libbeat calls with the root configuration.
func (c *captured) from(next idxmgmt.SupportFactory) idxmgmt.SupportFactory {
	return func(log *logp.Logger, info beat.Info, root *conf.C) (idxmgmt.Supporter, error) {
		if err := prepare(root); err != nil { // before the output and the processors are created
			return nil, err
		}
		made, err := next(log, info, root)
		c.root, c.indexManagement = root, made
		return made, err
	}
}

// withName corrects the beat's name for the processors that add it to events: libbeat reads it before the variables are
// expanded.
func withName(next processing.SupportFactory) processing.SupportFactory {
	return func(info beat.Info, log *logp.Logger, root *conf.C) (processing.Supporter, error) {
		if name, err := root.String("name", -1); err == nil && name != "" {
			info.Name = name
		}
		return next(info, log, root)
	}
}

// prepare changes libbeat's settings in place: variables keep their text, and passwords stay out of the log.
func prepare(root *conf.C) error {
	config.ExpandRoot(root)
	for _, section := range []string{"output.elasticsearch", "monitoring.elasticsearch", "onepasswordbeat.state.elasticsearch"} {
		settings, err := root.Child(section, -1)
		if err != nil {
			continue // not configured
		}
		if err := config.HideProxyCredentials(settings); err != nil {
			return fmt.Errorf("%s.%w", section, err)
		}
	}
	return nil
}

// diskQueue reports whether queue.disk is configured; false before there is a configuration.
func (c *captured) diskQueue() bool {
	if c.root == nil {
		return false
	}
	kind, _ := queueOf(c.root)
	return kind == "disk"
}

// http is the section `http`; nil without one.
func (c *captured) http() *conf.C {
	if c.root == nil {
		return nil
	}
	section, err := c.root.Child("http", -1)
	if err != nil {
		return nil
	}
	return section
}
