// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

// Elsewhere no real server is started.

package receivertest

import "testing"

func reserve(tb testing.TB) string {
	tb.Helper()
	tb.Fatal("real servers run on Linux only")
	return ""
}
