// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A child process: it never outlives the demo, and its last words are kept.

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

// command is what to start.
type command struct {
	path string
	args []string
	env  []string // besides the demo's own
	log  string   // file for its standard error
	out  io.Writer
}

// process is a child.
type process struct {
	name string
	cmd  *exec.Cmd
	log  string
	last *tail
	done chan struct{} // closed when it has ended
	err  error         // how it ended; valid then
}

// startProcess starts a child in a process group of its own: Ctrl-C is for the demo,
// which stops its children in order. Should the demo be killed, the kernel ends the
// child (Linux), or the next line that it logs does, as nobody reads it any more.
func startProcess(c command) (*process, error) {
	log, err := os.OpenFile(c.log, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	p := &process{name: filepath.Base(c.path), log: c.log, last: &tail{}, done: make(chan struct{})}
	path, err := filepath.Abs(c.path)
	if err != nil {
		return nil, err
	}
	p.cmd = exec.Command(path, c.args...) //nolint:noctx // it is stopped in an orderly way, not killed
	p.cmd.Env = append(os.Environ(), c.env...)
	p.cmd.Stdout = c.out
	p.cmd.Stderr = io.MultiWriter(log, p.last)
	p.cmd.SysProcAttr = ownGroup()
	started := make(chan error)
	go func() {
		defer func() { _ = log.Close() }()
		// Linux ends the child with the thread that started it. This one waits for it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := p.cmd.Start(); err != nil {
			started <- fmt.Errorf("%s can't be started: %w", p.name, err)
			return
		}
		started <- nil
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// failure is the error of a child that ended by itself.
func (p *process) failure() error {
	<-p.done
	how := "it ended"
	if p.err != nil {
		how = p.err.Error()
	}
	return fmt.Errorf("%s stopped: %s. The end of its log, %s:\n%s", p.name, how, p.log, p.last.text())
}

// stop asks the child to end, and kills it when that takes too long.
func (p *process) stop(patience time.Duration) error {
	select {
	case <-p.done:
		return nil // and the one who waited for it has said so
	default:
	}
	if err := interrupt(p.cmd.Process); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("%s can't be stopped: %w", p.name, err)
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-p.done:
		if code := p.cmd.ProcessState.ExitCode(); code > 0 {
			return p.failure()
		}
		return nil
	case <-timer.C:
		_ = p.cmd.Process.Kill()
		return fmt.Errorf("%s did not end within %s and was killed. %w", p.name, patience, p.failure())
	}
}

// tail keeps the last lines that were written to it.
type tail struct {
	mu   sync.Mutex
	rest []byte
}

const tailLines, tailBytes = 12, 16 << 10

// Write implements io.Writer.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rest = append(t.rest, b...)
	if over := len(t.rest) - tailBytes; over > 0 {
		t.rest = append([]byte{}, t.rest[over:]...)
	}
	return len(b), nil
}

func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := strings.Split(string(bytes.TrimSpace(t.rest)), "\n")
	if over := len(lines) - tailLines; over > 0 {
		lines = lines[over:]
	}
	for i, line := range lines {
		lines[i] = "  | " + shorten(message(line), 400)
	}
	return strings.Join(lines, "\n")
}

// message is what a line of the beat's JSON log says; other lines stay as they are.
func message(line string) string {
	var entry struct {
		Level   string `json:"log.level"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal([]byte(line), &entry); err != nil || entry.Message == "" {
		return line
	}
	return entry.Level + ": " + entry.Message
}
