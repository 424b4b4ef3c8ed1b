// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The conformance suite: what must hold for every event type. It runs over All(), so a new one needs no test of its
// own beside test data (testdata/*.ndjson) and the golden files made of it (go test ./module -update).

package module_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/elastic/beats/v7/libbeat/beat"
	"github.com/elastic/beats/v7/libbeat/mapping"
	codec "github.com/elastic/beats/v7/libbeat/outputs/codec/json"
	"github.com/elastic/elastic-agent-libs/mapstr"

	"onepasswordbeat/module"
)

var update = flag.Bool("update", false, "write the golden files")

// future is the test data with keys that no field definition can know.
const future = "future"

// data returns a module's test items by the name of their file.
func data(t testing.TB, m module.Module) map[string][][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(m.Path, "testdata", "*.ndjson"))
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	cases := map[string][][]byte{}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		name := strings.TrimSuffix(filepath.Base(path), ".ndjson")
		cases[name] = bytes.Split(bytes.TrimSpace(content), []byte("\n"))
	}
	return cases
}

// each runs a test for each item of each module's test data.
func each(t *testing.T, test func(t *testing.T, m module.Module, name string, raw []byte)) {
	for _, m := range module.All() {
		for name, items := range data(t, m) {
			for i, raw := range items {
				t.Run(fmt.Sprintf("%s/%s/%d", m.Name, name, i), func(t *testing.T) { test(t, m, name, raw) })
			}
		}
	}
}

// document returns the event as an output would write it.
func document(ev beat.Event) mapstr.M {
	doc := ev.Fields.Clone()
	doc["_id"] = ev.Meta["_id"]
	doc["@timestamp"] = ev.Timestamp.UTC().Format(time.RFC3339Nano)
	return doc
}

func TestDescriptors(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range module.All() {
		assert.NotEmpty(t, m.Title)
		assert.Positive(t, m.Overlap)
		assert.Equal(t, "1password."+m.Name, m.Dataset)
		assert.DirExists(t, m.Path)
		for _, id := range []string{"name " + m.Name, "path " + m.Path, "feature " + m.Feature} {
			assert.False(t, seen[id], id)
			seen[id] = true
		}
		got, ok := module.ByName(m.Name)
		assert.True(t, ok)
		assert.Equal(t, m.Dataset, got.Dataset)
	}
	_, ok := module.ByName("no_such_events")
	assert.False(t, ok)
}

func TestGoldens(t *testing.T) {
	for _, m := range module.All() {
		for name, items := range data(t, m) {
			t.Run(m.Name+"/"+name, func(t *testing.T) {
				var out bytes.Buffer
				for i, raw := range items {
					ev, known, err := m.Map(raw)
					require.NoError(t, err)
					if strings.HasPrefix(name, "v") || name == "pairs" {
						assert.True(t, known, "%s %d", name, i)
					}
					writeGolden(t, &out, i, document(ev))
				}
				out.WriteString("\n]\n")
				path := filepath.Join(m.Path, "testdata", name+".golden.json")
				if *update {
					require.NoError(t, os.WriteFile(path, out.Bytes(), 0o600))
				}
				want, err := os.ReadFile(path)
				require.NoError(t, err, "run go test ./module -update")
				require.Equal(t, string(want), out.String())
			})
		}
	}
}

// writeGolden writes a document with a line for each of its top-level fields: short, and a diff shows what changed.
func writeGolden(t *testing.T, out *bytes.Buffer, i int, doc map[string]any) {
	out.WriteString(map[bool]string{true: "[\n", false: ",\n"}[i == 0])
	for j, key := range slices.Sorted(maps.Keys(doc)) {
		var value bytes.Buffer
		e := json.NewEncoder(&value)
		e.SetEscapeHTML(false)
		require.NoError(t, e.Encode(doc[key]))
		fmt.Fprintf(out, "%s%q: %s", map[bool]string{true: "{", false: ",\n "}[j == 0], key, bytes.TrimSpace(value.Bytes()))
	}
	out.WriteString("}")
}

// fields returns the definitions that apply to a module's events, by name.
func fields(t testing.TB, m module.Module) (all map[string]mapping.Field, own []string) {
	t.Helper()
	all = map[string]mapping.Field{}
	for i, path := range []string{filepath.Join("..", "_meta", "fields.common.yml"), filepath.Join(m.Path, "_meta", "fields.yml")} {
		defs, err := mapping.LoadFieldsYaml(path)
		require.NoError(t, err)
		for _, f := range defs {
			require.NotContains(t, all, f.Name)
			require.NotEmpty(t, f.Description, f.Name)
			all[f.Name] = f
			if i == 1 {
				own = append(own, f.Name)
			}
		}
	}
	return all, own
}

