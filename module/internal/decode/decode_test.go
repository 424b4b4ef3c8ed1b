// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Tests of the decoder, with encoding/json as the judge of what JSON is and says.

package decode

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	slotName Slot = iota + 1
	slotCount
	slotInner
)

var testSchema = Schema{
	"name":  {Slot: slotName, Moved: true},
	"count": {Kind: Integer, Slot: slotCount},
	"share": {Kind: Number},
	"since": {Kind: Time},
	"alias": {As: "other"},
	"inner": {Kind: Object, Object: Schema{"value": {Slot: slotInner, Moved: true}}},
}.Prepare()

func decode(t *testing.T, in string) *Record {
	t.Helper()
	var r Record
	require.NoError(t, r.Decode(testSchema, []byte(in)))
	return &r
}

func TestKnownKeysGoWhereTheSchemaSays(t *testing.T) {
	r := decode(t, ` {"name":"n","count":7,"share":1,"since":"2026-01-02T03:04:05Z","alias":"a","inner":{"value":"v","x":1}, "y":[1,"b"]} `)
	assert.Equal(t, map[string]any{
		"count": int64(7), "share": 1.0, "since": "2026-01-02T03:04:05Z", "other": "a",
		"inner": map[string]any{"x": int64(1)}, "y": []any{int64(1), "b"},
	}, r.Rest)
	assert.Equal(t, "n", r.Text(slotName))
	assert.Equal(t, int64(7), r.Value(slotCount))
	assert.Equal(t, "v", r.Text(slotInner))
}

func TestEmptyValuesAreLeftOut(t *testing.T) {
	r := decode(t, `{"name":"","a":null,"b":"","c":{},"d":{"e":{"f":null}},"g":[],"h":[null,{},""],"inner":{"value":null},"i":0,"j":false}`)
	assert.Equal(t, map[string]any{"i": int64(0), "j": false}, r.Rest)
	assert.Nil(t, r.Value(slotName))
}

func TestValuesOfUnexpectedTypeAreSetAside(t *testing.T) {
	r := decode(t, `{"name":7,"count":1.5,"since":"soon","inner":{"value":{"a":[1,true]}},"share":"1"}`)
	assert.Equal(t, map[string]any{UnexpectedKey: map[string]any{
		"name": "7", "count": "1.5", "since": "soon", "inner_value": `{"a":[1,true]}`, "share": "1",
	}}, r.Rest)
	assert.Equal(t, map[string]any{UnexpectedKey: map[string]any{"inner": "x"}, UnexpectedKey + "_": int64(1)}, decode(t, `{"inner":"x","unexpected":1}`).Rest)
}

func TestNumbersStayExact(t *testing.T) {
	for in, want := range map[string]any{
		"9007199254740993":     int64(9007199254740993),
		"-9223372036854775808": int64(-9223372036854775808),
		"9223372036854775808":  float64(9223372036854775808),
		"-0":                   int64(0),
		"1.25":                 1.25,
		"1e3":                  1000.0,
		"1e999":                "1e999",
	} {
		assert.Equal(t, want, decode(t, `{"x":`+in+`}`).Rest["x"], in)
	}
	assert.Equal(t, int64(1000), decode(t, `{"count":1e3}`).Rest["count"])
}

func TestNamesAreSafe(t *testing.T) {
	assert.Equal(t, map[string]any{"a_b": int64(1), "_": int64(2)}, decode(t, `{"a.b":1," ":2}`).Rest)
}

func TestDeepNestingIsKeptAsText(t *testing.T) {
	const deep = 5000
	in := `{"x":` + strings.Repeat("[", deep) + "1" + strings.Repeat("]", deep) + `,"y":2}`
	rest := decode(t, in).Rest
	assert.Equal(t, int64(2), rest["y"])
	v, levels := rest["x"], 0
	for list, ok := v.([]any); ok; list, ok = v.([]any) {
		v = list[0]
		levels++
	}
	assert.Equal(t, MaxDepth-1, levels)
	assert.Equal(t, strings.Repeat("[", deep-levels)+"1"+strings.Repeat("]", deep-levels), v)
}

func TestObjectsAmongOtherValuesAreKeptAsText(t *testing.T) {
	r := decode(t, `{"only":[{"a":1},{"b":2}],"mixed":[1,{"er":true},["x",{"y":"z"}]]}`)
	assert.Equal(t, []any{map[string]any{"a": int64(1)}, map[string]any{"b": int64(2)}}, r.Rest["only"])
	assert.Equal(t, []any{int64(1), `{"er":true}`, []any{"x", `{"y":"z"}`}}, r.Rest["mixed"])
}

