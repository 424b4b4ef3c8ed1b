// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

//go:build unix && !linux

// Children on the other Unixes.

package main

import "syscall"

func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
