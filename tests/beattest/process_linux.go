// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A child dies with the thread that started it, and is killed with its group.

package beattest

import "syscall"

func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

func killGroup(pid int) error { return syscall.Kill(-pid, syscall.SIGKILL) }
