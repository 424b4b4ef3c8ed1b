// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What a receiver took.

package receivertest

import (
	"encoding/json"
	"sync"
)

// Event is an event as a receiver got it.
type Event struct {
	ID        string          // @metadata._id
	Key       string          // Kafka: the record's key
	Partition int32           // Kafka: the record's partition
	Raw       json.RawMessage // the event, in JSON
}

// NewEvent reads an event's id. An event without one, or that is not JSON, has "".
func NewEvent(key string, raw []byte) Event {
	var e struct {
		Meta struct {
			ID string `json:"_id"`
		} `json:"@metadata"`
	}
	_ = json.Unmarshal(raw, &e) // see above
	return Event{ID: e.Meta.ID, Key: key, Raw: append(json.RawMessage(nil), raw...)}
}

// inbox collects events. It is safe for concurrent use.
type inbox struct {
	mu     sync.Mutex
	events []Event
}

func (b *inbox) add(events ...Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events = append(b.events, events...)
}

// Events returns what was taken so far, repeats included, oldest first.
func (b *inbox) Events() []Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.events[:len(b.events):len(b.events)]
}

// Len is the number of events so far, repeats included.
func (b *inbox) Len() int { return len(b.Events()) }
