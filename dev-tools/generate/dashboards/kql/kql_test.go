// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Tests of the reading of queries.

package kql

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestQueries(t *testing.T) {
	for text, want := range map[string]string{
		``:                      `{"match_all":{}}`,
		`a.b: c`:                `{"match":{"a.b":"c"}}`,
		`a: "b c"`:              `{"match_phrase":{"a":"b c"}}`,
		`a: *`:                  `{"exists":{"field":"a"}}`,
		`a: *@example.com`:      `{"wildcard":{"a":{"value":"*@example.com"}}}`,
		`not a: b`:              `{"bool":{"must_not":[{"match":{"a":"b"}}]}}`,
		`a: (b or "c d")`:       `{"bool":{"minimum_should_match":1,"should":[{"match":{"a":"b"}},{"match_phrase":{"a":"c d"}}]}}`,
		`a: b and c: d or e: f`: `{"bool":{"minimum_should_match":1,"should":[{"bool":{"filter":[{"match":{"a":"b"}},{"match":{"c":"d"}}]}},{"match":{"e":"f"}}]}}`,
		`(a: b) and not (c: d)`: `{"bool":{"filter":[{"match":{"a":"b"}},{"bool":{"must_not":[{"match":{"c":"d"}}]}}]}}`,
	} {
		q, err := Parse(text)
		require.NoError(t, err, text)
		got, err := json.Marshal(q.DSL())
		require.NoError(t, err)
		assert.JSONEq(t, want, string(got), text)
	}
}

func TestMatch(t *testing.T) {
	document := map[string]string{"a": "b", "c": "someone@example.com"}
	for text, want := range map[string]bool{
		``: true, `a: b`: true, `a: "b"`: true, `a: c`: false, `a: *`: true, `d: *`: false, `d: e`: false, `c: *@example.com`: true, `c: *@example.org`: false,
		`a: (b or c) and c: *`: true, `a: b and not c: *`: false, `d: e or not d: *`: true, `not (a: b or d: e)`: false,
	} {
		q, err := Parse(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, q.Match(document), text)
	}
}

func TestFields(t *testing.T) {
	q, err := Parse(`a: (b or c) and not (d: * or e: "f")`)
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "d", "e"}, unique(q.Fields()))
}

func unique(names []string) []string {
	var out []string
	for _, n := range names {
		if len(out) == 0 || out[len(out)-1] != n {
			out = append(out, n)
		}
	}
	return out
}

func TestWhatIsNotKnownIsRejected(t *testing.T) {
	for _, text := range []string{`a`, `a:`, `a: b c: d`, `(a: b`, `a: "b`, `a >= 3`, `a: b and`, `a: (b or)`, `: b`, `a: b)`, `a: {b: c}`, `not`, `"a b"`} {
		_, err := Parse(text)
		assert.Error(t, err, text)
	}
}
