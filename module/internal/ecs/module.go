// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package ecs builds Elastic Common Schema documents from the events of the 1Password Events API. It holds what the
// event types share: the descriptor of a module, and builders for users, clients, places and addresses.
package ecs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/elastic/beats/v7/libbeat/beat"

	"onepasswordbeat/module/internal/decode"
)

// Version is the ECS version that the documents follow.
const Version = "8.17.0"

// Schema lists the known keys of an object.
type Schema = decode.Schema

// Module describes one event type.
type Module struct {
	Name    string // as in configuration and metrics: "audit_events"
	Path    string // last part of the API path: "auditevents"
	Feature string // what a token must be granted: "auditevents"
	Dataset string // event.dataset and data_stream.dataset: "1password.audit_events"
	Title   string // for people: "Audit events"

	// Named is whether events have ids of vaults, groups or items, which names can be added to.
	Named bool

	// Overlap is how far before a known position collection has to begin so that no event is missed which reached the API
	// after later ones. Clients upload item usages when they are online again (Events API reference, "Item usages").
	Overlap time.Duration

	// Schema is the known keys of an item. It is read-only.
	Schema Schema

	// Map turns one item, as the API sent it, into an event. It is pure, keeps nothing of raw, and may be called
	// from any number of goroutines. The event has Timestamp, Meta["_id"] and Fields, which share no map or slice
	// with any other event.
	//
	// known is false if an action, category or type is in none of the tables; the event is complete nevertheless.
	//
	// err is not nil if raw is not a JSON object, or has no usable uuid or timestamp. The event then carries
	// Meta["_id"] and Timestamp as far as they were understood, and no fields.
	Map func(raw []byte) (ev beat.Event, known bool, err error)
}

// MustTable reads a YAML data file that is embedded in the binary. It panics if the file does not have the shape of
// T, which the tests of each module rule out.
func MustTable[T any](name string, data []byte) T {
	var table T
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(&table); err != nil && !errors.Is(err, io.EOF) {
		panic(fmt.Sprintf("embedded table %s: %v", name, err))
	}
	return table
}
