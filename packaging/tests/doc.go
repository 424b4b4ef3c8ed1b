// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package tests installs and uses what the packager makes, as an operator would.
package tests
