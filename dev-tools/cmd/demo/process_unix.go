// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

//go:build unix

// Stopping a child on Unix.

package main

import (
	"os"
	"syscall"
)

func interrupt(p *os.Process) error { return p.Signal(syscall.SIGTERM) }
