// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package version holds the beat's own version, and nothing else: everything
// that says which version this is (the command, the User-Agent of API requests,
// agent.version in events, package names) reads it here.
package version

// Version is the beat's semantic version (semver.org). It is independent of the
// version of libbeat that the beat is built with.
const Version = "0.1.0"
