// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The health of one event type, reported when it changes.

package harvester

import (
	"github.com/elastic/beats/v7/libbeat/management/status"

	"onepasswordbeat/internal/safetext"
)

// Classes of log messages.
const (
	logAPI      = "api"      // a failed request, by the class of its error
	logOutput   = "output"   // the output confirms or accepts nothing
	logContent  = "content"  // events that can't be mapped, or that the output rejected
	logRegistry = "registry" // a state that can't be loaded or stored
	logCursor   = "cursor"   // a rejected cursor
	logClock    = "clock"    // a clock that differs from the server's
	logRunning  = "running"
)

// health reports changes of state to Elastic Agent and to the log: a state or a
// message that is the same as before is not reported again. The log has a limit per class.
type health struct {
	report func(status.Status, string)
	log    *limitedLog
	state  status.Status
	msg    string
}

func newHealth(report func(status.Status, string), log *limitedLog) *health {
	return &health{report: report, log: log, state: status.Unknown}
}

func (h *health) starting()                  { h.set(status.Starting, "", "") }
func (h *health) running()                   { h.set(status.Running, logRunning, "") }
func (h *health) degraded(class, msg string) { h.set(status.Degraded, class, msg) }
func (h *health) failed(class, msg string)   { h.set(status.Failed, class, msg) }

// set shows what an old registry, a server or an output said as one printable line.
func (h *health) set(state status.Status, class, msg string) {
	msg = safetext.Line(msg)
	if state == h.state && msg == h.msg {
		return
	}
	switch state {
	case status.Failed:
		h.log.errorw("failed "+class, "Failed: "+msg)
	case status.Degraded:
		h.log.warnw("degraded "+class, "Degraded: "+msg)
	case status.Running:
		h.log.log(h.log.Infow, class, "Running", nil)
	default:
		h.log.Info(state.String())
	}
	h.state, h.msg = state, msg
	h.report(state, msg)
}
