// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

// Elsewhere memory and idle CPU time are not measured.

package main

import "time"

// memory of a process, in bytes.
type memory struct{ peak, now, anon int64 }

func memoryOf(int) (memory, bool)     { return memory{}, false }
func cpuOf(int) (time.Duration, bool) { return 0, false }
