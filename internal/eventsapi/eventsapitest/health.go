// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What a script may ask the simulator about itself.

package eventsapitest

import (
	"encoding/json"
	"net/http"
)

// HealthPath answers without a token, and is neither counted nor logged.
const HealthPath = "/health"

// Health is the body of the health endpoint.
type Health struct {
	Status   string                    `json:"status"`   // "ok"
	Events   map[EventType]int         `json:"events"`   // shown by the API so far
	Served   map[EventType]int         `json:"served"`   // items in answers, repeats included
	Requests map[EventType]map[int]int `json:"requests"` // by status; 0: not answered
	Faults   map[string]int            `json:"faults"`
}

func (s *Simulator) health(w http.ResponseWriter) {
	stats := s.Stats()
	h := Health{Status: "ok", Events: make(map[EventType]int), Served: stats.Items, Requests: stats.Requests, Faults: stats.Faults}
	for _, t := range Types() {
		h.Events[t] = s.Total(t)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(h) // a client that left has its reasons
}
