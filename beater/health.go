// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// From the event types' health to the input's.

package beater

import (
	"slices"
	"strings"
	"sync"

	"github.com/elastic/beats/v7/libbeat/management/status"
)

// inputHealth is the worst of its event types' health, with every message.
type inputHealth struct {
	reporter status.StatusReporter

	mu       sync.Mutex
	types    map[string]typeHealth
	reported typeHealth
}

type typeHealth struct {
	state status.Status
	msg   string
}

// severity orders states: the input shows the worst.
var severity = []status.Status{status.Running, status.Starting, status.Configuring, status.Degraded, status.Failed}

func newInputHealth(r status.StatusReporter) *inputHealth {
	return &inputHealth{reporter: r, types: map[string]typeHealth{}}
}

// of returns what reports the health of one event type.
func (h *inputHealth) of(eventType string) func(status.Status, string) {
	return func(state status.Status, msg string) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.types[eventType] = typeHealth{state, msg}
		h.report(h.worst())
	}
}

// report passes a change on. libbeat sends a stream's new message to Elastic Agent only together with a new state, so
// that a message in the same state is preceded by another state.
func (h *inputHealth) report(state status.Status, msg string) {
	now := typeHealth{state, msg}
	if now == h.reported {
		return
	}
	if state == h.reported.state {
		h.reporter.UpdateStatus(status.Configuring, msg)
	}
	h.reported = now
	h.reporter.UpdateStatus(state, msg)
}

func (h *inputHealth) worst() (status.Status, string) {
	worst := status.Running
	var msgs []string
	for name, t := range h.types {
		if slices.Index(severity, t.state) > slices.Index(severity, worst) {
			worst = t.state
		}
		if t.msg != "" {
			msgs = append(msgs, name+": "+t.msg)
		}
	}
	slices.Sort(msgs)
	return worst, strings.Join(msgs, "; ")
}
