// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

// A process dies with its test where the system can do that.

package cel

import "syscall"

func dieWithTest() *syscall.SysProcAttr { return nil }
