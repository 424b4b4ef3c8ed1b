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
