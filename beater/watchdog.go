// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The end of a stop that hangs.

package beater

import (
	"bytes"
	"errors"
	"fmt"
	"runtime/pprof"
	"sync"
	"time"

	"github.com/elastic/elastic-agent-libs/logp"
)

const (
	// stopSlack is how much longer than shutdown_timeout a stop may take: connections, the registry and the output close.
	stopSlack = 5 * time.Second
	// maxStacks is how much is logged of where a stop hangs.
	maxStacks = 16 << 10
)

// watchdog ends a stop that hangs. Nothing is lost: each cursor is behind delivery at any moment.
type watchdog struct {
	log     *logp.Logger
	timeout time.Duration // of the whole stop
	running func() string // the event types that have not stopped

	mu    sync.Mutex
	stage string
}

// run runs the steps of a stop, one after the other. When the time is up it logs where the stop hangs and returns
// an error; the rest is left to the end of the process.
func (w *watchdog) run(steps ...step) error {
	done := make(chan error, 1)
	go func() {
		var errs []error
		for _, s := range steps {
			w.enter(s.name)
			errs = append(errs, s.do())
		}
		done <- errors.Join(errs...)
	}()
	timer := time.NewTimer(w.timeout)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
	}
	stage := w.current()
	w.log.Errorw("the stop hangs and is ended; no event is lost, what was in flight is sent again after the next start",
		"stage", stage, "event_types", w.running(), "after", w.timeout.String(), "goroutines", stacks())
	return fmt.Errorf("the stop did not end within %s: it hangs while %s", w.timeout, stage)
}

// step is a part of a stop.
type step struct {
	name string // "the inputs stop"
	do   func() error
}

func (w *watchdog) enter(stage string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stage = stage
}

func (w *watchdog) current() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stage
}

// stacks is where all goroutines are: names of functions and lines, no values.
func stacks() string {
	var b bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&b, 1); err != nil {
		return err.Error()
	}
	return string(b.Bytes()[:min(b.Len(), maxStacks)])
}
