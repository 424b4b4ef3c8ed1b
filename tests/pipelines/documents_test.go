// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Documents: stored, hostile, run again, and changed by others.

package pipelines

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/dev-tools/generate/pipelines/documents"
	"onepasswordbeat/module"
	"onepasswordbeat/tests/ostest"
)

type object = map[string]any

// bulk sends documents to a data stream, and returns the status of each.
func bulk(t testing.TB, node *ostest.Node, stream string, docs []documents.Document) (statuses []int) {
	t.Helper()
	for len(docs) > 0 {
		n := min(batch, len(docs))
		var body bytes.Buffer
		e := json.NewEncoder(&body)
		for _, d := range docs[:n] {
			create := object{}
			if d.ID != "" {
				create["_id"] = d.ID
			}
			require.NoError(t, e.Encode(object{"create": create}))
			require.NoError(t, e.Encode(d.Source))
		}
		var answer struct {
			Items []struct {
				Create struct {
					Status int             `json:"status"`
					Error  json.RawMessage `json:"error"`
				} `json:"create"`
			} `json:"items"`
		}
		node.Must(t, http.MethodPost, "/"+stream+"/_bulk", body.Bytes(), &answer)
		for i, item := range answer.Items {
			if item.Create.Status == http.StatusBadRequest {
				t.Errorf("rejected: %.500s\n%.1000s", item.Create.Error, fmt.Sprint(docs[i].Source))
			}
			statuses = append(statuses, item.Create.Status)
		}
		docs = docs[n:]
	}
	return statuses
}

// search returns the documents of an index or data stream that a query finds, at most a thousand.
func search(t testing.TB, node *ostest.Node, index string, query object) []documents.Document {
	t.Helper()
	node.Must(t, http.MethodPost, "/"+index+"/_refresh", nil, nil)
	var answer struct {
		Hits struct {
			Hits []struct {
				ID     string         `json:"_id"`
				Source map[string]any `json:"_source"`
			} `json:"hits"`
		} `json:"hits"`
	}
	node.Must(t, http.MethodPost, "/"+index+"/_search", object{"query": query, "size": 1000}, &answer)
	var out []documents.Document
	for _, h := range answer.Hits.Hits {
		out = append(out, documents.Document{ID: h.ID, Source: h.Source})
	}
	return out
}

// testStored sends every item raw, and then as the beat does: each is stored once, under its uuid, and fits the mapping.
func testStored(t *testing.T, node *ostest.Node) {
	for _, m := range module.All() {
		var raw, mapped []documents.Document
		unique := map[string]bool{}
		for _, item := range items(t, m) {
			if bytes.Contains(item, []byte("12345678901234567890")) {
				continue // OpenSearch takes a number of this size for the longitude that follows it; Elasticsearch does not
			}
			d, err := documents.Beat(m, item, received, false)
			require.NoError(t, err)
			mapped = append(mapped, d)
			raw = append(raw, documents.Raw(m, item, received, false))
			unique[d.ID] = true
		}
		created := 0
		for _, status := range bulk(t, node, ostest.Stream(m.Name), raw) {
			if status == http.StatusCreated {
				created++
			}
		}
		assert.Equal(t, len(unique), created, "%s: sent raw", m.Name)
		for _, status := range bulk(t, node, ostest.Stream(m.Name), mapped) {
			require.Equal(t, http.StatusConflict, status, "%s: sent by the beat after that", m.Name)
		}
		var count struct {
			Count int `json:"count"`
		}
		node.Must(t, http.MethodPost, "/"+ostest.Stream(m.Name)+"/_refresh", nil, nil)
		node.Must(t, http.MethodPost, "/"+ostest.Stream(m.Name)+"/_count", object{"query": object{"bool": object{
			"filter": []object{{"term": object{"event.kind": "event"}}, {"exists": object{"field": "event.ingested"}}},
		}}}, &count)
		assert.Equal(t, len(unique), count.Count)
		for _, d := range search(t, node, ostest.Stream(m.Name), object{"match_all": object{}}) {
			event, _ := d.Source["event"].(object)
			require.Equal(t, d.ID, event["id"])
		}
	}
}

