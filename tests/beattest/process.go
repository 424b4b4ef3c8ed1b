// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A running beat.

package beattest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// tailLines is how much of its log a beat of a failed test prints.
const tailLines = 40

// stackTimeout is how long a process may take to print its goroutines.
const stackTimeout = 5 * time.Second

// Beat is a process of the beat.
type Beat struct {
	Home *Home
	Log  *Log

	tb   testing.TB
	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended
}

// Start runs the beat with -e, so that its log goes to Log. args are added.
func (h *Home) Start(args ...string) *Beat {
	h.tb.Helper()
	return h.start(append([]string{"-e"}, args...))
}

// StartQuiet runs the beat without -e: it logs to files in its home, and Log
// holds only what it prints.
func (h *Home) StartQuiet(args ...string) *Beat {
	h.tb.Helper()
	return h.start(args)
}

func (h *Home) start(args []string) *Beat {
	h.tb.Helper()
	h.runs++
	stdout, err := os.OpenFile(h.Path(stdoutName), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		h.tb.Fatal(err)
	}
	defer func() { _ = stdout.Close() }()
	b := &Beat{Home: h, Log: &Log{}, tb: h.tb, done: make(chan struct{})}
	b.cmd = exec.Command(h.binary, h.arguments(append([]string{"run"}, args...))...) //nolint:noctx // ended by Cleanup
	b.cmd.SysProcAttr = ownGroup()
	b.cmd.Dir, b.cmd.Env = h.Dir, h.environment()
	b.cmd.Stdout, b.cmd.Stderr = stdout, b.Log
	if h.Stdin != nil {
		b.cmd.Stdin = bytes.NewReader(h.Stdin)
	}
	started := make(chan error)
	go b.run(started)
	if err := <-started; err != nil {
		h.tb.Fatalf("start the beat: %v", err)
	}
	run := h.runs
	h.tb.Cleanup(func() {
		b.Kill()
		if h.tb.Failed() {
			h.tb.Logf("log of run %d, its last lines:\n%s", run, b.Log.Tail(tailLines))
		}
	})
	return b
}

// run starts the process and waits for its end in one thread: the kernel kills
// it when the thread that started it ends.
func (b *Beat) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := b.cmd.Start()
	started <- err
	if err == nil {
		_ = b.cmd.Wait() // ExitCode tells
		close(b.done)
	}
}

// Done is closed when the process has ended.
func (b *Beat) Done() <-chan struct{} { return b.done }

// Running tells whether the process is there.
func (b *Beat) Running() bool {
	select {
	case <-b.done:
		return false
	default:
		return true
	}
}

// PID is the id of the process.
func (b *Beat) PID() int { return b.cmd.Process.Pid }

// Kill ends the process as a power cut does, and waits for its end.
func (b *Beat) Kill() {
	if !b.Running() {
		return
	}
	_ = killGroup(b.PID()) // it may have ended meanwhile
	<-b.done
}

// Terminate asks the process to end, and returns its exit code and how long it
// took. It must not take longer than most.
func (b *Beat) Terminate(most time.Duration) (code int, took time.Duration) {
	b.tb.Helper()
	start := time.Now()
	if err := b.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		b.tb.Fatalf("SIGTERM: %v", err)
	}
	code = b.Wait(most)
	return code, time.Since(start)
}

// Wait returns the exit code of a process that ends on its own within most.
func (b *Beat) Wait(most time.Duration) int {
	b.tb.Helper()
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-b.done:
		return b.cmd.ProcessState.ExitCode()
	case <-timer.C:
		b.tb.Fatalf("the beat did not end within %s; its goroutines:\n%s", most, b.goroutines())
		return -1
	}
}

// goroutines ends the process in the way in which it prints its stacks.
func (b *Beat) goroutines() string {
	first := b.Log.Len()
	_ = b.cmd.Process.Signal(syscall.SIGQUIT) // it may have ended meanwhile
	timer := time.NewTimer(stackTimeout)
	defer timer.Stop()
	select {
	case <-b.done:
	case <-timer.C:
		b.Kill()
	}
	var stacks strings.Builder
	for _, line := range b.Log.Lines()[first:] {
		if line.Fields == nil {
			fmt.Fprintln(&stacks, line.Raw)
		}
	}
	return stacks.String()
}

// Until waits for a condition as the function Until does, and fails at once when
// the process ends meanwhile.
func (b *Beat) Until(most time.Duration, what string, condition func() bool) {
	b.tb.Helper()
	ended := false
	Until(b.tb, most, what, func() bool {
		running := b.Running() // before the condition: it may have come true in the last moment
		if condition() {
			return true
		}
		ended = !running
		return ended
	})
	if ended {
		b.tb.Fatalf("the beat ended with exit code %d while the test waited for: %s", b.cmd.ProcessState.ExitCode(), what)
	}
}

// WaitLog waits for a log line that contains a text, and returns it.
func (b *Beat) WaitLog(text string, most time.Duration) Line {
	b.tb.Helper()
	return b.WaitLogAfter(0, text, most)
}

// WaitLogAfter is WaitLog for the lines from number first on.
func (b *Beat) WaitLogAfter(first int, text string, most time.Duration) (found Line) {
	b.tb.Helper()
	b.Until(most, fmt.Sprintf("a log line with %q", text), func() bool {
		line, ok := b.Log.Find(first, text)
		found = line
		return ok
	})
	return found
}