// leaves calls visit for each value of the document, with objects of type geo_point and object as one value.
func leaves(prefix string, m map[string]any, defs map[string]mapping.Field, visit func(name string, v any)) {
	for key, v := range m {
		name := prefix + key
		sub, isMap := v.(map[string]any)
		if kind := defs[name].Type; isMap && (kind == "" || name == "onepassword") {
			leaves(name+".", sub, defs, visit)
			continue
		}
		visit(name, v)
	}
}

func TestFieldsAreDocumentedAndUsed(t *testing.T) {
	for _, m := range module.All() {
		t.Run(m.Name, func(t *testing.T) {
			defs, own := fields(t, m)
			used := map[string]bool{}
			for name, items := range data(t, m) {
				for _, raw := range items {
					ev, _, err := m.Map(raw)
					require.NoError(t, err)
					leaves("", ev.Fields, defs, func(field string, v any) {
						def, ok := defs[field]
						if !ok {
							assert.Equal(t, future, name, "%s is in no fields.yml", field)
							return
						}
						used[field] = true
						assertType(t, def, v)
					})
				}
			}
			for _, name := range own {
				if name == "group.name" {
					continue // the setting names of an input adds it
				}
				assert.True(t, used[name], "%s occurs in no golden", name)
			}
		})
	}
}

// assertType checks a value as Elasticsearch would when it indexes it.
func assertType(t *testing.T, def mapping.Field, v any) {
	t.Helper()
	if list, ok := v.([]string); ok {
		for _, e := range list {
			assertType(t, def, e)
		}
		return
	}
	switch def.Type {
	case "keyword", "match_only_text":
		assert.IsType(t, "", v, def.Name)
	case "boolean":
		assert.IsType(t, false, v, def.Name)
	case "long":
		assert.IsType(t, int64(0), v, def.Name)
	case "double":
		assert.IsType(t, float64(0), v, def.Name)
	case "ip":
		ip, err := netip.ParseAddr(fmt.Sprint(v))
		require.NoError(t, err, def.Name)
		assert.Empty(t, ip.Zone(), def.Name)
	case "date":
		_, err := time.Parse(time.RFC3339Nano, fmt.Sprint(v))
		require.NoError(t, err, def.Name)
	case "geo_point":
		p, _ := v.(map[string]any)
		lat, okLat := p["lat"].(float64)
		lon, okLon := p["lon"].(float64)
		assert.True(t, okLat && okLon && len(p) == 2 && math.Abs(lat) <= 90 && math.Abs(lon) <= 180, "%s: %v", def.Name, v)
	case "object":
		object, ok := v.(map[string]any)
		assert.True(t, ok, def.Name)
		for key, e := range object {
			assert.IsType(t, "", e, def.Name+"."+key)
		}
	default:
		assert.Fail(t, "a type without a check", "%s: %s", def.Name, def.Type)
	}
}

// ecsTypes are the event types that ECS allows for an event category, of those categories that make sense here.
var ecsTypes = map[string][]string{
	"authentication": {"end", "info", "start"},
	"configuration":  {"access", "change", "creation", "deletion", "info"},
	"file":           {"access", "change", "creation", "deletion", "info"},
	"iam":            {"admin", "change", "creation", "deletion", "group", "info", "user"},
	"session":        {"end", "info", "start"},
}

func TestEventsAreClassifiedAsECSAllows(t *testing.T) {
	each(t, func(t *testing.T, m module.Module, _ string, raw []byte) {
		ev, _, err := m.Map(raw)
		require.NoError(t, err)
		event, _ := ev.Fields["event"].(map[string]any)
		assert.Equal(t, "event", event["kind"])
		assert.Equal(t, "1password", event["module"])
		assert.Equal(t, m.Dataset, event["dataset"])
		assert.Equal(t, ev.Meta["_id"], event["id"])
		assert.NotEmpty(t, event["id"])
		assert.Contains(t, []string{"success", "failure", "unknown"}, event["outcome"])
		categories, _ := event["category"].([]string)
		types, _ := event["type"].([]string)
		require.NotEmpty(t, categories)
		require.NotEmpty(t, types)
		for _, c := range categories {
			assert.Subset(t, ecsTypes[c], types, "types of %s", c)
		}
		assert.NotEmpty(t, ev.Fields["message"])
		assert.False(t, ev.Timestamp.IsZero())
	})
}

