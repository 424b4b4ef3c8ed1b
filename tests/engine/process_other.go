// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

// Elsewhere an engine is not started, as nothing would end it with the test's process.

package engine

import (
	"errors"
	"os/exec"
	"time"
)

// Process is a child with its descendants.
type Process struct {
	PID  int
	Done chan struct{}
	Err  error
}

// Owner is the user that an engine runs as when the test itself is root's.
type Owner struct{ UID, GID uint32 }

func supported(name string) error {
	return &MissingError{Engine: name, What: "test engines run on Linux only"}
}

// Unprivileged fails with a *MissingError.
func Unprivileged(name string) (*Owner, error) { return nil, supported(name) }

// Give does nothing.
func (o *Owner) Give(string) error { return nil }

// StartProcess fails.
func StartProcess(*exec.Cmd, *Owner) (*Process, error) { return nil, errors.ErrUnsupported }

// Running is false.
func (p *Process) Running() bool { return false }

// Kill does nothing.
func (p *Process) Kill() error { return nil }

// Terminate does nothing.
func (p *Process) Terminate(time.Duration) error { return nil }
