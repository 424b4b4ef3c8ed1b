// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !oss

// From Elastic Agent's policies to our inputs: pairs of files in testdata.

package agent

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	gproto "google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/elastic/elastic-agent-client/v7/pkg/client"
	"github.com/elastic/elastic-agent-client/v7/pkg/proto"
	"github.com/elastic/elastic-agent-libs/logp/logptest"

	"onepasswordbeat/config"
)

var updateGolden = flag.Bool("update", false, "write what the policies become to testdata")

var agentInfo = &client.AgentInfo{ID: "11111111-2222-3333-4444-555555555555", Version: "9.5.0"}

// TestPolicies: NAME.in.json is an input as a policy has it, NAME.out.json what
// it becomes.
func TestPolicies(t *testing.T) {
	files, err := filepath.Glob("testdata/*.in.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, in := range files {
		t.Run(strings.TrimSuffix(filepath.Base(in), ".in.json"), func(t *testing.T) {
			unit := policyUnit(t, in)
			before := gproto.Clone(unit)
			list, err := toInputs(unit, agentInfo)
			require.NoError(t, err)
			assert.True(t, gproto.Equal(before, unit), "the policy is libbeat's, which compares it with the next one")
			got := make([]map[string]any, len(list))
			for i, c := range list {
				require.NoError(t, c.Config.Unpack(&got[i]))
			}
			out := strings.TrimSuffix(in, ".in.json") + ".out.json"
			raw, err := json.MarshalIndent(got, "", "  ")
			require.NoError(t, err)
			if *updateGolden {
				require.NoError(t, os.WriteFile(out, append(raw, '\n'), 0o600))
			}
			want, err := os.ReadFile(out)
			require.NoError(t, err, "run the test with -update, and read what it wrote")
			assert.JSONEq(t, string(want), string(raw))
			for i, c := range list {
				_, err := config.Unpack(c.Config)
				if strings.HasPrefix(filepath.Base(in), "wrong-") {
					continue
				}
				require.NoError(t, err, "stream %d", i)
				assert.Empty(t, config.UnknownKeys(c.Config))
			}
		})
	}
}

// settingLine is a line of a stream's template that sets something.
var settingLine = regexp.MustCompile(`(?m)^([a-z_]+):`)

// TestFleetPolicyIsOfTheTemplates: fleet.in.json has every setting that Fleet renders
// of the package's templates, and no other.
func TestFleetPolicyIsOfTheTemplates(t *testing.T) {
	for _, stream := range policyUnit(t, "testdata/fleet.in.json").GetStreams() {
		name, _ := strings.CutPrefix(stream.GetDataStream().GetDataset(), "1password.")
		template, err := os.ReadFile(filepath.Join("../../packages/1password/data_stream", name, "agent/stream/onepassword.yml.hbs"))
		require.NoError(t, err)
		var keys []string
		for _, line := range settingLine.FindAllStringSubmatch(string(template), -1) {
			keys = append(keys, line[1])
		}
		slices.Sort(keys)
		keys = slices.Compact(keys) // one of two branches
		require.Contains(t, keys, "token")
		assert.Contains(t, string(template), "event_types:\n  - "+name+"\n")
		got := stream.GetSource().AsMap()
		delete(got, "id")
		delete(got, "data_stream")
		if name == "audit_events" { // it has all
			assert.ElementsMatch(t, keys, slices.Collect(maps.Keys(got)))
		}
		assert.Subset(t, keys, slices.Collect(maps.Keys(got)))
	}
}

// policyUnit reads an input of a policy as Elastic Agent sends it.
func policyUnit(t *testing.T, name string) *proto.UnitExpectedConfig {
	t.Helper()
	raw, err := os.ReadFile(name)
	require.NoError(t, err)
	source := &structpb.Struct{}
	require.NoError(t, source.UnmarshalJSON(raw))
	text := func(s *structpb.Struct, key string) string { return s.GetFields()[key].GetStringValue() }
	dataStream := func(s *structpb.Struct) *proto.DataStream {
		ds := s.GetFields()["data_stream"].GetStructValue()
		if ds == nil {
			return nil
		}
		return &proto.DataStream{Type: text(ds, "type"), Dataset: text(ds, "dataset"), Namespace: text(ds, "namespace")}
	}
	unit := &proto.UnitExpectedConfig{Source: source, Id: text(source, "id"), Type: text(source, "type"), DataStream: dataStream(source)}
	for _, v := range source.GetFields()["streams"].GetListValue().GetValues() {
		s := v.GetStructValue()
		unit.Streams = append(unit.Streams, &proto.Stream{Id: text(s, "id"), DataStream: dataStream(s), Source: s})
	}
	return unit
}

// TestRevisionsRestartNothing: what a policy's revision changes is in no input.
func TestRevisionsRestartNothing(t *testing.T) {
	unit := policyUnit(t, "testdata/fleet.in.json")
	first, err := toInputs(unit, agentInfo)
	require.NoError(t, err)
	unit.Source.Fields["policy"] = structpb.NewStructValue(&structpb.Struct{Fields: map[string]*structpb.Value{"revision": structpb.NewNumberValue(99)}})
	unit.Source.Fields["revision"] = structpb.NewNumberValue(99)
	unit.Revision = 99
	second, err := toInputs(unit, agentInfo)
	require.NoError(t, err)
	for i := range first {
		var a, b map[string]any
		require.NoError(t, first[i].Config.Unpack(&a))
		require.NoError(t, second[i].Config.Unpack(&b))
		assert.Equal(t, a, b)
	}
}

