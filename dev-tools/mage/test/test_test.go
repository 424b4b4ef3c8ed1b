// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What is left out, when that is an error, and which tests are which.

package test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMissingProgramIsAnErrorOnlyInCI(t *testing.T) {
	there := need{[]string{"no-such-program", "go"}, "nothing is left out"}
	missing := need{[]string{"no-such-program"}, "the impossible is left out"}

	require.NoError(t, report([]need{there}, true))
	require.NoError(t, report([]need{there, missing}, false))
	assert.EqualError(t, report([]need{there, missing}, true),
		"CI is set, so nothing may be left out: no-such-program not found: the impossible is left out")
}

func TestPackagesWithFakeClocksAreFound(t *testing.T) {
	t.Chdir("../../..")
	packages, err := synctestPackages(t.Context())
	require.NoError(t, err)
	assert.Contains(t, packages, "onepasswordbeat/internal/harvester")
	assert.NotContains(t, packages, "onepasswordbeat/internal/registry")
}

func TestEveryPackageIsInOneGroup(t *testing.T) {
	groups := map[string]func(string) bool{"unit": isUnit, "system": isSystem, "elasticsearch": isElasticsearch, "opensearch": isOpenSearch}
	for pkg, want := range map[string]string{
		"onepasswordbeat":                     "unit",
		"onepasswordbeat/internal/eventsapi":  "unit",
		"onepasswordbeat/testsupport":         "unit",
		"onepasswordbeat/tests":               "system",
		"onepasswordbeat/tests/bulktest":      "system",
		"onepasswordbeat/tests/faults":        "system",
		"onepasswordbeat/tests/estest":        "elasticsearch",
		"onepasswordbeat/tests/elasticsearch": "elasticsearch",
		"onepasswordbeat/tests/ostest":        "opensearch",
		"onepasswordbeat/tests/pipelines":     "opensearch",
		"onepasswordbeat/tests/dashboards":    "opensearch",
		"onepasswordbeat/tests/detections":    "opensearch",
	} {
		for group, has := range groups {
			assert.Equal(t, group == want, has(pkg), "%s in %s", pkg, group)
		}
	}
}
