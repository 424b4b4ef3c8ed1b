// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What a declaration may not be.

package detections

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDeclarations(t *testing.T) {
	rules, err := All()
	require.NoError(t, err)
	assert.Len(t, rules, 19)
}

// TestWrongDeclarationsAreRejected breaks a rule in ways that only Kibana, or nothing, would notice.
func TestWrongDeclarationsAreRejected(t *testing.T) {
	rules, err := All()
	require.NoError(t, err)
	for name, test := range map[string]struct {
		rule  int // its number
		spoil func(*Rule)
		want  string
	}{
		"no id":                  {7, func(r *Rule) { r.ID = "vault-exported" }, "is not a UUID"},
		"no version":             {7, func(r *Rule) { r.Version = 0 }, "begin at 1"},
		"another risk score":     {7, func(r *Rule) { r.Risk = 50 }, `"high" has the risk score 73`},
		"unknown severity":       {7, func(r *Rule) { r.Severity = "urgent" }, "urgent"},
		"no reason":              {7, func(r *Rule) { r.Because = "" }, "because is missing"},
		"no guide":               {7, func(r *Rule) { r.Investigate = nil }, "must be there"},
		"unknown kind":           {7, func(r *Rule) { r.Kind = "esql" }, `unknown kind "esql"`},
		"no threshold":           {8, func(r *Rule) { r.Threshold = nil }, "threshold belongs to"},
		"no new fields":          {3, func(r *Rule) { r.New = nil }, "fields new belong to"},
		"runs leave gaps":        {7, func(r *Rule) { r.Every, r.LookBack = "5m", "5m" }, "at least twice"},
		"history within the run": {3, func(r *Rule) { r.History = "2d" }, "longer than look_back"},
		"no time span":           {7, func(r *Rule) { r.Every = "often" }, "often"},
		"unknown tactic":         {7, func(r *Rule) { r.Attack = techniques{"TA9999": {"T1078"}} }, "TA9999"},
		"unknown technique":      {7, func(r *Rule) { r.Attack = techniques{"TA0001": {"T9999"}} }, "T9999"},
		"technique is missing":   {7, func(r *Rule) { r.Attack = techniques{"TA0001": {"T1078.004"}} }, "its technique T1078 is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			r := rules[test.rule-1]
			test.spoil(&r)
			require.ErrorContains(t, r.check(), test.want)
		})
	}
	rules[1].ID = rules[0].ID
	require.ErrorContains(t, checkAll(rules), "both have")
	rules[1].Number = 9
	require.ErrorContains(t, checkAll(rules), "the next one is 2")
}

func TestFieldsOfQueries(t *testing.T) {
	for query, want := range map[string][]string{
		`a.b: "c.d" and not (e.f: * or g.h: *@example.com)`:                                                   {"a.b", "e.f", "g.h"},
		`sequence with maxspan=1h [any where a.b == "x.y"] by c.d, e.f_g [any where h.i in ("1.2")] by j.k.l`: {"a.b", "c.d", "e.f_g", "h.i", "j.k.l"},
	} {
		assert.Equal(t, want, (&Rule{Query: query}).Fields(), query)
	}
}
