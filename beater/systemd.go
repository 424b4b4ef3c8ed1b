// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What systemd is told when it runs the beat: started, alive, stopping. Without systemd nothing happens.

package beater

import (
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/elastic/elastic-agent-libs/logp"
)

// systemd is the service manager that waits for messages at $NOTIFY_SOCKET.
type systemd struct {
	live func() []string // why the beat is not live
	log  *logp.Logger
}

// run says that the beat is ready, and from then on that it is alive as long as it is live. It ends with the call of
// stopping, which says that the beat stops; the watchdog goes on until done.
func (s systemd) run() (stopping, done func()) {
	s.notify(daemon.SdNotifyReady)
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		s.watchdog(end)
	}()
	return func() { s.notify(daemon.SdNotifyStopping) }, func() {
		close(end)
		<-ended
	}
}

// watchdog reports until end is closed, twice as often as systemd wants it.
func (s systemd) watchdog(end <-chan struct{}) {
	bound, err := daemon.SdWatchdogEnabled(false)
	if err != nil || bound <= 0 {
		if err != nil {
			s.log.Warnw("systemd's watchdog is not served, its settings are invalid", "error", err)
		}
		return
	}
	tick := time.NewTicker(bound / 2)
	defer tick.Stop()
	for {
		select {
		case <-end:
			return
		case <-tick.C:
		}
		if stuck := s.live(); len(stuck) > 0 {
			s.log.Errorw("the beat is stuck; systemd is about to restart it", "loops", stuck)
			continue
		}
		s.notify(daemon.SdNotifyWatchdog)
	}
}

func (s systemd) notify(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		s.log.Warnw("systemd could not be notified", "state", state, "error", err)
	}
}
