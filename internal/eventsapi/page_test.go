// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Decoding of pages against encoding/json, which is the oracle of the fuzz test and the yardstick of the benchmark.

package eventsapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDecodePage(t *testing.T) {
	tests := map[string]struct {
		body, cursor string
		more         bool
		items        []string
	}{
		"usual":              {`{"cursor":"c1","has_more":true,"items":[{"uuid":"A"},{"uuid":"B"}]}`, "c1", true, []string{`{"uuid":"A"}`, `{"uuid":"B"}`}},
		"empty":              {`{"cursor":"c1","has_more":false,"items":[]}`, "c1", false, nil},
		"null items":         {`{"cursor":"c1","has_more":false,"items":null}`, "c1", false, nil},
		"any order":          {`{"items":[1],"has_more":true,"cursor":"c"}`, "c", true, []string{"1"}},
		"space everywhere":   {" {\n\"cursor\" : \"c\" ,\t\"has_more\" : true , \"items\" : [ { \"a\" : 1 } , 2 ] } \r\n", "c", true, []string{`{ "a" : 1 }`, "2"}},
		"unknown keys":       {`{"x":{"items":[9]},"cursor":"c","y":[1,{}],"has_more":false,"items":[0],"z":null}`, "c", false, []string{"0"}},
		"last one counts":    {`{"cursor":"a","cursor":"b","has_more":true,"has_more":false,"items":[1],"items":[2,3]}`, "b", false, []string{"2", "3"}},
		"escaped key":        {`{"c\u0075rsor":"c","has_more":false,"items":[]}`, "c", false, nil},
		"escaped cursor":     {`{"cursor":"a\/\u00e9\"\n","has_more":false,"items":[]}`, "a/é\"\n", false, nil},
		"items of all types": {`{"cursor":"c","has_more":false,"items":["s",-0.5e+7,true,false,null,[],{}]}`, "c", false, []string{`"s"`, `-0.5e+7`, `true`, `false`, `null`, `[]`, `{}`}},
		"invalid UTF-8":      {"{\"cursor\":\"c\xff\",\"has_more\":false,\"items\":[\"\xc3\"]}", "c\uFFFD", false, []string{"\"\xc3\""}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			page, err := decodePage([]byte(test.body))
			require.NoError(t, err)
			assert.Equal(t, test.cursor, page.Cursor)
			assert.Equal(t, test.more, page.HasMore)
			assert.Equal(t, int64(len(test.body)), page.Bytes)
			require.Len(t, page.Items, len(test.items))
			for i, item := range page.Items {
				assert.Equal(t, test.items[i], string(item))
			}
		})
	}
}

func TestDecodePageRefuses(t *testing.T) {
	tests := map[string]struct{ body, want string }{
		"nothing":           {``, "is empty"},
		"space":             {" \n", "is empty"},
		"HTML":              {`<!doctype html><title>Sign in</title>`, "HTML"},
		"plain text":        {`ok`, "want an object, at byte 0"},
		"array":             {`[]`, "want an object"},
		"null":              {`null`, "want an object"},
		"no cursor":         {`{"has_more":false,"items":[]}`, "no cursor"},
		"no has_more":       {`{"cursor":"c","items":[]}`, "no has_more"},
		"no items":          {`{"cursor":"c","has_more":false}`, "no items"},
		"other case":        {`{"Cursor":"c","has_more":false,"items":[]}`, "no cursor"},
		"empty cursor":      {`{"cursor":"","has_more":false,"items":[]}`, "cursor is empty"},
		"cursor a number":   {`{"cursor":7,"has_more":false,"items":[]}`, "cursor is not a string, at byte 10"},
		"cursor null":       {`{"cursor":null,"has_more":false,"items":[]}`, "cursor is not a string"},
		"has_more a string": {`{"cursor":"c","has_more":"true","items":[]}`, "has_more is not a boolean"},
		"has_more null":     {`{"cursor":"c","has_more":null,"items":[]}`, "has_more is not a boolean"},
		"items an object":   {`{"cursor":"c","has_more":false,"items":{}}`, "items is not an array"},
		"items a string":    {`{"cursor":"c","has_more":false,"items":"[]"}`, "items is not an array"},
		"trailing garbage":  {`{"cursor":"c","has_more":false,"items":[]}x`, "something follows"},
		"two pages":         {`{"cursor":"c","has_more":false,"items":[]}{}`, "something follows"},
		"trailing comma":    {`{"cursor":"c","has_more":false,"items":[1,]}`, "want a value"},
		"comma before end":  {`{"cursor":"c","has_more":false,"items":[],}`, "want a key"},
		"missing comma":     {`{"cursor":"c" "has_more":false,"items":[]}`, "want a comma"},
		"missing colon":     {`{"cursor" "c","has_more":false,"items":[]}`, "want a colon"},
		"bad escape":        {`{"cursor":"\x","has_more":false,"items":[]}`, "unknown escape"},
		"bad \\u":           {`{"cursor":"\u12g4","has_more":false,"items":[]}`, "hexadecimal"},
		"line break":        {"{\"cursor\":\"\n\",\"has_more\":false,\"items\":[]}", "control character"},
		"leading zero":      {`{"cursor":"c","has_more":false,"items":[01]}`, "want a comma"},
		"bare minus":        {`{"cursor":"c","has_more":false,"items":[-]}`, "want a digit"},
		"bare point":        {`{"cursor":"c","has_more":false,"items":[1.]}`, "want a digit"},
		"half a literal":    {`{"cursor":"c","has_more":fals,"items":[]}`, "want false"},
		"too deep":          {`{"cursor":"c","has_more":false,"items":[` + strings.Repeat("[", 20000), "nested too deeply"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := decodePage([]byte(test.body))
			assert.ErrorContains(t, err, test.want)
		})
	}
}

