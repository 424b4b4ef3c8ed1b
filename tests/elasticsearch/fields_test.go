// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Every field of every document has the type that fields.yml gives it.

package elasticsearch

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/tests/estest"
)

// definition is a field of fields.yml.
type definition struct {
	Name       string `yaml:"name"`
	Type       string `yaml:"type"`
	ObjectType string `yaml:"object_type"` // of the strings below an object
}

const object = "object"

// definitions reads fields.yml, by name.
func definitions(t *testing.T) map[string]definition {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "fields.yml"))
	require.NoError(t, err)
	var parts []struct {
		Fields []definition `yaml:"fields"`
	}
	require.NoError(t, yaml.Unmarshal(raw, &parts))
	byName := map[string]definition{}
	for _, part := range parts {
		for _, d := range part.Fields {
			byName[d.Name] = d
		}
	}
	require.NotEmpty(t, byName)
	return byName
}

// typeOf is the type that a field has in Elasticsearch by its definition, or by
// the nearest object above it; "" where there is neither.
func typeOf(defs map[string]definition, field string) string {
	if d, ok := defs[field]; ok && d.Type != object {
		return estest.FieldType(d.Type)
	}
	for parent := field; parent != ""; {
		parent = parent[:max(0, strings.LastIndexByte(parent, '.'))]
		d, ok := defs[parent]
		switch {
		case ok && d.ObjectType != "":
			return estest.FieldType(d.ObjectType)
		case ok && d.Type == object:
			return "keyword"
		}
	}
	return ""
}

// fieldsOf calls visit with the full name of every field of a document that has
// a value: what has a definition of its own, or is not an object.
func fieldsOf(defs map[string]definition, parent string, value any, visit func(field string)) {
	d, defined := defs[parent]
	switch value := value.(type) {
	case []any:
		for _, element := range value {
			fieldsOf(defs, parent, element, visit)
		}
	case M:
		if defined && d.Type != object { // a geo_point
			visit(parent)
			return
		}
		for key, child := range value {
			fieldsOf(defs, strings.TrimPrefix(parent+"."+key, "."), child, visit)
		}
	default:
		visit(parent)
	}
}

// unseen are the fields that no document here has: what a configuration would
// add, what an ingest pipeline sets, and what the API has not been seen to send.
var unseen = []string{
	"event.ingested", "onepassword.ingest_delay", "onepassword.self_grant", "onepassword.vault.name", "onepassword.item.title", "group.name", "host.name", "message",
	"source.as.number", "source.as.organization.name", "source.geo.continent_name", "source.geo.region_iso_code",
}

func testFields(t *testing.T, node *estest.Node) {
	f := newFlow(t, node, "fields", plan{
		User: writer, Events: 2000, // every documented pair of an audit event is among them
		Input: M{
			"limit": 200, "preserve_original_event": true, "tags": []string{"blue"},
			"fields": M{"site": "north"}, "fields_under_root": false,
			"processors": []M{{"add_labels": M{"labels": M{"team": "security"}}}},
		},
	})
	// Keys, values and shapes that the mapping does not know, each on a page of each type.
	for _, kind := range []eventsapitest.Kind{eventsapitest.UnknownKeys, eventsapitest.UnknownEnums, eventsapitest.Nulls, eventsapitest.Missing} {
		for typ := range names {
			f.srv.Script(eventsapitest.Fault{Kind: kind, Times: 1}.For(typ))
		}
	}
	f.srv.Publish(eventsapitest.SignInAttempts,
		signIn(t, handmade(0), M{"country": M{"code": "FR"}, "score": 7, "ratio": 0.5, "shiny": true, "since": "2026-11-01T00:00:00Z"}),
		signIn(t, handmade(1), M{"client": M{"ip_address": "somewhere"}, "score": 7.5, "ratio": 1, "shiny": "very", "since": "yesterday"}),
		signIn(t, handmade(2), M{"score": "high", "ratio": []any{1, "2"}, "more": M{"deep": M{"er": []any{M{"x": 1}, M{"x": "y"}}}}}),
		signIn(t, handmade(3), M{"location": M{"country": "france", "latitude": 120, "longitude": 500}}),
	)
	beat := f.home.Start()
	f.complete(t, beat, soon)
	f.srv.Publish(eventsapitest.SignInAttempts, signIn(t, handmade(4), M{"timestamp": "no time"}))
	beat.Until(soon, "what can't be mapped is there", seldom(func() bool { return f.count(t, f.stream(eventsapitest.SignInAttempts)) == 2005 }))
	assert.Zero(t, counters(beat).Dropped)
	end(t, beat)

	defs := definitions(t)
	seen := map[string]bool{}
	for typ := range names {
		types := node.Mapping(t, f.stream(typ))
		for name, d := range defs {
			if d.Type != object {
				assert.Equal(t, estest.FieldType(d.Type), types[name], "%s in %s", name, f.stream(typ))
			}
		}
		for _, hit := range node.Search(t, f.stream(typ), nil) {
			fieldsOf(defs, "", hit.Source, func(field string) {
				if !seen[field] {
					want := typeOf(defs, field)
					assert.NotEmpty(t, want, "fields.yml does not know %s of %s", field, hit.ID)
					assert.Equal(t, want, types[field], "%s of %s", field, hit.ID)
				}
				seen[field] = true
			})
		}
	}
	for name, d := range defs {
		if d.Type != object && !seen[name] {
			assert.Contains(t, unseen, name, "no document has the field")
		}
	}
	assertOriginal(t, node, f)
}

