// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package engine is what the packages that run a search engine for tests (estest, ostest) have in common: what the engine is made of, brought by Maven and put together once;
// a Java that runs it; and its processes, which end with the test.
package engine

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// MissingError says what this machine lacks for running an engine. Tests that need one are skipped then.
type MissingError struct{ Engine, What string }

func (e *MissingError) Error() string { return "no " + e.Engine + " can be run here: " + e.What }

// Supported is a *MissingError where no engine can be run at all.
func Supported(name string) error { return supported(name) }

// Require goes by the error of an engine's start: it skips the test where this machine lacks something, unless that is required, as in CI, and fails it at any other error.
func Require(t testing.TB, err error, required bool) {
	t.Helper()
	if err == nil {
		return
	}
	if missing := (*MissingError)(nil); errors.As(err, &missing) && !required {
		t.Skip(err)
	}
	t.Fatal(err)
}

// CI tells whether this is a run in which nothing may be left out.
func CI() bool { return os.Getenv("CI") != "" }

// LastLines is the tail of a log.
func LastLines(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
