// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The health of one event type, reported when it changes.

package harvester

import (
	"github.com/elastic/beats/v7/libbeat/management/status"
	"github.com/elastic/elastic-agent-libs/logp"
)

// health reports changes of state to Elastic Agent and to the log: a state or a
// message that is the same as before is not reported again.
type health struct {
	report func(status.Status, string)
	log    *logp.Logger
	state  status.Status
	msg    string
}

func newHealth(report func(status.Status, string), log *logp.Logger) *health {
	return &health{report: report, log: log, state: status.Unknown}
}

func (h *health) starting()           { h.set(status.Starting, "") }
func (h *health) running()            { h.set(status.Running, "") }
func (h *health) degraded(msg string) { h.set(status.Degraded, msg) }
func (h *health) failed(msg string)   { h.set(status.Failed, msg) }

func (h *health) set(state status.Status, msg string) {
	if state == h.state && msg == h.msg {
		return
	}
	switch state {
	case status.Failed:
		h.log.Errorw("Failed: " + msg)
	case status.Degraded:
		h.log.Warnw("Degraded: " + msg)
	case status.Running:
		h.log.Info("Running")
	default:
		h.log.Info(state.String())
	}
	h.state, h.msg = state, msg
	h.report(state, msg)
}
