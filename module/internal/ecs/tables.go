// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The tables and limits that all mappings share, for programs that do the same elsewhere.

package ecs

import (
	"maps"
	"slices"

	"onepasswordbeat/module/internal/decode"
)

// Shared is what the mappings of all event types go by, besides each one's Schema. It is a copy.
type Shared struct {
	ECSVersion   string
	MaxID        int               // the longest _id in bytes
	MaxDepth     int               // how deep objects and arrays may nest; deeper ones are kept as JSON text
	Countries    map[string]string // codes by what a country may be called, in lower case
	CountryNames map[string]string // by code
	DeviceApps   []string          // apps whose platform_name is a machine's name
	OSTypes      [][2]string       // beginnings of an os_name, in lower case, and the ECS os.type of each; the first that fits counts
}

// SharedTables returns the tables.
func SharedTables() Shared {
	s := Shared{
		ECSVersion: Version, MaxID: MaxID, MaxDepth: decode.MaxDepth,
		Countries: map[string]string{}, CountryNames: map[string]string{},
		DeviceApps: slices.Sorted(maps.Keys(deviceApps)),
	}
	for called, c := range countries {
		code, _ := c.code.(string)
		s.Countries[called] = code
		s.CountryNames[code], _ = c.name.(string)
	}
	for _, t := range osTypes {
		s.OSTypes = append(s.OSTypes, [2]string{t.prefix, t.kind})
	}
	return s
}

// SlotName names a value that the mappings look at, such as "user_id"; the slot 0 has none.
func SlotName(s decode.Slot) string { return slotNames[s] }