// failure requires that a document says what went wrong with it, and returns the message.
func failure(t *testing.T, d documents.Document) string {
	t.Helper()
	event, _ := d.Source["event"].(object)
	require.Equal(t, "pipeline_error", event["kind"], "%v", d.Source)
	assert.Equal(t, "1password", event["module"])
	assert.NotEmpty(t, event["dataset"])
	assert.NotEmpty(t, event["ingested"])
	assert.NotEmpty(t, d.Source["@timestamp"])
	assert.Contains(t, d.Source["tags"], documents.Preserve)
	assert.NotContains(t, d.Source, "_failure")
	assert.NotContains(t, d.Source, "_geoip")
	errorFields, _ := d.Source["error"].(object)
	return fmt.Sprint(errorFields["message"])
}

// testHostile sends messages that are not items, and documents of no known sender.
func testHostile(t *testing.T, node *ostest.Node) {
	const good = `{"uuid":"HOSTILE","timestamp":"2026-01-02T03:04:05Z"}`
	for _, m := range module.All() {
		pipeline := ostest.PipelineName(m.Name)
		for _, c := range []struct {
			source object
			want   string // in the error, or "" for a document that is mapped
		}{
			{object{}, "neither an event.kind nor an item"},
			{object{"message": "plain text"}, `malformed JSON`},
			{object{"message": nil, "tags": nil, "event": nil}, "neither an event.kind nor an item"},
			{object{"message": "<html>"}, "with tag fail_unmappable_item in pipeline " + pipeline + " failed with message: malformed JSON"},
			{object{"message": []any{"a"}}, "is not a JSON object: it starts with"},
			{object{"message": 7}, "is not a JSON object: it starts with"},
			{object{"message": `{"uuid":"HOSTILE"}`}, `the timestamp of the item \"HOSTILE\" is missing or not RFC 3339`},
			{object{"message": `{"timestamp":"2026-01-02T03:04:05Z"}`}, "the item has no uuid"},
			{object{"message": object{"uuid": "HOSTILE", "timestamp": "2026-01-02T03:04:05Z"}}, ""},
			{object{"event": object{"original": good}}, ""},
			{object{"event": object{"original": good}, "message": "something else"}, ""},
			{object{"event": "text", "message": good}, ""},
			{object{"event": []any{1}, "message": good, "tags": "one"}, ""},
			{object{"event": "text", "message": "bad"}, "malformed JSON"},
			{object{"error": "text", "message": "bad"}, "malformed JSON"},
			{object{"error": "text", "message": good, "source": "text", "user": 1, "related": []any{}, "host": true, "tags": 7}, ""},
			{object{"error": object{"message": object{"a": 1}}, "message": "bad"}, "malformed JSON"},
			{object{"tags": 7, "event": object{"kind": "event", "original": "x"}}, ""},
			{object{"tags": object{"a": 1}, "message": "bad"}, "malformed JSON"},
			{object{"source": "text", "event": object{"kind": "event"}}, ""}, // not ours to judge
			{object{"@timestamp": "yesterday", "message": "bad"}, "malformed JSON"},
			{object{"@timestamp": "yesterday", "message": good, "event": object{"created": []any{1}}}, ""},
			{object{"organization": "o", "division": "d", "team": "t", "message": good}, ""},
			{object{"onepassword": "text", "ecs": "1", "message": good}, ""},
		} {
			event, _ := c.source["event"].(object)
			if event["kind"] == nil { // as an event, it may not fit the mapping
				assert.NotContains(t, bulk(t, node, ostest.Stream(m.Name), []documents.Document{{Source: c.source}}), http.StatusBadRequest, "%v", c.source)
			}
			out := simulate(t, node, pipeline, []documents.Document{{Source: maps.Clone(c.source)}})[0]
			if c.want != "" {
				text, err := json.Marshal(failure(t, out))
				require.NoError(t, err)
				assert.Contains(t, string(text), c.want, "%v", c.source)
				continue
			}
			event, _ = out.Source["event"].(object)
			require.Equal(t, "event", event["kind"], "%v: %v", c.source, out.Source)
			for name, v := range c.source {
				if text, ok := v.(string); ok && name != "message" && name != "tags" && name != "onepassword" && len(c.source) > 2 && name != "organization" && name != "division" && name != "team" {
					onepassword, _ := out.Source["onepassword"].(object)
					unexpected, _ := onepassword["unexpected"].(object)
					assert.Equal(t, text, unexpected[name], "%v: %v", c.source, out.Source)
				}
			}
		}
	}
}

