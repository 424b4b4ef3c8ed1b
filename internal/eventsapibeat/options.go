// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What to migrate.

package eventsapibeat

import "time"

// Options say what to migrate, and how.
type Options struct {
	Config   string // the old configuration file
	Home     string // the old beat's working directory; "" tries the current folder and that of Config
	Keystore string // the old keystore; "" looks in the usual places

	ID            string                               // of the first input
	TokenVariable string                               // the keystore's name for the first token
	EventTypes    []string                             // all that there are, in their order
	Overlap       func(eventType string) time.Duration // how far before the old position the new beat begins
	Since         map[string]time.Time                 // starts by event type, which win over cursors; "" is for all types without a position
	Retention     time.Duration                        // how long the API keeps events
	Now           time.Time
}
