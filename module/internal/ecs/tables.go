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
	Countries    map[string]string // codes, by the names' keys
	CountryNames map[string]string // by code
	Folds        map[string]string // plain letters, by the characters that stand for them in names
	SameWords    map[string]string // words that are compared as another, or not at all
	DeviceApps   []string          // apps whose platform_name is a machine's name
	OSNames      map[string]string // the ECS os.type by the words that a name begins with
	OSParts      [][2]string       // parts of a name, and the ECS os.type of each; the first that fits counts
}

// SharedTables returns the tables.
func SharedTables() Shared {
	s := Shared{
		ECSVersion: Version, MaxID: MaxID, MaxDepth: decode.MaxDepth,
		Countries: map[string]string{}, CountryNames: map[string]string{}, Folds: map[string]string{},
		SameWords:  maps.Clone(sameWords),
		DeviceApps: slices.Sorted(maps.Keys(deviceApps)),
		OSNames:    maps.Clone(osNames),
		OSParts:    slices.Clone(osParts),
	}
	for key, c := range countryKeys {
		code, _ := c.code.(string)
		s.Countries[key] = code
		s.CountryNames[code], _ = c.name.(string)
	}
	for r, plain := range folds {
		s.Folds[string(r)] = plain
	}
	return s
}

// SlotName names a value that the mappings look at, such as "user_id"; the slot 0 has none.
func SlotName(s decode.Slot) string { return slotNames[s] }
