// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Items that the API should never send: values of other types, odd texts, and broken JSON. Both ways treat them alike.

package pipelines

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"onepasswordbeat/module"
	"onepasswordbeat/tests/ostest"
)

// wrong are values of each JSON type and size.
var wrong = []any{
	nil, true, false, "", " ", "some text", json.Number("77"), json.Number("-0"), json.Number("0.0"), json.Number("-0.0"), json.Number("7.50"), json.Number("12e2"), json.Number("1e300"),
	json.Number("9007199254740993"), json.Number("9223372036854775807"), json.Number("9223372036854775808"), json.Number("123456789012345678901234567890"),
	json.Number("1e999"), json.Number("-1e999"), json.Number("1e-999"), json.Number("0.1"), json.Number("5.6843418860808015E-14"), json.Number("1e21"), json.Number("1e-7"), json.Number("123456789.125"),
	[]any{}, []any{"in a list"}, []any{1.5, nil, "", []any{}}, []any{map[string]any{"in": "an object"}, "and", []any{map[string]any{"deep": true}}},
	map[string]any{}, map[string]any{"in": "an object", "n": 12, "none": nil, "list": []any{1, "x", map[string]any{"b": 0.5, "a": "<&>\u2028\t\"\\\u0001"}}},
	"2026-01-02T03:04:05Z", "2026-01-02T03:04:05.123456789+05:30", "192.0.2.7", "2001:db8::7", "DE", "United States",
}

// testVariants puts each wrong value in place of each value of an item.
func testVariants(t *testing.T, node *ostest.Node) {
	for _, m := range module.All() {
		t.Run(m.Name, func(t *testing.T) {
			var variants [][]byte
			for _, item := range testData(t, m)[:2] {
				variants = append(variants, replaced(t, item)...)
			}
			requireParity(t, node, m, variants)
		})
	}
}

// replaced are the variants of an item.
func replaced(t *testing.T, item []byte) (variants [][]byte) {
	t.Helper()
	decode := func() map[string]any {
		var v map[string]any
		d := json.NewDecoder(bytes.NewReader(item))
		d.UseNumber()
		require.NoError(t, d.Decode(&v))
		return v
	}
	whole := decode()
	eachObject(whole, func(object map[string]any) {
		object["of_2031"] = "new"
		for _, key := range slices.Sorted(maps.Keys(object)) {
			before := object[key]
			for _, v := range wrong {
				object[key] = v
				raw, err := json.Marshal(whole)
				require.NoError(t, err)
				variants = append(variants, raw)
			}
			object[key] = before
		}
	})
	return variants
}

func eachObject(m map[string]any, visit func(map[string]any)) {
	visit(m)
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if sub, ok := m[key].(map[string]any); ok {
			eachObject(sub, visit)
		}
	}
}

// item is a text of an item with more keys.
func item(more string) []byte {
	return []byte(`{"uuid":"E1","timestamp":"2026-01-02T03:04:05.5Z"` + more + `}`)
}

