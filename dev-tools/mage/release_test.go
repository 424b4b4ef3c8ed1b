// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The targets of a release, and its version.

package mage

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestReleaseTargetsAreTheAgentsPlatforms: what Elastic Agent may start is what is built.
func TestReleaseTargetsAreTheAgentsPlatforms(t *testing.T) {
	spec, err := os.ReadFile(filepath.Join("..", "..", "specs", "onepasswordbeat.spec.yml"))
	require.NoError(t, err)
	_, list, found := strings.Cut(string(spec), "platforms:\n")
	require.True(t, found)
	var platforms []string
	for line := range strings.Lines(list) {
		platform, is := strings.CutPrefix(strings.TrimSpace(line), "- ")
		if !is {
			break
		}
		if !strings.HasPrefix(platform, "container/") {
			platforms = append(platforms, platform)
		}
	}
	assert.ElementsMatch(t, platforms, ReleaseTargets())
}

// TestVersionIsRead from where package version declares it.
func TestVersionIsRead(t *testing.T) {
	t.Chdir(filepath.Join("..", ".."))
	version, err := BeatVersion()
	require.NoError(t, err)
	assert.Regexp(t, `^\d+\.\d+\.\d+`, version)
}
