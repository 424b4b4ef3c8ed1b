// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Params: the data of the beat's mapping, as YAML.

package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"onepasswordbeat/dev-tools/generate/fields/fielddefs"
	"onepasswordbeat/module"
	"onepasswordbeat/module/auditevents"
	"onepasswordbeat/module/itemusages"
	"onepasswordbeat/module/signinattempts"
)

// tables returns what pipeline.yml may name, by name.
func tables(m module.Module, set *fielddefs.Set) (map[string]*yaml.Node, error) {
	shared := module.SharedTables()
	params := map[string]*yaml.Node{
		"dataset":       plain(m.Dataset),
		"ecs_version":   quoted(shared.ECSVersion),
		"max_id":        number(shared.MaxID),
		"max_depth":     number(shared.MaxDepth),
		"objects":       flow(list(objects(set, m))),
		"schema":        schema(module.Keys(m)),
		"countries":     flow(texts(shared.Countries)),
		"country_names": flow(texts(shared.CountryNames)),
		"folds":         flow(texts(shared.Folds)),
		"same_words":    flow(texts(shared.SameWords)),
	}
	own := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	add := func(name string, value *yaml.Node) { own.Content = append(own.Content, plain(name), value) }
	if m.Name != auditevents.Module.Name { // which have no client
		add("device_apps", flow(list(shared.DeviceApps)))
		add("os_names", flow(texts(shared.OSNames)))
		parts := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for _, t := range shared.OSParts {
			parts.Content = append(parts.Content, list(t[:]))
		}
		add("os_parts", flow(parts))
	}
	switch m.Name {
	case auditevents.Module.Name:
		add("actions", auditActions())
		add("verbs", object(auditevents.Values.Verbs, quoted))
		add("object_types", object(auditevents.Values.Types, func(t *auditevents.ObjectType) *yaml.Node {
			return fields("name", quoted(t.Name), "object", text(string(t.Object)), "aux", text(string(t.Aux)), "info", text(string(t.Info)))
		}))
	case itemusages.Module.Name:
		add("no_action", plain(itemusages.NoAction))
		add("actions", object(itemusages.Actions, func(a itemusages.Action) *yaml.Node {
			return fields("name", quoted(a.Name), "category", list(a.Category), "type", list(a.Type))
		}))
	case signinattempts.Module.Name:
		add("categories", object(signinattempts.Outcomes.Categories, func(c signinattempts.Category) *yaml.Node {
			return fields("outcome", text(c.Outcome), "check", text(c.Check), "ending", text(c.Ending))
		}))
		add("types", object(signinattempts.Outcomes.Types, quoted))
	default:
		return nil, fmt.Errorf("no tables are known for %s", m.Name)
	}
	params["tables"] = own
	return params, nil
}

// auditActions is the action table, by type of object and then by action.
func auditActions() *yaml.Node {
	byType := map[string]map[string]*auditevents.Action{}
	for pair, action := range auditevents.Actions {
		if byType[pair.ObjectType] == nil {
			byType[pair.ObjectType] = map[string]*auditevents.Action{}
		}
		byType[pair.ObjectType][pair.Action] = action
	}
	return object(byType, func(actions map[string]*auditevents.Action) *yaml.Node {
		return object(actions, func(a *auditevents.Action) *yaml.Node {
			return fields("name", quoted(a.Name), "category", list(a.Category), "type", list(a.Type),
				"object", text(string(a.Object)), "aux", text(string(a.Aux)), "info", text(string(a.Info)), "grants", boolean(a.Grants))
		})
	})
}

// objects are the fields of the top level that are objects, after the definitions: an event type's and the common ones.
func objects(set *fielddefs.Set, m module.Module) []string {
	names := map[string]bool{}
	for _, f := range set.Fields {
		if !slices.Contains(f.Owners, m.Name) && !slices.Contains(f.Owners, fielddefs.Common) {
			continue
		}
		if parent, _, nested := strings.Cut(f.Name, "."); nested || f.Type == "object" {
			names[parent] = true
		}
	}
	delete(names, "onepassword") // what it was is replaced
	return slices.Sorted(maps.Keys(names))
}

// schema says what the keys of an object are. What is left out: a string, not looked at, staying under its own key.
func schema(keys map[string]module.Key) *yaml.Node {
	n := object(keys, func(k module.Key) *yaml.Node { return nil })
	for i := 0; i < len(n.Content); i += 2 {
		name := n.Content[i].Value
		n.Content[i+1] = schemaOf(name, keys[name])
	}
	return n
}

func schemaOf(name string, k module.Key) *yaml.Node {
	kind, path, as := k.Kind, k.Path, k.As
	if kind == "a string" {
		kind = ""
	}
	if path == name {
		path = ""
	}
	if as == name {
		as = ""
	}
	n := fields("kind", text(kind), "value", text(k.Value), "as", text(as), "path", text(path))
	if k.Moved {
		n.Content = append(n.Content, plain("moved"), boolean(true))
	}
	if k.Keys != nil {
		n.Style = 0
		n.Content = append(n.Content, plain("keys"), schema(k.Keys))
	}
	return n
}

// Nodes. Strings of tables are quoted, so that no reader of YAML takes NO for a boolean.

func plain(s string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
}

func quoted(s string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle, Value: s}
}

// text is nil for an empty string, which fields leaves out.
func text(s string) *yaml.Node {
	if s == "" {
		return nil
	}
	return quoted(s)
}

// boolean is nil for false, which fields leaves out.
func boolean(b bool) *yaml.Node {
	if !b {
		return nil
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: "true"}
}

func number(n int) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: fmt.Sprint(n)}
}

func list(values []string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Style: yaml.FlowStyle}
	for _, v := range values {
		n.Content = append(n.Content, quoted(v))
	}
	return n
}

func flow(n *yaml.Node) *yaml.Node {
	n.Style = yaml.FlowStyle
	return n
}

func texts(m map[string]string) *yaml.Node { return object(m, quoted) }

// object is a map by its sorted keys.
func object[K cmp.Ordered, V any](m map[K]V, value func(V) *yaml.Node) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		n.Content = append(n.Content, quoted(fmt.Sprint(key)), value(m[key]))
	}
	return n
}

// fields is a map in one line, of names and values; those without a value are left out.
func fields(namesAndValues ...any) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Style: yaml.FlowStyle}
	for i := 0; i < len(namesAndValues); i += 2 {
		name, _ := namesAndValues[i].(string)
		if value, _ := namesAndValues[i+1].(*yaml.Node); value != nil {
			n.Content = append(n.Content, plain(name), value)
		}
	}
	return n
}
