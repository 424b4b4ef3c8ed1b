// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What the `test` commands warn of.

package cmd

import (
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/elastic/beats/v7/libbeat/beat"
	conf "github.com/elastic/elastic-agent-libs/config"
)

// TestWarnOfUnknownKeys: a line for each input that has some.
func TestWarnOfUnknownKeys(t *testing.T) {
	var out writer
	warnOfUnknownKeys(&out, []*conf.C{
		conf.MustNewConfigFrom(map[string]any{"id": "a", "token": "x"}),
		conf.MustNewConfigFrom(map[string]any{"id": "b", "tokn": "x", "limitt": 1}),
		conf.MustNewConfigFrom(map[string]any{"tokn": "x"}),
	})
	assert.Equal(t, "unknown settings in input \"b\": limitt, tokn\nunknown settings in input \"default\": tokn\n", string(out))
}

// TestOnlyTestConfigWarns: the log of a run has it.
func TestOnlyTestConfigWarns(t *testing.T) {
	test, config := &cobra.Command{}, &cobra.Command{Use: "config"}
	var out writer
	config.SetErr(&out)
	test.AddCommand(&cobra.Command{Use: "output"}, config)
	var tested configTest
	tested.watch(test)
	create := tested.creator(func(*beat.Beat, *conf.C) (beat.Beater, error) { return nil, nil }) //nolint:nilnil // not used
	section := conf.MustNewConfigFrom(map[string]any{"inputs": []any{map[string]any{"tokn": "x"}}})
	_, err := create(nil, section)
	require.NoError(t, err)
	assert.Empty(t, out)
	config.PreRun(config, nil)
	_, err = create(nil, section)
	require.NoError(t, err)
	assert.Contains(t, string(out), `unknown settings in input "default": tokn`)
}