// timestamps, addresses and the like, each in its key.
var texts = map[string][]string{
	"timestamp": {
		"2026-01-02T03:04:05Z", "2026-01-02T03:04:05.1Z", "2026-01-02T03:04:05.123456789Z", "2026-01-02T03:04:05.1234567891Z", "2026-01-02T03:04:05,5Z",
		"2026-01-02T03:04:05.Z", "2026-01-02t03:04:05Z", "2026-01-02T03:04:05z", "2026-01-02 03:04:05Z", "2026-01-02T03:04:05", "2026-01-02T03:04Z", "2026-1-02T03:04:05Z",
		"2026-02-29T03:04:05Z", "2028-02-29T03:04:05Z", "2026-13-02T03:04:05Z", "2026-01-02T24:00:00Z", "2026-01-02T23:59:60Z", "2026-01-02T23:60:00Z", "0000-01-01T00:00:00Z",
		"9999-12-31T23:59:59.999Z", "2026-01-02T03:04:05+18:00", "2026-01-02T03:04:05-18:00", "2026-01-02T03:04:05+18:01", "2026-01-02T03:04:05+05:60", "2026-01-02T03:04:05+0530",
		"2026-01-02T03:04:05+00:00", "2026-01-02T03:04:05-00:00", "2026-01-02T03:04:05.999999999-07:00", "2026-01-02T03:04:05.000000001+23:00", "+2026-01-02T03:04:05Z", "2026-01-02T03:04:05+05:30:00",
		"0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z", "0001-01-01T00:00:00-03:00", "0000-12-31T22:00:00Z", "0001-12-31T23:59:59Z", "0002-01-01T00:00:00Z",
		"1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000000001Z", "1970-01-01T01:00:00+01:00", "1970-01-01T00:00:01Z", " 2026-01-02T03:04:05Z\\n", "0000-01-01T00:00:00+18:00",
		"2026-00-02T03:04:05Z", "2026-01-00T03:04:05Z", "2026-01-32T03:04:05Z", "１026-01-02T03:04:05Z", "now", "2026-01-02T03:04:05ZZ", "2026-01-02T03:04:5Z", "2026-01-02T-3:04:05Z", "2026-01-02T03:04:05.5.5Z",
	},
	"uuid": {"x", strings.Repeat("u", 512), strings.Repeat("u", 513), strings.Repeat("é", 256), strings.Repeat("é", 257), strings.Repeat("😀", 128), strings.Repeat("😀", 129), strings.Repeat("日", 171), `a\"b`},
	"ip": {
		"192.0.2.1", "192.0.2.256", "192.0.2.01", "192.0.2", "192.0.2.1.1", "0.0.0.0", "192.0.2.1 ", "1.2.3.4:80", "1.2.3.4:0", "1.2.3.4:65535", "1.2.3.4:65536", "1.2.3.4:00080", "1.2.3.4:000080", "1.2.3.4:", "1.2.3.4:+1", "1.2.3.4:٣", "1.2.3.4, 5.6.7.8", " 1.2.3.4\n",
		"[::1]:80", "[::1]:", "[::1]80", "[::1", "::1]:80", "[[::1]]:80", "[1.2.3.4]:80", "[1.2.3.4]", "[fe80::1%eth0]:80", "[2001:db8::1]:65536", "[::ffff:1.2.3.4]:80", "[]:80", ":80", "[::]:80", "0.0.0.0:80", "0:0:0:0:0:0:0:0", "::0.0.0.0", "]:[", "a]b:c",
		"::", "::1", "2001:db8::", "2001:db8::1:0:0:1", "2001:DB8::AbCd", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7",
		"1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1:2:3:4::5:6:7:8", "1::2::3", ":::", ":1", "1:", "::1:", ":1::", "12345::", "::g", "::ffff:192.0.2.1", "::192.0.2.1", "1:2:3:4:5:6:192.0.2.1", "1:2:3:4:5:6:7:192.0.2.1",
		"192.0.2.1::", "::192.0.2.1:1", "::192.0.2", "::01.2.3.4", "fe80::1%eth0", "[::1]", "1:2:3:4:5:6:7:8:9", "::1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8::", "not an address", "%", "::%", ".", ":", "....", "1.2.3.", "٣.1.1.1",
	},
	"country": {"NO", "no", "Norway", "NORWAY", "UK", "Turkey", "TÜRKİYE", "Türkiye", "türkiye", "ZZ", "zz", "Z", "ZZZ", "Erewhon", "Åland Islands", "åland islands", "ÅLAND ISLANDS", "Antigua & Barbuda", "Côte d'Ivoire", "Korea, Republic of",
		"St Kitts and Nevis", "ST. KITTS & NEVIS", "Curacao", "CURAÇAO", "Cote d'Ivoire", "Côte d’Ivoire", "İreland", "ıreland", "Iran (Islamic Republic of)", "is", "ST", "and", "of the", "Islands", "U.S.A.", "U. K.", "usa", "GBR", "\u212aenya",
		"Bosnia\u00a0and Herzegovina", "Guinea–Bissau", "Guinea_Bissau", "日本", "Réunion island", "São Tomé e Príncipe", " Norway\n", "\u2003Norway", "...", "the", strings.Repeat("Norway ", 20), strings.Repeat("é", 60), strings.Repeat("é", 120)},
	"os_name": {"MacOSX", "macOS", "ma", "mac", "Windows 11", "windows", "LINUX", "Android", "iOS", "iPadOS", "BeOS", "m\u00e4c", "ıos", "İOS",
		"darwin", "OS X", "iPhone OS 17_1", "freebsd", "Ubuntu 22.04", "Pop!_OS", "GNU/Linux", "Microsoft Windows 11", "Windows_NT", "win32", "HP-UX", "Red Hat Enterprise Linux", "Linux\n", "\tMacOSX ", "Archaic", "my linux box", "11", "1 2 3", "\u212aali", strings.Repeat("linux", 30)},
}