// testHuge: length and depth do not matter.
func testHuge(t *testing.T, node *ostest.Node) {
	m, _ := module.ByName("audit_events")
	long := strings.Repeat("x", 3_000_000)
	quotes := strings.Repeat(`\"`, 300_000)
	deep := strings.Repeat(`{"a":`, 9_000) + "1" + strings.Repeat("}", 9_000)
	items := [][]byte{
		item(`,"aux_info":"` + long + `"`), item(`,"long":"` + long + `"`), item(`,"session":["` + long + `\n"]`), item(`,"quotes":"` + quotes + `"`), item(`,"deep":` + deep),
		item(`,"spaces":` + strings.Repeat(" ", 900_000) + `1`), item(`,"list":[` + strings.Repeat("1,", 20_000) + `1]`), []byte(`{"uuid":"` + long + `","timestamp":"2026-01-02T03:04:05Z"}`), []byte(long),
	}
	requireParity(t, node, m, items)

	// Beyond what the engine lets a script do, the document says so.
	for _, item := range [][]byte{
		item(`,"spaces":` + strings.Repeat(" ", 1_500_000) + `1`),
		item(`,"deep":` + strings.Repeat(`{"a":`, 11_000) + "1" + strings.Repeat("}", 11_000)),
		[]byte(strings.Repeat(`[`, 50_000)),
	} {
		out := simulate(t, node, ostest.PipelineName(m.Name), []documents.Document{documents.Raw(m, item, received, false)})[0]
		t.Log(failure(t, out)[:60])
		event, _ := out.Source["event"].(object)
		assert.Equal(t, string(item), event["original"])
	}
}

// testRerun runs finished documents again, as a reindex does, and also such that someone changed in between.
func testRerun(t *testing.T, node *ostest.Node) {
	for _, m := range module.All() {
		var docs []documents.Document
		for i, item := range append(testData(t, m), oddItems()...) {
			docs = append(docs, documents.Raw(m, item, received, i%2 == 0))
			d, err := documents.Beat(m, item, received, i%2 == 0)
			require.NoError(t, err)
			docs = append(docs, d)
		}
		once := simulate(t, node, ostest.PipelineName(m.Name), docs)
		for i, again := range simulate(t, node, ostest.PipelineName(m.Name), once) {
			require.Equal(t, once[i], again)
		}
		for _, d := range once {
			d.Source["message"] = "changed"
			d.Source["event"].(object)["original"] = "put back" //nolint:errcheck // an object, as the pipeline made it
			d.Source["event"].(object)["action"] = "changed"    //nolint:errcheck // as above
			delete(d.Source, "related")
			delete(d.Source, "source")
			delete(d.Source, "tags")
		}
		for i, again := range simulate(t, node, ostest.PipelineName(m.Name), once) {
			require.Equal(t, once[i], again)
		}
	}
}

