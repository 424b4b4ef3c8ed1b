// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

// Elsewhere a node is not started, as nothing would end it with the test's process.

package estest

import (
	"errors"
	"os/exec"
	"time"
)

type process struct {
	pid  int
	done chan struct{}
	err  error
}

type owner struct{ uid, gid uint32 }

func nodeOwner() (*owner, error) { return nil, &MissingError{What: "the test node runs on Linux only"} }

func startProcess(*exec.Cmd, *owner) (*process, error) { return nil, errors.ErrUnsupported }

func (p *process) running() bool                 { return false }
func (p *process) kill() error                   { return nil }
func (p *process) terminate(time.Duration) error { return nil }