// testTexts tries texts that the mapping looks into.
func testTexts(t *testing.T, node *ostest.Node) {
	for _, m := range module.All() {
		t.Run(m.Name, func(t *testing.T) {
			var items [][]byte
			for key, values := range texts {
				for _, text := range values {
					items = append(items, withText(key, text))
				}
			}
			items = append(items, oddItems()...)
			requireParity(t, node, m, items)
		})
	}
}

// withText is an item with a text where event types have it; the others find an unknown key.
func withText(key, text string) []byte {
	switch key {
	case "uuid":
		return []byte(fmt.Sprintf(`{"uuid":"%s","timestamp":"2026-01-02T03:04:05Z"}`, text))
	case "timestamp":
		return []byte(fmt.Sprintf(`{"uuid":"T","timestamp":"%s","session":{"login_time":"%s"}}`, text, text))
	case "ip":
		return item(fmt.Sprintf(`,"session":{"ip":%q},"client":{"ip_address":%q}`, text, text))
	case "country":
		return item(fmt.Sprintf(`,"country":%q,"location":{"country":%q}`, text, text))
	default:
		return item(fmt.Sprintf(`,"country":"DE","client":{"app_name":"1Password for Mac","platform_name":"desk.example.com","os_name":%q,"os_version":"1.2"}`, text))
	}
}