// testCustom has a user's pipeline run after the integration's, as Fleet does: it calls it with a processor that it puts at the pipeline's end.
func testCustom(t *testing.T, node *ostest.Node) {
	m, _ := module.ByName("signin_attempts")
	const custom = "logs-1password.signin_attempts@custom"
	node.Must(t, http.MethodPut, "/_ingest/pipeline/"+custom, object{"processors": []object{
		{"set": object{"field": "message", "value": "changed by a user"}},
		{"set": object{"field": "event.kind", "value": "alert"}},
		{"set": object{"field": "event.original", "value": "{{{event.action}}}"}},
		{"remove": object{"field": []string{"source", "tags", "onepassword.uuid"}, "ignore_missing": true}},
		{"append": object{"field": "event.category", "value": "session"}},
	}}, nil)
	pipeline := ostest.Pipeline(t, m.Name)
	processors, _ := pipeline["processors"].([]any)
	pipeline["processors"] = append(processors, object{"pipeline": object{"name": custom, "tag": "custom"}})
	node.Must(t, http.MethodPut, "/_ingest/pipeline/with-custom", pipeline, nil)

	data := testData(t, m)
	var raw, mapped []documents.Document
	for _, item := range data {
		raw = append(raw, documents.Raw(m, item, received, false))
		d, err := documents.Beat(m, item, received, false)
		require.NoError(t, err)
		mapped = append(mapped, d)
	}
	raw, mapped = simulate(t, node, "with-custom", raw), simulate(t, node, "with-custom", mapped)
	for i := range data {
		require.Empty(t, differences(mapped[i], raw[i]))
		require.Equal(t, "changed by a user", raw[i].Source["message"])
		require.NotContains(t, raw[i].Source, "source")
	}
	for i, again := range simulate(t, node, ostest.PipelineName(m.Name), raw) {
		require.Equal(t, raw[i], again, "reindexed through the integration's pipeline")
	}
}

// testOriginal: event.original is the item, byte for byte, for the @custom pipelines that follow. In message it never stays. Who removes it without the tag
// comes after them; testStandalone has the beat's own pipeline do it.
func testOriginal(t *testing.T, node *ostest.Node) {
	for _, m := range module.All() {
		data := testData(t, m)
		var docs []documents.Document
		for i, item := range data {
			d := documents.Raw(m, item, received, i%3 == 0)
			if i%2 == 0 { // in the other field
				d.Source["event"] = object{"original": d.Source["message"]}
				delete(d.Source, "message")
			}
			docs = append(docs, d)
		}
		for i, out := range simulate(t, node, ostest.PipelineName(m.Name), docs) {
			event, _ := out.Source["event"].(object)
			require.Equal(t, string(data[i]), event["original"])
			require.NotEqual(t, string(data[i]), out.Source["message"])
			require.NotEmpty(t, out.Source["message"])
		}
	}
}

// testCarried: the account of a v1 item, tags, labels and what the collector adds.
func testCarried(t *testing.T, node *ostest.Node) {
	m, _ := module.ByName("item_usages")
	doc := documents.Raw(m, []byte(`{"uuid":"CARRIED","timestamp":"2026-01-02T03:04:05Z","client":{"os_name":"iOS"}}`), received, false)
	maps.Copy(doc.Source, object{
		"organization": object{"id": "ACCOUNT", "name": "Example"}, "labels": object{"site": "north"}, "tags": []any{"forwarded", "mine"},
		"agent": object{"type": "filebeat"}, "host": object{"name": "collector.example.com"}, "event": object{"created": "2026-01-02T04:00:00.000Z", "ingested": "2026-01-02T04:00:01.000Z"},
	})
	out := simulate(t, node, ostest.PipelineName(m.Name), []documents.Document{doc})[0].Source
	for name, want := range map[string]any{
		"organization": object{"id": "ACCOUNT", "name": "Example"}, "labels": object{"site": "north"}, "tags": []any{"forwarded", "mine"}, "agent": object{"type": "filebeat"},
		"host": object{"name": "collector.example.com", "os": object{"name": "iOS"}}, "input": object{"type": "cel"}, "@timestamp": "2026-01-02T03:04:05.000Z",
	} {
		assert.Equal(t, want, out[name], name)
	}
	event, _ := out["event"].(object)
	assert.Equal(t, "2026-01-02T04:00:00.000Z", event["created"])
	assert.NotEqual(t, "2026-01-02T04:00:01.000Z", event["ingested"], "when the raw document was stored elsewhere")

	// Without a time of its own, the document was created when it was collected.
	out = simulate(t, node, ostest.PipelineName(m.Name), []documents.Document{documents.Raw(m, item(""), received, false)})[0].Source
	event, _ = out["event"].(object)
	assert.Equal(t, "2026-10-01T12:00:00.123Z", event["created"])

	// What a collector reports as an error, without an item, is not overwritten.
	reported := object{"@timestamp": "2026-10-01T12:00:00.123Z", "error": object{"message": "401 Unauthorized", "code": "401"}}
	out = simulate(t, node, ostest.PipelineName(m.Name), []documents.Document{{Source: reported}})[0].Source
	assert.Equal(t, object{"message": "401 Unauthorized", "code": "401"}, out["error"])
	event, _ = out["event"].(object)
	assert.Equal(t, "pipeline_error", event["kind"])
}

