// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Which findings of govulncheck fail the check.

package check

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestVulnerabilityFailsUnlessExceptedAndNotExpired(t *testing.T) {
	day := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	found := map[string]string{"GO-1": "example.com/m v1.0.0, repaired in v1.0.1"}
	ok := exception{ID: "GO-1", Module: "example.com/m", Reason: "not reachable", Expires: "2026-06-02"}
	expired, reasonless, dateless := ok, ok, ok
	expired.Expires, reasonless.Reason, dateless.Expires = "2026-05-31", "", ""

	tests := map[string]struct {
		found      map[string]string
		exceptions []exception
		page       string
		want       string // "": passes
	}{
		"nothing found":       {nil, nil, "", ""},
		"excepted":            {found, []exception{ok}, "| GO-1 |", ""},
		"unknown":             {found, nil, "", "GO-1: example.com/m v1.0.0, repaired in v1.0.1"},
		"expired":             {found, []exception{expired}, "| GO-1 |", "expired on 2026-05-31"},
		"without a reason":    {found, []exception{reasonless}, "| GO-1 |", "has no reason"},
		"without a date":      {found, []exception{dateless}, "| GO-1 |", "expires"},
		"no longer found":     {nil, []exception{ok}, "| GO-1 |", "is not found any more"},
		"not for an operator": {found, []exception{ok}, "", "docs/security.md lacks GO-1"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := judge(test.found, test.exceptions, test.page, day)
			if test.want == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, test.want)
			}
		})
	}
}

func TestOnlyCalledCodeIsAFinding(t *testing.T) {
	found, err := parseFindings(strings.NewReader(`{"config":{}}
{"finding":{"osv":"GO-1","trace":[{"module":"example.com/m","version":"v1.0.0"}]}}
{"finding":{"osv":"GO-2","fixed_version":"v1.0.1","trace":[{"module":"example.com/m","version":"v1.0.0","function":"F"},{"module":"onepasswordbeat","function":"main"}]}}
{"finding":{"osv":"GO-3","trace":[{"module":"stdlib","version":"v1.26.0","function":"G"}]}}`))
	require.NoError(t, err)
	assert.Equal(t, map[string]string{
		"GO-2": "example.com/m v1.0.0, repaired in v1.0.1",
		"GO-3": "stdlib v1.26.0, no version repairs it",
	}, found)

	_, err = parseFindings(strings.NewReader(`{"finding":`))
	assert.ErrorContains(t, err, "govulncheck's output")
}