// oddItems are JSON in all its corners, and what is just not JSON.
func oddItems() [][]byte {
	deep := func(n int) string { return strings.Repeat(`{"a":[`, n) + `"end"` + strings.Repeat(`]}`, n) }
	var all [][]byte
	for _, more := range []string{
		`,"deep":` + deep(3), `,"deep":` + deep(5), `,"deep":` + deep(6), `,"deep":` + deep(7), `,"deep":` + deep(40), `,"session":` + deep(6), `,"deep":` + strings.Repeat("[", 400) + strings.Repeat("]", 400),
		`,"deep": {"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a": { "kept" : [ 1.0 , 1e5, "\u00e9\n" ] } }}}}}}}}}}}`,
		`,"deep":` + strings.Repeat(`{"a":`, 11) + `{"a" 1}` + strings.Repeat("}", 11), `,"deep":` + strings.Repeat(`{"a":`, 12) + `[1,]` + strings.Repeat("}", 12), `,"deep":` + strings.Repeat(`[`, 12) + `{,}` + strings.Repeat("]", 12),
		`,"deep":` + strings.Repeat("[", 11) + `{"a":1}` + strings.Repeat("]", 11), `,"deep":` + strings.Repeat("[", 12) + `[]` + strings.Repeat("]", 12),
		`,"a.b":1,"..":2,".":3,"":4," ":5,"\u00a0\u3000":6,"unexpected":7,"unexpected_":8,"onepassword":{"unexpected":{"unexpected":9}},"__proto__":10`,
		`,"tab\tkey":"\b\f\n\r\t\/\\\"\u0041\u00e9\ud83d\ude00"`, `,"half":"\ud800","other":"\udc00x","wrong":"\ud800\u0041","two":"\ud800\ud800\udc00","end":"\ud83d\ude0"`, `,"bad":"\x"`, `,"bad":"\u12g4"`, `,"bad":"\u+123"`, `,"bad":"\`,
		`,"uuid":"E2"`, `,"uuid":null`, `,"uuid":7`, `,"a":1,"a":2,"a":null`, `,"timestamp":"2027-01-02T03:04:05Z"`, `,"session":{"uuid":"a"},"session":{"uuid":"b"}`, `,"location":{"latitude":91,"longitude":1}`, `,"location":{"latitude":-90,"longitude":180}`,
		`,"location":{"latitude":1}`, `,"location":{"longitude":1,"country":"UK"}`, `,"location":{"latitude":1e999,"longitude":1}`, `,"location":"x","client":"y","session":3`, `,"aux_id":1e3`, `,"aux_id":9007199254740993.0`, `,"aux_id":1.5,"used_version":2.5`,
		`,"mixed":[{"b":1,"a":[1.0,2]},1]`, `,"mixed":[[{"a":1}],["x"]]`, `,"mixed":[[{"a":1}],[{"b":2}]]`, `,"empty":[[],{},null,"",[[]]]`, `,"numbers":[0,-0,0.0,-0.0,1E5,1e+5,1.0e-5,-7]`,
		`,"bad":01`, `,"bad":1.`, `,"bad":.5`, `,"bad":1e`, `,"bad":+1`, `,"bad":-`, `,"bad":NaN`, `,"bad":tru`, `,"bad":nul`, `,"bad":'x'`, `,`, `,"a"`, `,"a":`, `,"a":1,`, `,"control":"` + "\x01" + `"`, `,"control":"` + "\n" + `"`, `,"ok":"` + "\x7f" + `"`,
		" \n\t\r,\n\"spaced\" :\r [ 1 ,\t2 ] ", ",\u00a0\"a\":1",
		`,"action":"","category":"","type":""`, `,"action":"suspend","object_type":"user","actor_details":{"name":"A","email":"a@example.com"},"object_details":{"name":"A"},"object_uuid":"O"`,
		`,"action":"grant","object_type":"gva","object_uuid":"V","aux_uuid":"G","aux_details":{"name":"N"},"account_uuid":"ACC"`, `,"action":"no-such","object_type":"thing","object_details":{"email":"x@example.com"}`, `,"category":"mfa_failed","type":"brand_new","details":{"value":"Europe"}`,
		`,"user":{"user_type":"u","type":"t"},"target_user":{"type":"t","user_type":"u"}`, `,"error":{"message":"from the API"},"event":{"kind":"x"},"message":"m","tags":["a"],"action_name":"mine","failed_check":"mine","vault_uuid":"mine"`,
	} {
		all = append(all, item(more))
	}
	for _, text := range []string{
		``, ` `, `null`, `true`, `7`, `"text"`, `[]`, `[{"uuid":"A"}]`, `{}`, `{"uuid":"A"}`, `{"uuid":"A",`, `{"uuid":7}`, `{"uuid":""}`, `{"uuid":"A","timestamp":"2026-01-02"}`, `{"timestamp":"2026-01-02T03:04:05Z"}`, `{"uuid":"A","timestamp":"2026-01-02T03:04:05Z"} x`,
		`{"uuid":"A","timestamp":"2026-01-02T03:04:05Z"}{}`, ` {"uuid":"A","timestamp":"2026-01-02T03:04:05Z"} `, `<html>504</html>`, `{`, `{"`, `}`, `{"uuid":"A","timestamp":"2026-01-02T03:04:05Z"`, "\ufeff{}", `{"uuid":"A","timestamp":"2026-01-02T03:04:05Z",}`,
	} {
		all = append(all, []byte(text))
	}
	return all
}

// mutants is how many broken items of each event type are tried.
const mutants = 2000

// testMutants breaks items at random, the same ones each time.
func testMutants(t *testing.T, node *ostest.Node) {
	for _, m := range module.All() {
		t.Run(m.Name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			data := testData(t, m)
			var items [][]byte
			for range mutants {
				items = append(items, mutant(random, data[random.IntN(len(data))]))
			}
			requireParity(t, node, m, items)
		})
	}
}

// mutant changes an item at a few places. Bytes stay ASCII where they were, as all text that reaches a pipeline is UTF-8.
func mutant(random *rand.Rand, item []byte) []byte {
	const alphabet = "{}[]\",:\\ 01.eE+-tfnu\n"
	out := bytes.Clone(item)
	for range 1 + random.IntN(3) {
		at := random.IntN(len(out))
		if out[at] >= 0x80 {
			continue
		}
		switch random.IntN(3) {
		case 0:
			out[at] = alphabet[random.IntN(len(alphabet))]
		case 1:
			out = slices.Delete(out, at, at+1)
		default:
			out = slices.Insert(out, at, alphabet[random.IntN(len(alphabet))])
		}
	}
	return out
}