// testFillSource gives the script what the geoip processors, which this engine lacks, would have found.
func testFillSource(t *testing.T, node *ostest.Node) {
	oslo := object{"continent_name": "Europe", "country_iso_code": "NO", "country_name": "Norway", "region_name": "Oslo", "region_iso_code": "NO-03", "city_name": "Oslo", "location": object{"lat": 59.9, "lon": 10.7}}
	network := object{"asn": 64500, "organization_name": "Example Net"}
	for name, c := range map[string]struct{ source, found, want object }{
		"nothing from the API": {object{}, object{"geo": oslo, "as": network}, object{"geo": oslo, "as": object{"number": 64500, "organization": object{"name": "Example Net"}}}},
		"only the country": {
			object{"geo": object{"country_iso_code": "NO", "country_name": "Norway"}}, object{"geo": oslo}, object{"geo": oslo},
		},
		"a country by a name unknown": {object{"geo": object{"country_name": "Erewhon"}}, object{"geo": oslo}, object{"geo": object{"country_name": "Erewhon"}}},
		"another country":             {object{"geo": object{"country_iso_code": "SE", "country_name": "Sweden"}}, object{"geo": oslo}, object{"geo": object{"country_iso_code": "SE", "country_name": "Sweden"}}},
		"another city": {
			object{"geo": object{"country_iso_code": "NO", "country_name": "Norway", "city_name": "Bergen"}}, object{"geo": oslo},
			object{"geo": object{"continent_name": "Europe", "country_iso_code": "NO", "country_name": "Norway", "region_name": "Oslo", "region_iso_code": "NO-03", "city_name": "Bergen"}},
		},
		"all from the API": {
			object{"geo": object{"country_iso_code": "NO", "country_name": "Norway", "region_name": "Viken", "city_name": "Moss", "location": object{"lat": 1, "lon": 2}}}, object{"geo": oslo},
			object{"geo": object{"continent_name": "Europe", "country_iso_code": "NO", "country_name": "Norway", "region_name": "Viken", "city_name": "Moss", "location": object{"lat": 1, "lon": 2}}},
		},
		"an address that no database knows": {object{}, object{"geo": object{}, "as": object{}}, object{}},
		"a network set already":             {object{"as": object{"number": 1}}, object{"as": network}, object{"as": object{"number": 1}}},
	} {
		c.source["ip"], c.want["ip"] = "192.0.2.1", "192.0.2.1"
		doc := documents.Document{Source: object{"event": object{"kind": "event"}, "source": c.source, "_geoip": c.found}}
		out := simulate(t, node, ostest.PipelineName("item_usages"), []documents.Document{doc})[0].Source
		want, err := json.Marshal(c.want)
		require.NoError(t, err)
		got, err := json.Marshal(out["source"])
		require.NoError(t, err)
		assert.JSONEq(t, string(want), string(got), name)
		assert.NotContains(t, out, "_geoip")
	}
}