// items are decoded, changed and encoded again by the tests below.

func parse(t testing.TB, raw []byte) map[string]any {
	t.Helper()
	var item map[string]any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	require.NoError(t, d.Decode(&item))
	return item
}

func encode(t testing.TB, item any) []byte {
	t.Helper()
	raw, err := json.Marshal(item)
	require.NoError(t, err)
	return raw
}

// objects calls visit with the path of each object of an item.
func objects(path string, m map[string]any, visit func(path string, m map[string]any)) {
	keys := slices.Sorted(maps.Keys(m)) // before visit adds some
	visit(path, m)
	for _, key := range keys {
		if sub, ok := m[key].(map[string]any); ok {
			objects(path+"."+key, sub, visit)
		}
	}
}

func TestUnknownKeysSurvive(t *testing.T) {
	each(t, func(t *testing.T, m module.Module, name string, raw []byte) {
		if name == "wrong_types" {
			t.Skip("an object in place of a string is kept as text")
		}
		item := parse(t, raw)
		var paths []string
		objects("onepassword", item, func(path string, object map[string]any) {
			object["of_2031"] = map[string]any{"at": path, "n": 12, "none": nil}
			paths = append(paths, path)
		})
		ev, _, err := m.Map(encode(t, item))
		require.NoError(t, err)
		for _, path := range paths {
			got, err := ev.Fields.GetValue(path + ".of_2031")
			require.NoError(t, err, path)
			assert.Equal(t, map[string]any{"at": path, "n": int64(12)}, got)
		}
	})
}

// TestNothingOfAnItemIsLost looks for every string and number of an item somewhere in its document.
func TestNothingOfAnItemIsLost(t *testing.T) {
	each(t, func(t *testing.T, m module.Module, name string, raw []byte) {
		if name == "wrong_types" || name == "untidy" {
			t.Skip("those are kept as text, these are trimmed or absent values")
		}
		item := parse(t, raw)
		delete(item, "timestamp") // the event's time, which a golden shows
		ev, _, err := m.Map(raw)
		require.NoError(t, err)
		have := map[string]bool{}
		collect(ev.Fields, have)
		want := map[string]bool{}
		collect(item, want)
		for v := range want {
			assert.True(t, have[v] || inJSONText(have, v), "%q is lost", v)
		}
	})
}

// inJSONText tells whether a value is part of an object that a document keeps as text.
func inJSONText(have map[string]bool, v string) bool {
	for text := range have {
		if strings.HasPrefix(text, "{") && strings.Contains(text, v) {
			return true
		}
	}
	return false
}

func collect(v any, into map[string]bool) {
	switch v := v.(type) {
	case mapstr.M:
		collect(map[string]any(v), into)
	case map[string]any:
		for _, e := range v {
			collect(e, into)
		}
	case []any:
		for _, e := range v {
			collect(e, into)
		}
	case []string:
		for _, e := range v {
			into[e] = true
		}
	case nil:
	case json.Number:
		f, _ := v.Float64()
		into[fmt.Sprint(f)] = true
	case int64:
		into[fmt.Sprint(float64(v))] = true
	default:
		if s := fmt.Sprint(v); s != "" {
			into[s] = true
		}
	}
}

func TestEmptyValuesAreLeftOut(t *testing.T) {
	each(t, func(t *testing.T, m module.Module, _ string, raw []byte) {
		for _, empty := range []any{nil, "", map[string]any{}, []any{}} {
			item := parse(t, raw)
			objects("", item, func(path string, object map[string]any) {
				for key, v := range object {
					_, isObject := v.(map[string]any)
					if !isObject && (path != "" || key != "uuid" && key != "timestamp") {
						object[key] = empty
					}
				}
			})
			item["new"] = map[string]any{"empty": empty}
			ev, _, err := m.Map(encode(t, item))
			require.NoError(t, err)
			assertNoEmpty(t, "", ev.Fields)
		}
	})
}

func assertNoEmpty(t *testing.T, path string, v any) {
	t.Helper()
	switch v := v.(type) {
	case map[string]any:
		assert.NotEmpty(t, v, path)
		for key, e := range v {
			assertNoEmpty(t, path+"."+key, e)
		}
	case []any:
		assert.NotEmpty(t, v, path)
	case []string:
		assert.NotEmpty(t, v, path)
	default:
		assert.NotContains(t, []any{nil, ""}, v, path)
	}
}

