// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Children on Linux.

package main

import "syscall"

func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