func TestOtherValuesThanObjectsAreErrors(t *testing.T) {
	for _, in := range []string{
		``, ` `, `null`, `[]`, `"x"`, `7`, `{`, `{}}`, `{} {}`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `{a:1}`, `{"a":01}`, `{"a":-}`, `{"a":1.}`, `{"a":1e}`,
		`{"a":tru}`, `{"a":nul}`, `{"a":[1,]}`, `{"a":[}`, `{"a":"\x"}`, `{"a":"`, `{"a":"\`, `{"a":"\"`, "{\"a\":\"\n\"}", `{"a":.5}`, `{"a":+1}`, "\xff", `{"a" 1}`, `{"a":1 "b":2}`,
	} {
		var r Record
		require.Error(t, r.Decode(testSchema, []byte(in)), "%q", in)
	}
}

func TestParseTime(t *testing.T) {
	for in, want := range map[string]bool{
		"2026-01-02T03:04:05Z": true, "2026-01-02T03:04:05.1Z": true, "2026-01-02T03:04:05.123456789Z": true, "2026-01-02T03:04:05.123456789-03:00": true,
		"2026-01-02T03:04:05+14:00": true, "2026-01-02T03:04:05.1234567890Z": false, "2026-01-02T03:04:05": false, "2026-01-02 03:04:05Z": false, "2026-01-02T03:04:05,5Z": false,
		"2026-01-02T3:04:05Z": false, "2026-02-30T03:04:05Z": false, "2026-01-02": false, "1767323045": false, "": false,
		"2026-01-02T03:04:05.00000000000000000000000000000000Z": false,
		"2026-01-02T03:04:05+05:60":                             false, "2026-01-02T03:04:05+18:01": false, "2026-01-02T03:04:05-18:00": true,
	} {
		at, ok := ParseTime(in)
		assert.Equal(t, want, ok, in)
		assert.Equal(t, want, !at.IsZero(), in)
	}
}

// FuzzDecode compares the decoder with encoding/json: the same inputs are valid, and the same values come out.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":{"b":[1,2.5,-3e7,"x\u00e9\n\ud83d\ude00",true,false,null,{}]}}`, `{"a.b":"","":1,"unexpected":0}`, `{"a":"` + "\xff\xc3" + `"}`, `{"a":1,"a":2}`, `{"\u0061":"\ud800"}`,
		`{"a":12345678901234567890,"b":1e400}`, `[]`, `{"a":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var r Record
		err := r.Decode(nil, raw)
		var std map[string]any
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		stdErr := d.Decode(&std)
		if !json.Valid(raw) || stdErr != nil || std == nil {
			require.Error(t, err)
			return
		}
		require.NoError(t, err)
		want, _ := prune(std, 1).(map[string]any)
		if want == nil {
			want = map[string]any{}
		}
		if unambiguous(std) {
			require.Equal(t, want, r.Rest)
		}
	})
}

// unambiguous tells whether no keys are changed, since changed ones could collide, and nothing is too deep.
func unambiguous(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if fieldName(k) != k || !unambiguous(e) {
				return false
			}
		}
	case []any:
		for _, e := range v {
			if !unambiguous(e) {
				return false
			}
		}
	}
	return depth(v) < MaxDepth
}

func depth(v any) int {
	deepest := 0
	switch v := v.(type) {
	case map[string]any:
		for _, e := range v {
			deepest = max(deepest, 1+depth(e))
		}
	case []any:
		for _, e := range v {
			deepest = max(deepest, 1+depth(e))
		}
	}
	return deepest
}

// prune is the decoder's contract in terms of what encoding/json returns.
func prune(v any, level int) any {
	switch v := v.(type) {
	case map[string]any:
		m := map[string]any{}
		for k, e := range v {
			if e = prune(e, level+1); e != nil {
				m[k] = e
			}
		}
		if len(m) > 0 {
			return m
		}
		return nil
	case []any:
		var list []any
		for _, e := range v {
			if e = prune(e, level+1); e != nil {
				list = append(list, e)
			}
		}
		if len(list) > 0 {
			if objects, others := kindsIn(list); objects && others {
				objectsAsText(list)
			}
			return list
		}
		return nil
	case json.Number:
		if i, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return i
		}
		if f, err := v.Float64(); err == nil {
			return f
		}
		return v.String()
	case string:
		if v == "" {
			return nil
		}
	}
	return v
}

// TestRepeatedKeyIsKeptOnce: in linear time, however often a key of an unexpected type comes, with the last value.
func TestRepeatedKeyIsKeptOnce(t *testing.T) {
	schema := Schema{"aux_id": {Kind: Integer}, "name": {Kind: String}}.Prepare()
	var once, often Record
	require.NoError(t, once.Decode(schema, []byte(`{"aux_id":[2]}`)))
	require.NoError(t, often.Decode(schema, []byte(`{"aux_id":[0]`+strings.Repeat(`,"aux_id":[1]`, 80_000)+`,"aux_id":[2]}`)))
	assert.Equal(t, once.Rest, often.Rest)
}