// Elasticsearch's own rules for ECS type a new key by its name, where it is like one
// of ECS. No event is rejected because a later value is of another type.
func testNewKeys(t *testing.T, node *estest.Node) {
	put(t, node, "/_component_template/ecs@mappings", node.BuiltIn(t, "ecs@mappings"))
	f := newFlow(t, node, "keys", plan{User: writer, Events: 20})
	f.srv.Publish(eventsapitest.SignInAttempts,
		signIn(t, handmade(0), M{"device_ip": "192.0.2.1", "created": "2026-11-01T00:00:00Z", "risk_score": 3, "usage": 7, "score": 7, "shiny": true, "label": "a", "exports": M{"a": 1}}),
	)
	beat := f.home.Start()
	f.complete(t, beat, soon)
	f.srv.Publish(eventsapitest.SignInAttempts,
		signIn(t, handmade(1), M{"device_ip": "somewhere", "created": "yesterday", "risk_score": "high", "usage": "much", "score": "high", "shiny": "very", "label": 1}),
	)
	f.complete(t, beat, soon)
	assert.Zero(t, beat.InputSum("events_refused_total"))
	end(t, beat)

	types := node.Mapping(t, f.stream(eventsapitest.SignInAttempts))
	for key, want := range map[string]string{
		"device_ip": "ip", "created": "date", "risk_score": "float", "usage": estest.FieldType("scaled_float"), "exports": "flattened", // by name
		"score": "keyword", "shiny": "keyword", "label": "keyword",
	} {
		assert.Equal(t, want, types["onepassword."+key], key)
	}
	found := func(query M) int { return len(node.Search(t, f.stream(eventsapitest.SignInAttempts), query)) }
	assert.Equal(t, 1, found(M{"term": M{"onepassword.device_ip": "192.0.2.1"}}))
	assert.Equal(t, 1, found(M{"term": M{"_ignored": "onepassword.device_ip"}}), "kept, and not indexed")
}

// One event with more keys than an index may have fields, and strings longer than a keyword may be, are indexed as far as
// they can be, and do not have later events rejected.
func testOddEvents(t *testing.T, node *estest.Node) {
	f := newFlow(t, node, "odd", plan{User: writer, Events: 20})
	many := M{}
	for i := range 12_500 {
		many["key_"+strconv.Itoa(i)] = "v"
	}
	long := strings.Repeat("x", 40_000)
	f.srv.Publish(eventsapitest.SignInAttempts,
		signIn(t, handmade(0), M{"number_first": 7, "share_first": 0.5, "flag_first": true, "text": long}),
		signIn(t, handmade(1), M{"number_first": long, "share_first": long, "flag_first": long, "country": long, "type": long}),
		signIn(t, handmade(2), M{"many": many}),
	)
	beat := f.home.Start()
	f.complete(t, beat, 3*soon)
	f.srv.Publish(eventsapitest.SignInAttempts, signIn(t, handmade(3), M{"brand_new": "x", "many": M{"another": "y"}, "client": M{"app_name": "x", "os_name": "Linux"}}))
	f.complete(t, beat, 3*soon)
	assert.Zero(t, beat.InputSum("events_refused_total"))
	end(t, beat)
	found := func(query M) int { return len(node.Search(t, f.stream(eventsapitest.SignInAttempts), query)) }
	assert.Equal(t, 1, found(M{"term": M{"_ignored": "onepassword.number_first"}}), "kept, and not indexed")
	assert.Equal(t, 1, found(M{"bool": M{"filter": []M{{"term": M{"event.id": handmade(3)}}, {"term": M{"user_agent.os.type": "linux"}}}}}), "known fields are indexed")
}

// assertOriginal checks that a document keeps what the API sent.
func assertOriginal(t *testing.T, node *estest.Node, f *flow) {
	t.Helper()
	for _, hit := range node.Search(t, f.stream(eventsapitest.SignInAttempts), M{"ids": M{"values": []string{handmade(0)}}}) {
		original, _ := at(hit.Source, "event.original").(string)
		var event M
		require.NoError(t, json.Unmarshal([]byte(original), &event), original)
		assert.Equal(t, handmade(0), event["uuid"])
	}
}
