// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Children on Windows: Ctrl-C reaches them through the console, and there is no other
// way to ask them to end.

package main

import (
	"os"
	"syscall"
)

func ownGroup() *syscall.SysProcAttr { return nil }

func interrupt(p *os.Process) error { return p.Kill() }
