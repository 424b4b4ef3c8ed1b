// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// An engine's life: a directory of its own, a process that is found ready, and the end of both.

package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	startTimeout = 2 * time.Minute
	pollInterval = 50 * time.Millisecond
)

// HealthPath is what an engine is asked for until it is Healthy: whether it has all primary shards.
const HealthPath = "/_cluster/health?wait_for_status=yellow&timeout=5s"

// Healthy is nil for an answer to HealthPath that tells of a node that is ready.
func Healthy(status int, body []byte, err error) error {
	if err == nil && status == http.StatusOK {
		return nil
	}
	return fmt.Errorf("its health: status %d, %s, %v", status, body, err) //nolint:errorlint // shown, not looked at
}

// Server is an engine's process in a directory of its own. Its log is the file node.log there, through all starts.
type Server struct {
	Name string // with the release, for messages
	Dir  string
	Proc *Process // nil before the first start
}

// NewServer makes the server's directory, with others in it.
func NewServer(name string, folders ...string) (*Server, error) {
	dir, err := os.MkdirTemp("", "engine-")
	if err != nil {
		return nil, err
	}
	s := &Server{Name: name, Dir: dir}
	for _, folder := range folders {
		if err := os.Mkdir(s.Path(folder), 0o700); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

// Path is a path below the directory.
func (s *Server) Path(elem ...string) string {
	return filepath.Join(append([]string{s.Dir}, elem...)...)
}

// ports is where both engines write their HTTP address, if told to (node.portsfile), with logs below logs.
func (s *Server) ports() string { return s.Path("logs", "http.ports") }

// Launch starts cmd in the directory, as another user unless that is nil, and returns when health finds the engine ready at its address (host:port). The context ends the
// wait, not the engine. An error ends with the log's last lines.
func (s *Server) Launch(ctx context.Context, cmd *exec.Cmd, as *Owner, health func(ctx context.Context, address string) error) error {
	if err := os.Remove(s.ports()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return s.LaunchAt(ctx, cmd, as, func(ctx context.Context) error {
		ports, err := os.ReadFile(s.ports())
		address, _, complete := strings.Cut(string(ports), "\n")
		if err != nil || !complete {
			return errors.New("it has not opened its port")
		}
		return health(ctx, address)
	})
}

// LaunchAt is Launch for a server whose address was chosen before.
func (s *Server) LaunchAt(ctx context.Context, cmd *exec.Cmd, as *Owner, health func(ctx context.Context) error) error {
	log, err := os.OpenFile(s.Path("node.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.Dir, log, log
	proc, err := StartProcess(cmd, as)
	if err != nil {
		return fmt.Errorf("starting %s: %w", s.Name, err)
	}
	s.Proc = proc
	if err := s.awaitReady(ctx, health); err != nil {
		return s.Explain(err)
	}
	return nil
}

// awaitReady waits until the engine is healthy, or has ended.
func (s *Server) awaitReady(ctx context.Context, health func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for last := errors.New("it was not asked yet"); ; {
		select {
		case <-s.Proc.Done:
			return fmt.Errorf("the test node ended while it started: %w", s.Proc.Err)
		case <-ctx.Done():
			return fmt.Errorf("the test node was not ready in time, %w: %w", last, ctx.Err())
		case <-tick.C:
		}
		if last = health(ctx); last == nil {
			return nil
		}
	}
}

// Log is all that the engine has written to its log.
func (s *Server) Log() string {
	text, err := os.ReadFile(s.Path("node.log"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// Explain adds to an error what the reader needs to see of the engine.
func (s *Server) Explain(err error) error { return fmt.Errorf("%w\n%s", err, s.describe()) }

// describe says in which state the engine is, with the end of its log.
func (s *Server) describe() string {
	state := "was not started"
	switch {
	case s.Proc == nil:
	case s.Proc.Running():
		state = fmt.Sprintf("is running as process %d", s.Proc.PID)
	default:
		state = fmt.Sprintf("has ended: %v", s.Proc.Err)
	}
	return fmt.Sprintf("%s %s; the end of its log:\n%s", s.Name, state, LastLines(s.Log(), 25))
}

// EndWith has close called at the end of a test, which shows the log's end if it failed.
func (s *Server) EndWith(t testing.TB, closeNode func() error) {
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(s.describe())
		}
		if err := closeNode(); err != nil {
			t.Error(err)
		}
	})
}

// Close kills the engine and removes the directory. It may be called twice.
func (s *Server) Close() error {
	var err error
	if s.Proc != nil {
		err = s.Proc.Kill()
	}
	return errors.Join(err, os.RemoveAll(s.Dir))
}
