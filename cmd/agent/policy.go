// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// From Elastic Agent's policy to the beat's inputs.

//go:build !oss

package agent

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	gproto "google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/elastic/beats/v7/libbeat/common/reload"
	"github.com/elastic/beats/v7/x-pack/libbeat/management"
	"github.com/elastic/elastic-agent-client/v7/pkg/client"
	"github.com/elastic/elastic-agent-client/v7/pkg/proto"
	conf "github.com/elastic/elastic-agent-libs/config"
	"github.com/elastic/elastic-agent-libs/mapstr"

	"onepasswordbeat/config"
	"onepasswordbeat/module"
)

const (
	inputType       = config.InputType // an input's `type` in a policy
	dataStreamType  = "logs"
	settingID       = "id"
	settingTypes    = "event_types"
	settingIndex    = "index"
	settingProcs    = "processors"
	settingToken    = "token"
	settingFile     = "token_file"
	settingStreamDS = "data_stream"
)

// addStreams gives an input without streams one for each of its event types.
func addStreams(unit *proto.UnitExpectedConfig) {
	if unit == nil || len(unit.GetStreams()) > 0 {
		return
	}
	for _, name := range inputTypes(unit) {
		dataset := datasetOf(name)
		unit.Streams = append(unit.Streams, &proto.Stream{
			Id:         unit.GetId() + "-" + name,
			DataStream: &proto.DataStream{Type: dataStreamType, Dataset: dataset},
			Source:     &structpb.Struct{},
		})
	}
}