// TestWrongTypesFitTheMapping puts a value of each JSON type in place of each value of each item. The document must
// still have the documented types, and the value must not be lost.
func TestWrongTypesFitTheMapping(t *testing.T) {
	wrong := []any{true, json.Number("77"), json.Number("7.5"), json.Number("1e300"), "some text", []any{"in a list"}, map[string]any{"in": "an object"}}
	for _, m := range module.All() {
		t.Run(m.Name, func(t *testing.T) {
			defs, _ := fields(t, m)
			for _, raw := range data(t, m)["v2"] {
				forEachValue(parse(t, raw), func(item, object map[string]any, key string, top bool) {
					for _, v := range wrong {
						object[key] = v
						ev, _, err := m.Map(encode(t, item))
						if top && (key == "uuid" || key == "timestamp") {
							if text, ok := v.(string); !ok || key == "timestamp" {
								require.Error(t, err, "%s: %v", key, text)
							}
							continue
						}
						require.NoError(t, err)
						leaves("", ev.Fields, defs, func(field string, v any) {
							if def, ok := defs[field]; ok {
								assertType(t, def, v)
							}
						})
						have := map[string]bool{}
						collect(ev.Fields, have)
						assert.True(t, kept(have, v), "%s: %v is lost", key, v)
					}
				})
			}
		})
	}
}

// forEachValue calls change with each object and key of an item and restores the value afterwards.
func forEachValue(item map[string]any, change func(item, object map[string]any, key string, top bool)) {
	objects("", item, func(path string, object map[string]any) {
		for _, key := range slices.Sorted(maps.Keys(object)) {
			v := object[key]
			change(item, object, key, path == "")
			object[key] = v
		}
	})
}

// kept tells whether a value, or its text, is among the values of a document.
func kept(have map[string]bool, v any) bool {
	want := map[string]bool{}
	collect(v, want)
	text, _ := json.Marshal(v)
	if have[string(text)] || have[fmt.Sprint(v)] {
		return true
	}
	for e := range want {
		if !have[e] {
			return false
		}
	}
	return true
}

func TestWhatCannotBeMappedIsAnError(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 600, time.UTC)
	for _, m := range module.All() {
		for raw, want := range map[string]beat.Event{
			``:                                      {Meta: mapstr.M{}},
			`null`:                                  {Meta: mapstr.M{}},
			`[{"uuid":"A"}]`:                        {Meta: mapstr.M{}},
			`{"uuid":"A",`:                          {Meta: mapstr.M{"_id": "A"}},
			`{"uuid":"A"}`:                          {Meta: mapstr.M{"_id": "A"}},
			`{"uuid":7}`:                            {Meta: mapstr.M{}},
			`{"uuid":"A","timestamp":"2026-01-02"}`: {Meta: mapstr.M{"_id": "A"}},
			`{"timestamp":"2026-01-02T03:04:05.0000006Z"}`:                                           {Meta: mapstr.M{}, Timestamp: at},
			`{"uuid":"` + strings.Repeat("A", 513) + `","timestamp":"2026-01-02T03:04:05.0000006Z"}`: {Meta: mapstr.M{}, Timestamp: at},
		} {
			ev, known, err := m.Map([]byte(raw))
			require.Error(t, err, raw)
			assert.False(t, known)
			assert.Equal(t, want.Meta, ev.Meta, raw)
			assert.True(t, want.Timestamp.Equal(ev.Timestamp), raw)
			assert.Empty(t, ev.Fields)
		}
	}
}

// TestEventsShareNothing spoils an event in every way that a processor could, and maps the same item again.
func TestEventsShareNothing(t *testing.T) {
	each(t, func(t *testing.T, m module.Module, _ string, raw []byte) {
		input := bytes.Clone(raw)
		first, _, err := m.Map(input)
		require.NoError(t, err)
		want := encode(t, document(first))
		for i := range input {
			input[i] = 'x'
		}
		require.Equal(t, string(want), string(encode(t, document(first))), "the event keeps the input")
		spoil(first.Fields)
		spoil(first.Meta)
		second, _, err := m.Map(raw)
		require.NoError(t, err)
		require.Equal(t, string(want), string(encode(t, document(second))))
	})
}

