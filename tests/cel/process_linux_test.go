// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A process dies with its test.

package cel

import "syscall"

func dieWithTest() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