// inputTypes are the event types of an input without streams. An unknown name is kept: the input rejects it.
func inputTypes(unit *proto.UnitExpectedConfig) []string {
	var names []string
	for _, v := range typeList(unit.GetSource().AsMap()[settingTypes]) {
		if name, ok := v.(string); ok && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if m, ok := moduleOf(unit.GetDataStream().GetDataset()); ok && len(names) == 0 {
		names = []string{m.Name}
	}
	if len(names) == 0 {
		for _, m := range module.All() {
			names = append(names, m.Name)
		}
	}
	return names
}

// typeList are event types as a policy has them: a single one need not be in a
// list. nil is an empty list.
func typeList(value any) []any {
	switch v := value.(type) {
	case []any:
		return v
	case string:
		return []any{v}
	default:
		return nil
	}
}

// datasetOf is the dataset of an event type; also of a wrong one, for the message.
func datasetOf(name string) string {
	if m, ok := module.ByName(name); ok {
		return m.Dataset
	}
	return name
}

func moduleOf(dataset string) (module.Module, bool) {
	for _, m := range module.All() {
		if m.Dataset == dataset {
			return m, true
		}
	}
	return module.Module{}, false
}

// toInputs turns an input of a policy into configurations of ours, one a
// stream and in the order of the streams: Elastic Agent's status reporters go by
// the index. A wrong setting does not cause an error here, which would fail every unit:
// the input reports it.
func toInputs(policy *proto.UnitExpectedConfig, info *client.AgentInfo) ([]*reload.ConfigWithMeta, error) {
	unit, ok := gproto.Clone(policy).(*proto.UnitExpectedConfig)
	if !ok {
		return nil, errors.New("the unit has no configuration") // cannot be: it is a clone
	}
	addStreams(unit)
	common := inputSettings(unit)
	single := make([]bool, len(unit.GetStreams())) // events go to the stream's own dataset
	for i, stream := range unit.GetStreams() {
		settings := streamSettings(common, unit, stream)
		single[i] = dataset(unit, stream) != ""
		source, err := structpb.NewStruct(settings)
		if err != nil {
			return nil, fmt.Errorf("stream %q: %w", stream.GetId(), err) // cannot be: it was made of one
		}
		stream.Source = source
	}
	inputs, err := management.CreateInputsFromStreams(unit, dataStreamType, info)
	if err != nil {
		return nil, err
	}
	list := make([]*reload.ConfigWithMeta, len(inputs))
	for i, input := range inputs {
		if _, custom := unit.GetStreams()[i].GetSource().AsMap()[settingIndex]; !single[i] {
			keepDatasets(input, custom)
		}
		list[i] = &reload.ConfigWithMeta{Config: inputConfig(input)}
	}
	return list, nil
}

// streamKeys are keys that each stream has for itself or that libbeat adds to it.
var streamKeys = []string{settingID, "type", "enabled", settingProcs}

// inputSettings are the settings that the streams of an input share.
func inputSettings(unit *proto.UnitExpectedConfig) mapstr.M {
	settings := unit.GetSource().AsMap()
	for _, key := range slices.Concat(config.PolicyKeys(), streamKeys) {
		delete(settings, key)
	}
	return nested(settings)
}

// streamSettings are the settings of one stream; what stands on the stream wins.
// It completes the dataset of a stream that names one event type and no dataset.
func streamSettings(common mapstr.M, unit *proto.UnitExpectedConfig, stream *proto.Stream) map[string]any {
	own := nested(stream.GetSource().AsMap())
	delete(own, settingStreamDS)
	settings := common.Clone()
	if own[settingToken] != nil || own[settingFile] != nil {
		delete(settings, settingToken)
		delete(settings, settingFile)
	}
	types := eventTypes(own, settings, unit, stream)
	settings.DeepUpdate(own)
	if types != nil {
		settings[settingTypes] = types
	}
	if len(types) == 1 && dataset(unit, stream) == "" {
		name, _ := types[0].(string)
		stream.DataStream = &proto.DataStream{
			Type:      stream.GetDataStream().GetType(),
			Dataset:   datasetOf(name),
			Namespace: stream.GetDataStream().GetNamespace(),
		}
	}
	settings["type"] = inputType
	settings[settingID] = streamID(unit, stream)
	settings["namespace"] = namespace(unit, stream)
	return plain(settings)
}

// eventTypes are those of a stream: its own, or that of its dataset, or the
// input's; nil is all.
func eventTypes(own, common mapstr.M, unit *proto.UnitExpectedConfig, stream *proto.Stream) []any {
	if list, ok := own[settingTypes]; ok {
		types, ok := list.([]any)
		if !ok {
			return []any{list} // the input says what is wrong with it
		}
		return types
	}
	name := dataset(unit, stream)
	if d := stream.GetDataStream().GetDataset(); d != "" {
		name = d
	}
	if m, ok := moduleOf(name); ok {
		return []any{m.Name}
	}
	if types := typeList(common[settingTypes]); types != nil {
		return types
	}
	if name != "" {
		return []any{name} // no event type: the input says which there are
	}
	return nil
}

// streamID is the id of a stream's input, under which its cursors are stored: the
// stream's in the policy, which neither a revision nor an upgrade changes.
func streamID(unit *proto.UnitExpectedConfig, stream *proto.Stream) string {
	if id := stream.GetId(); id != "" {
		return id
	}
	if m, ok := moduleOf(stream.GetDataStream().GetDataset()); ok {
		return unit.GetId() + "-" + m.Name
	}
	return unit.GetId()
}

// dataset of a stream as management resolves it; "" if none is set.
func dataset(unit *proto.UnitExpectedConfig, stream *proto.Stream) string {
	if d := unit.GetDataStream().GetDataset(); d != "" && d != management.DefaultDatasetName {
		return d
	}
	return stream.GetDataStream().GetDataset()
}

// namespace of a stream as management resolves it.
func namespace(unit *proto.UnitExpectedConfig, stream *proto.Stream) string {
	if ns := unit.GetDataStream().GetNamespace(); ns != "" && ns != management.DefaultNamespaceName {
		return ns
	}
	if ns := stream.GetDataStream().GetNamespace(); ns != "" {
		return ns
	}
	return management.DefaultNamespaceName
}

// keepDatasets removes the index and the processors that would send events of several event types to the dataset
// "generic", if the policy names none.
func keepDatasets(input map[string]any, customIndex bool) {
	if !customIndex {
		delete(input, settingIndex)
	}
	procs, _ := input[settingProcs].([]any)
	input[settingProcs] = slices.DeleteFunc(procs, func(p any) bool {
		made, _ := p.(mapstr.M) // the policy's own are plain maps
		add, _ := made["add_fields"].(mapstr.M)
		return add["target"] == settingStreamDS || add["target"] == "event"
	})
}

// inputConfig makes a configuration. Settings that cannot be read, or do not make
// an input, become an input that reports this error.
func inputConfig(input map[string]any) *conf.C {
	c, wrong := readable(input)
	switch {
	case wrong != "":
		wrong += ": unresolved or malformed variable; correct it in the policy or remove it"
	case empty(input[settingToken]) && empty(input[settingFile]):
		wrong = settingToken + ": it is missing; put the token of an Events Reporting integration there, or name a file that holds it in " + settingFile
	default:
		return c
	}
	return conf.MustNewConfigFrom(map[string]any{
		"type":             inputType,
		settingID:          strings.ReplaceAll(fmt.Sprint(input[settingID]), "$", "_"),
		config.PolicyError: wrong,
	})
}

func empty(v any) bool { return v == nil || v == "" }

// readable returns the configuration that settings are, or the key that can't be
// read. What go-ucfg says of it is left out: it names no key, or could hold a value.
func readable(settings map[string]any) (c *conf.C, wrong string) {
	read := func(part map[string]any) (*conf.C, error) {
		c, err := conf.NewConfigFrom(part)
		if err != nil {
			return nil, err
		}
		return c, c.Unpack(&map[string]any{})
	}
	c, err := read(settings)
	if err == nil {
		return c, ""
	}
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		if _, err := read(map[string]any{key: settings[key]}); err != nil {
			return nil, strings.ReplaceAll(key, "$", "_")
		}
	}
	return nil, "the input" // cannot be: one of its settings is the cause
}

// nested spreads dotted keys, so that they merge with nested ones.
func nested(settings map[string]any) mapstr.M {
	m := mapstr.M{}
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		value := settings[key]
		if sub, ok := value.(map[string]any); ok && key != "fields" {
			value = nested(sub)
		}
		if _, err := m.Put(key, value); err != nil {
			m[key] = value
		}
	}
	return m
}

// plain is the opposite of mapstr: structpb knows plain maps only.
func plain(m mapstr.M) map[string]any {
	out := make(map[string]any, len(m))
	for key, value := range m {
		switch v := value.(type) {
		case mapstr.M:
			out[key] = plain(v)
		default:
			out[key] = v
		}
	}
	return out
}
