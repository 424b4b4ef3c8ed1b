// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Warnings of `test config` about unknown settings. A running beat logs them, but a user of this command reads the
// terminal.

package cmd

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/elastic/beats/v7/libbeat/beat"
	conf "github.com/elastic/elastic-agent-libs/config"

	"onepasswordbeat/beater"
	"onepasswordbeat/config"
)

// configTest makes `test config` warn about unknown settings.
type configTest struct{ stderr io.Writer } // nil in every other command

// watch sets where to print if the command is `test config`.
func (c *configTest) watch(test *cobra.Command) {
	for _, sub := range test.Commands() {
		if sub.Name() == "config" {
			sub.PreRun = func(cmd *cobra.Command, _ []string) { c.stderr = cmd.ErrOrStderr() }
		}
	}
}

// creator wraps the beat's creator, which `test config` calls to check the inputs.
func (c *configTest) creator(next beat.Creator) beat.Creator {
	return func(b *beat.Beat, section *conf.C) (beat.Beater, error) {
		if c.stderr != nil {
			inputs, _ := beater.Inputs(section) // the creator reports the error
			warnOfUnknownKeys(c.stderr, inputs)
			if keys := config.UnknownStateKeys(section); len(keys) > 0 {
				_, _ = fmt.Fprintln(c.stderr, "unknown settings in onepasswordbeat.state: "+strings.Join(keys, ", "))
			}
		}
		return next(b, section)
	}
}

// warnOfUnknownKeys prints a line for each input with unknown settings.
func warnOfUnknownKeys(w io.Writer, inputs []*conf.C) {
	for _, in := range inputs {
		if line := beater.UnknownSettings(in); line != "" {
			_, _ = fmt.Fprintln(w, line)
		}
	}
}