func TestDecodePageRefusesEveryPrefix(t *testing.T) {
	whole := []byte(`{"cursor":"c","has_more":true,"items":[{"a":"\u00e9\n","b":[1.5e3,null,true]}]}`)
	_, err := decodePage(whole)
	require.NoError(t, err)
	for n := range whole {
		_, err := decodePage(whole[:n:n])
		assert.Error(t, err, "cut after %d bytes", n)
	}
}

func TestDepthLimitIsThatOfEncodingJSON(t *testing.T) {
	for depth := maxDepth - 3; depth < maxDepth+3; depth++ {
		body := []byte(`{"cursor":"c","has_more":false,"items":` + strings.Repeat("[", depth) + strings.Repeat("]", depth) + "}")
		_, err := decodePage(body)
		assert.Equal(t, json.Valid(body), err == nil, "%d arrays: %v", depth, err)
	}
}

func TestItemsCannotGrowIntoEachOther(t *testing.T) {
	page, err := decodePage([]byte(`{"cursor":"c","has_more":true,"items":[1,2]}`))
	require.NoError(t, err)
	_ = append(page.Items[0], "999"...)
	assert.Equal(t, "2", string(page.Items[1]))
}

// decodeByOracle is decodePage by means of encoding/json.
func decodeByOracle(body []byte) (*Page, error) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(body, &raw); err != nil {
		return nil, err
	}
	page := &Page{Bytes: int64(len(body))}
	var cursor *string
	var more *bool
	items, hasItems := raw["items"]
	if !hasItems {
		return nil, errors.New("no items")
	}
	err := errors.Join(json.Unmarshal(raw["cursor"], &cursor), json.Unmarshal(raw["has_more"], &more), json.Unmarshal(items, &page.Items))
	if err != nil {
		return nil, err
	}
	if cursor == nil || *cursor == "" || more == nil {
		return nil, errors.New("no cursor or has_more")
	}
	page.Cursor, page.HasMore = *cursor, *more
	return page, nil
}

// FuzzDecodePage holds the decoder to encoding/json: the same bodies accepted, with the same result. One difference is meant: a wrong type is
// refused in a repeated key too, which the oracle's map has forgotten.
func FuzzDecodePage(f *testing.F) {
	for _, seed := range []string{
		`{"cursor":"c1","has_more":true,"items":[{"uuid":"A","n":[1,-2.5e-3,{"x":null}]},{"uuid":"B\u00e9"}]}`,
		`{"cursor":"c","has_more":false,"items":null,"more":{"a":[true,false]}}`,
		`{"cursor":"c","has_more":true,"items":[01]}`, `{"cursor":"\ud800","has_more":true,"items":["\ud800\udc00"]}`,
		"{\"cursor\":\"\xff\",\"has_more\":true,\"items\":[]}", `{"items":[],"items":{},"cursor":"a","has_more":false}`, `[]`, `{}`, "\ufeff{}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := decodePage(body)
		want, wantErr := decodeByOracle(body)
		if err != nil && wantErr == nil && strings.Contains(err.Error(), "is not a") {
			t.Skip("a repeated key")
		}
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("decodePage: %v, encoding/json: %v", err, wantErr)
		}
		if err != nil {
			return
		}
		if got.Cursor != want.Cursor || got.HasMore != want.HasMore || len(got.Items) != len(want.Items) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
		for i := range got.Items {
			if !bytes.Equal(got.Items[i], want.Items[i]) {
				t.Fatalf("item %d: got %q, want %q", i, got.Items[i], want.Items[i])
			}
		}
	})
}

// syntheticPage is a page of n events of about the size and shape of audit events.
func syntheticPage(n int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"cursor":"` + strings.Repeat("Zv-BAwEB", 26) + `","has_more":true,"items":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"uuid":"%026d","timestamp":"2026-03-04T05:06:%02d.123456789Z","actor_uuid":"PLY4UQBXKNA7TBHGS3ZWMJ2E5I","actor_details":{"uuid":"PLY4UQBXKNA7TBHGS3ZWMJ2E5I","name":"Ada Example","email":"ada@example.com"},`+
			`"action":"patch","object_type":"items","object_uuid":"k3nbq7r5t2wz4xv6y8m9p1sdfa","aux_id":%d,"aux_info":"1,0,0,0,0","session":{"uuid":"QW4ERTYUIOPASDFGHJKLZXCVBM","login_time":"2026-03-04T05:00:00Z","device_uuid":"m2n4b6v8c1x3z5l7k9j2h4g6fa","ip":"192.0.2.%d"},`+
			`"location":{"country":"Canada","region":"Ontario","city":"Toronto","latitude":43.64,"longitude":-79.433},"actor_type":"user","account_uuid":"AC7OUNT2EXAMPLE4ABCDEFGHIJ"}`, i, i%60, i, i%256)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

func BenchmarkDecodePage(b *testing.B) {
	body := syntheticPage(1000)
	for name, decode := range map[string]func([]byte) (*Page, error){
		"scanner": decodePage,
		"encoding-json": func(body []byte) (*Page, error) {
			var v struct {
				Cursor  string            `json:"cursor"`
				HasMore bool              `json:"has_more"`
				Items   []json.RawMessage `json:"items"`
			}
			err := json.Unmarshal(body, &v)
			return &Page{Cursor: v.Cursor, HasMore: v.HasMore, Items: v.Items}, err
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				page, err := decode(body)
				if err != nil || len(page.Items) != 1000 {
					b.Fatal(err)
				}
			}
		})
	}
}
