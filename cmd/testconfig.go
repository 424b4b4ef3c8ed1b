// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What the `test` commands say beside libbeat's words: the log, in which a running
// beat says it, is not what their user looks at.

package cmd

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/elastic/beats/v7/libbeat/beat"
	conf "github.com/elastic/elastic-agent-libs/config"

	"onepasswordbeat/beater"
)

// configTest has `test config` warn of settings that nobody reads.
type configTest struct{ stderr io.Writer } // nil in every other command

// watch notices that the command is `test config`.
func (c *configTest) watch(test *cobra.Command) {
	for _, sub := range test.Commands() {
		if sub.Name() == "config" {
			sub.PreRun = func(cmd *cobra.Command, _ []string) { c.stderr = cmd.ErrOrStderr() }
		}
	}
}

// creator is the beat's, which `test config` calls to have the inputs checked.
func (c *configTest) creator(next beat.Creator) beat.Creator {
	return func(b *beat.Beat, section *conf.C) (beat.Beater, error) {
		if c.stderr != nil {
			inputs, _ := beater.Inputs(section) // the creator reports what is wrong
			warnOfUnknownKeys(c.stderr, inputs)
		}
		return next(b, section)
	}
}

// warnOfUnknownKeys prints a line for each input with settings that nobody reads.
func warnOfUnknownKeys(w io.Writer, inputs []*conf.C) {
	for _, in := range inputs {
		if unread := beater.UnreadSettings(in); unread != "" {
			_, _ = fmt.Fprintln(w, unread)
		}
	}
}
