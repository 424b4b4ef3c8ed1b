// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

// A full disk needs a mount, which these tests know for Linux only.

package faults

func fullRegistry() scenario {
	return scenario{
		prepare: func(s *scene) { s.t.Skip("SKIP: a full disk is tested on Linux only") },
		strike:  func(*scene) {},
	}
}
