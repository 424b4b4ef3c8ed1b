// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package hostile

import "testing"

// peakMemory is not known here.
func peakMemory(*testing.T, int) int64 { return 0 }