// TestUnreadableInputs become inputs that say so: an error would fail every unit.
func TestUnreadableInputs(t *testing.T) {
	tests := map[string]struct {
		key   string
		value any
		says  string
	}{
		"cut off":   {"tags", []any{"${no end"}, "tags: unresolved or malformed variable"},
		"not there": {"tags", []any{"${NO_SUCH_VARIABLE_AT_ALL}"}, "tags: unresolved or malformed variable"},
		"a token":   {"token", "secret${", "token: unresolved or malformed variable"},
		"no token":  {"token", "", "token: it is missing"},
		"nothing":   {"token", nil, "token: it is missing"},
		"an id":     {"id", "${no end", "id: unresolved or malformed variable"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			settings := map[string]any{"type": "onepassword", "id": "acme", "token": "opaque"}
			settings[test.key] = test.value
			c := inputConfig(settings)
			reason, err := c.String(config.PolicyError, -1)
			require.NoError(t, err)
			assert.Contains(t, reason, test.says)
			assert.NotContains(t, reason, "secret")
			id, err := c.String("id", -1)
			require.NoError(t, err)
			assert.NotEmpty(t, id)
		})
	}
	for _, empty := range []any{nil, ""} {
		c := inputConfig(map[string]any{"type": "onepassword", "id": "acme", "token": empty, "token_file": "/run/secrets/token"})
		assert.False(t, c.HasField(config.PolicyError), "token %#v", empty)
	}
}

// TestSingleEventType: one that is in no list is the only one, as without an Agent.
func TestSingleEventType(t *testing.T) {
	unit := policyUnit(t, "testdata/no-streams.in.json")
	unit.Source.Fields["event_types"] = structpb.NewStringValue("audit_events")
	list, err := toInputs(unit, agentInfo)
	require.NoError(t, err)
	require.Len(t, list, 1)

	unit.Streams = []*proto.Stream{{Id: "s", DataStream: &proto.DataStream{Dataset: "custom"}, Source: &structpb.Struct{}}}
	list, err = toInputs(unit, agentInfo)
	require.NoError(t, err)
	cfg, err := config.Unpack(list[0].Config)
	require.NoError(t, err)
	assert.Equal(t, []string{"audit_events"}, cfg.EventTypes)
}

// TestPolicyEdit: an input without streams gets them, others stay as they are; an
// output that is to stop is told.
func TestPolicyEdit(t *testing.T) {
	bare := policyUnit(t, "testdata/no-streams.in.json")
	other := &proto.UnitExpectedConfig{Type: "filestream", Id: "logs"}
	expected := &proto.CheckinExpected{Units: []*proto.UnitExpected{
		{Type: proto.UnitType_INPUT, Config: bare, State: proto.State_STOPPED},
		{Type: proto.UnitType_INPUT, Config: other},
		{Type: proto.UnitType_INPUT},
		{Type: proto.UnitType_OUTPUT, State: proto.State_HEALTHY},
	}}
	edit := &policyEdit{}
	assert.False(t, edit.apply(expected))
	assert.Len(t, bare.GetStreams(), 3)
	assert.Empty(t, other.GetStreams())
	assert.False(t, edit.apply(expected))
	assert.Len(t, bare.GetStreams(), 3, "once only")
	expected.Units[3].State = proto.State_STOPPED
	assert.True(t, edit.apply(expected))
	assert.False(t, edit.apply(&proto.CheckinExpected{}))
}

// TestProxyCredentials: libbeat does not get the password of an output's proxy as a part of a URL, which it logs.
func TestProxyCredentials(t *testing.T) {
	source, err := structpb.NewStruct(map[string]any{"proxy_url": "http://user:secret@proxy:3128", "hosts": []any{"https://a:9200"}, "headers": map[string]any{"X-A": "b"}})
	require.NoError(t, err)
	output := &proto.UnitExpectedConfig{Type: "elasticsearch", Source: source}
	(&policyEdit{}).apply(&proto.CheckinExpected{Units: []*proto.UnitExpected{{Type: proto.UnitType_OUTPUT, State: proto.State_HEALTHY, Config: output}}})
	assert.Equal(t, map[string]any{
		"proxy_url": "http://proxy:3128", "hosts": []any{"https://a:9200"}, "headers": map[string]any{"X-A": "b"},
		"proxy_headers": map[string]any{"Proxy-Authorization": "Basic dXNlcjpzZWNyZXQ="},
	}, output.GetSource().AsMap())

	log, logs := logptest.NewTestingLoggerWithObserver(t, "")
	for raw, want := range map[string]string{
		"socks5://user:secret@proxy:1080": "socks5://proxy:1080", "http://user:secret%zz@proxy": "http://proxy", "user:secret@proxy:1": "http://proxy:1",
	} {
		source, err := structpb.NewStruct(map[string]any{"proxy_url": raw})
		require.NoError(t, err)
		output := &proto.UnitExpectedConfig{Type: "elasticsearch", Source: source}
		(&policyEdit{log: log}).apply(&proto.CheckinExpected{Units: []*proto.UnitExpected{{Type: proto.UnitType_OUTPUT, State: proto.State_HEALTHY, Config: output}}})
		assert.Equal(t, map[string]any{"proxy_url": want}, output.GetSource().AsMap())
	}
	assert.Equal(t, 3, logs.FilterMessageSnippet("are not used").Len())
	for _, entry := range logs.All() {
		assert.NotContains(t, fmt.Sprint(entry.ContextMap()), "secret")
	}
}
