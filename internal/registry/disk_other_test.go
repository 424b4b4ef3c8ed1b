// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

// Where a test has no disk of its own.

package registry

import "testing"

func mountSmall(t *testing.T, _ string) { t.Skip("skipped: a disk of its own needs Linux") }

func readOnly(*testing.T, string) func() { return func() {} }
