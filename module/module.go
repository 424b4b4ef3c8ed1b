// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package module lists the event types of the 1Password Events API. Each has a folder of its own with its
// descriptor, its mapping to the Elastic Common Schema, its fields and its test data; a new event type is one more
// folder and one more line in this file.
package module

import (
	"onepasswordbeat/module/auditevents"
	"onepasswordbeat/module/internal/ecs"
	"onepasswordbeat/module/itemusages"
	"onepasswordbeat/module/signinattempts"
)

// Module describes one event type: its names and its mapping.
type Module = ecs.Module

// All returns the event types, in the order in which they are documented.
func All() []Module {
	return []Module{auditevents.Module, itemusages.Module, signinattempts.Module}
}

// ByName finds an event type by its Name.
func ByName(name string) (Module, bool) {
	for _, m := range All() {
		if m.Name == name {
			return m, true
		}
	}
	return Module{}, false
}

// Shared is what the mappings of all event types go by, besides each one's Schema.
type Shared = ecs.Shared

// SharedTables returns the tables and limits that all mappings share.
func SharedTables() Shared { return ecs.SharedTables() }

// Key is a known key of an item, as the mappings declare it.
type Key struct {
	Kind  string         // what its value must be, as a part of a sentence: "a string", "an object"
	Value string         // what the mappings call the value, or ""
	Moved bool           // whether the value does not stay in the document
	As    string         // the key under which it stays
	Path  string         // the key's path, joined by "_"
	Keys  map[string]Key // of an object
}

// Keys returns a module's known keys by name.
func Keys(m Module) map[string]Key { return keys(m.Schema) }

func keys(schema ecs.Schema) map[string]Key {
	if schema == nil {
		return nil
	}
	all := make(map[string]Key, len(schema))
	for name, f := range schema {
		all[name] = Key{Kind: f.Kind.String(), Value: ecs.SlotName(f.Slot), Moved: f.Moved, As: f.As, Path: f.Path(), Keys: keys(f.Object)}
	}
	return all
}
