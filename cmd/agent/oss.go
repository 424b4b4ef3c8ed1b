// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The same API for a build without Elastic Agent.

//go:build oss

package agent

// Register does nothing: libbeat's own manager, which knows no Elastic Agent, stays in use.
func Register() {}