func spoil(m map[string]any) {
	for key, v := range m {
		switch v := v.(type) {
		case map[string]any:
			spoil(v)
		case []string:
			for i := range v {
				v[i] = "spoilt"
			}
			_ = append(v, "spoilt")
		case []any:
			clear(v)
		}
		m[key] = "spoilt"
	}
	m["spoilt"] = true
}

// TestListsDoNotOverlap appends to one list of an event and looks at the others.
func TestListsDoNotOverlap(t *testing.T) {
	m, _ := module.ByName("audit_events")
	ev, _, err := m.Map(data(t, m)["v2"][0])
	require.NoError(t, err)
	event, _ := ev.Fields["event"].(map[string]any)
	category, _ := event["category"].([]string)
	_ = append(category, "spoilt")
	assert.Equal(t, []string{"user", "change"}, event["type"])
}

// TestZeroValuesOfClientsAreAbsent: a client that has no time, address or coordinates sends the zero value of its
// language. None of them may become a fact.
func TestZeroValuesOfClientsAreAbsent(t *testing.T) {
	for _, m := range module.All() {
		for _, zero := range []string{
			"0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z", "0001-01-01T00:00:00-03:00", "0000-12-31T22:00:00Z", "1970-01-01T00:00:00Z", "1970-01-01T01:00:00+01:00",
		} {
			ev, _, err := m.Map([]byte(`{"uuid":"A","timestamp":"` + zero + `"}`))
			require.ErrorContains(t, err, "zero value of a client")
			assert.True(t, ev.Timestamp.IsZero(), "the time of the event would be %s", zero)
			assert.Equal(t, mapstr.M{"_id": "A"}, ev.Meta)

			ev, _, err = m.Map([]byte(`{"uuid":"A","timestamp":"2026-01-02T03:04:05Z","session":{"login_time":"` + zero + `","ip":"0.0.0.0"},` +
				`"client":{"ip_address":"::"},"location":{"latitude":0,"longitude":0.0}}`))
			require.NoError(t, err)
			absent := []string{"source.geo", "source.ip", "related.ip", "error", "onepassword.location", "onepassword.unexpected"}
			if m.Name == "audit_events" {
				absent = append(absent, "onepassword.session.login_time")
			}
			for _, field := range absent {
				_, err := ev.Fields.GetValue(field)
				require.Error(t, err, "%s has %s", m.Name, field)
			}
		}
		ev, _, err := m.Map([]byte(`{"uuid":"A","timestamp":"2026-01-02T03:04:05Z","location":{"city":"Null","latitude":0,"longitude":0}}`))
		require.NoError(t, err)
		point, err := ev.Fields.GetValue("source.geo.location")
		require.NoError(t, err)
		assert.Equal(t, map[string]any{"lat": 0.0, "lon": 0.0}, point, "a place may be there")
	}
}

func FuzzMap(f *testing.F) {
	for _, m := range module.All() {
		for _, items := range data(f, m) {
			for _, raw := range items[:min(len(items), 3)] {
				f.Add(raw)
			}
		}
	}
	f.Add([]byte(`{"uuid":"A","timestamp":"2026-01-02T03:04:05Z","location":{"latitude":1e999},"session":[[]],"client":{"os_name":"\ud800"}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, m := range module.All() {
			ev, known, err := m.Map(raw)
			if err != nil {
				require.False(t, known)
				require.Empty(t, ev.Fields)
				continue
			}
			require.NotEmpty(t, ev.Meta["_id"])
			encode(t, document(ev))
		}
	})
}

func BenchmarkMap(b *testing.B) {
	for _, m := range module.All() {
		b.Run(m.Name, func(b *testing.B) {
			items := data(b, m)["v2"]
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, _, err := m.Map(items[i%len(items)]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkEncode has libbeat's encoder, which every output uses, write the events.
func BenchmarkEncode(b *testing.B) {
	for _, m := range module.All() {
		b.Run(m.Name, func(b *testing.B) {
			var events []beat.Event
			for _, raw := range data(b, m)["v2"] {
				ev, _, err := m.Map(raw)
				require.NoError(b, err)
				events = append(events, ev)
			}
			encoder := codec.New("", codec.Config{})
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := encoder.Encode("", &events[i%len(events)]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestAllocations keeps the mapping cheap: a page has a thousand events.
func TestAllocations(t *testing.T) {
	for _, m := range module.All() {
		items := data(t, m)["v2"]
		i := 0
		allocs := testing.AllocsPerRun(100, func() {
			_, _, _ = m.Map(items[i%len(items)])
			i++
		})
		assert.Less(t, allocs, 100.0, m.Name)
	}
}
