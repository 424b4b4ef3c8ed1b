// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What a build links, by licence.

package cmd

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestPlainBuild: with the tag oss nothing under the Elastic License is linked.
func TestPlainBuild(t *testing.T) {
	elastic := func(tags string) (found []string) {
		out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-tags", tags, "onepasswordbeat").Output()
		require.NoError(t, err)
		for pkg := range strings.Lines(string(out)) {
			if strings.Contains(pkg, "/x-pack/") || strings.Contains(pkg, "elastic/elastic-agent-client") {
				found = append(found, strings.TrimSpace(pkg))
			}
		}
		return found
	}
	assert.Empty(t, elastic("oss"))
	assert.NotEmpty(t, elastic(""), "this test looks for the right thing")
}
