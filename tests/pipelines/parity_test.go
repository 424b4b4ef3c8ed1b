// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// An event that the beat mapped and the raw item come out of the pipeline as equal documents.

package pipelines

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/dev-tools/generate/pipelines/documents"
	"onepasswordbeat/module"
	"onepasswordbeat/tests/ostest"
)

// most is how many differences a test shows.
const most = 5

func testParity(t *testing.T, node *ostest.Node) {
	for _, m := range module.All() {
		t.Run(m.Name, func(t *testing.T) { requireParity(t, node, m, items(t, m)) })
	}
}

// requireParity compares what becomes of items both ways.
func requireParity(t *testing.T, node *ostest.Node, m module.Module, items [][]byte) {
	t.Helper()
	pipeline := ostest.PipelineName(m.Name)
	var mapped, raw []documents.Document
	for i, item := range items {
		preserve := i%2 == 0
		d, err := documents.Beat(m, item, received, preserve)
		require.NoError(t, err)
		mapped = append(mapped, d)
		raw = append(raw, documents.Raw(m, item, received, preserve))
	}
	mapped, raw = simulate(t, node, pipeline, mapped), simulate(t, node, pipeline, raw)
	wrong := 0
	for i := range items {
		if diff := differences(mapped[i], raw[i]); len(diff) > 0 {
			if wrong++; wrong <= most {
				assert.Fail(t, "the ways differ", "%d: %.600s\n%s", i, items[i], fmt.Sprint(diff))
			}
		}
	}
	require.Zero(t, wrong, "of %d items", len(items))
	t.Logf("%d items come out equal both ways", len(items))
}

// differences lists the fields in which the documents differ, except those that tell how a document came.
func differences(beat, raw documents.Document) []string {
	a, b := map[string]any{"_id": beat.ID}, map[string]any{"_id": raw.ID}
	flatten("", beat.Source, a)
	flatten("", raw.Source, b)
	var list []string
	for _, name := range slices.Sorted(maps.Keys(union(a, b))) {
		if slices.Contains([]string{"input.type", "event.ingested", "onepassword.ingest_delay"}, name) {
			continue
		}
		if name == "error.message" && a["event.kind"] == "pipeline_error" && b["event.kind"] == "pipeline_error" {
			continue // who says it, and how
		}
		if name == "event.original" && a[name] == nil && b[name] != nil && !strings.Contains(fmt.Sprint(b["tags"]), documents.Preserve) {
			continue // what comes after the pipeline removes it
		}
		if !assert.ObjectsAreEqual(a[name], b[name]) {
			list = append(list, fmt.Sprintf("\n%s: beat %T %.300v, raw %T %.300v", name, a[name], a[name], b[name], b[name]))
		}
	}
	return list
}

func union(a, b map[string]any) map[string]any {
	u := maps.Clone(a)
	maps.Copy(u, b)
	return u
}

// flatten lists a document's values by their full names, in forms that can be compared.
func flatten(prefix string, v any, into map[string]any) {
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 0 {
			into[prefix] = "{}"
		}
		for key, e := range v {
			name := key
			if prefix != "" {
				name = prefix + "." + key
			}
			flatten(name, e, into)
		}
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			inner := map[string]any{}
			flatten("", e, inner)
			list[i] = inner
		}
		if prefix == "tags" {
			slices.SortFunc(list, func(a, b any) int { return slices.Compare([]byte(fmt.Sprint(a)), []byte(fmt.Sprint(b))) })
		}
		into[prefix] = list
	case json.Number:
		into[prefix] = comparable(v)
	default:
		into[prefix] = v
	}
}

// comparable is the number as an integer if it is a whole one, and else as a float.
func comparable(n json.Number) any {
	if i, err := strconv.ParseInt(n.String(), 10, 64); err == nil {
		return i
	}
	f, err := n.Float64()
	if err != nil {
		return n.String()
	}
	if f == float64(int64(f)) && f < 1<<53 && f > -(1<<53) {
		return int64(f)
	}
	return f
}

// TestDifferences: a comparison that finds nothing proves nothing.
func TestDifferences(t *testing.T) {
	decode := func(text string) (d documents.Document) {
		decoder := json.NewDecoder(strings.NewReader(text))
		decoder.UseNumber()
		require.NoError(t, decoder.Decode(&d.Source))
		return d
	}
	base := `{"a":{"b":1,"c":[1,{"d":"x"}]},"tags":["y","z"],"event":{"kind":"event","ingested":"now"},"input":{"type":"cel"}}`
	for text, want := range map[string]int{
		base: 0,
		`{"a":{"b":1.0,"c":[1,{"d":"x"}]},"tags":["z","y"],"event":{"kind":"event","ingested":"later"},"input":{"type":"onepassword"}}`: 0,
		`{"a":{"b":2,"c":[1,{"d":"x"}]},"tags":["y","z"],"event":{"kind":"event"}}`:                                                     1,
		`{"a":{"b":"1","c":[1,{"d":"x"}]},"tags":["y","z"],"event":{"kind":"event"}}`:                                                   1,
		`{"a":{"b":1,"c":[1,{"d":"y"}]},"tags":["y"],"event":{"kind":"event"}}`:                                                         2,
		`{"a":{"b":1,"c":[{"d":"x"},1]},"tags":["y","z"],"event":{"kind":"event","id":"new"},"empty":{}}`:                               3,
	} {
		assert.Len(t, differences(decode(base), decode(text)), want, text)
	}
	one, other := decode(base), decode(base)
	other.ID = "other"
	assert.Len(t, differences(one, other), 1)
}
