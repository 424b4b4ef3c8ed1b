// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

// Elsewhere a child is killed in the test's cleanup only.

package beattest

import (
	"os"
	"syscall"
)

func ownGroup() *syscall.SysProcAttr { return nil }

func killGroup(pid int) error {
	p, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	return p.Kill()
}
