// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package beater

// dropPages does nothing: this is done on Linux only.
func dropPages() error { return nil }
