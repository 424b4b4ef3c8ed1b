// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package test holds the targets test:*. Each exported function with a context and
// an error is one; its comment is the target's help.
package test

import (
	"context"
	"errors"
	"slices"
	"strings"

	"onepasswordbeat/dev-tools/mage"
)

// systemTests is the root of the packages whose tests run the real binary. The race
// detector would find nothing in them: it sees the test, not the process it starts.
const systemTests = "onepasswordbeat/tests"

// timeout ends a test binary that hangs, with the stacks of all its goroutines.
const timeout = "15m"

// Unit runs the tests of every package but ./tests (reads TESTFLAGS: further arguments
// of go test, such as "-run Cursor -v").
func Unit(ctx context.Context) error { return goTest(ctx, isUnit) }

// Race runs the tests of test:unit under the race detector (reads TESTFLAGS); it needs
// a C compiler, and compiles libbeat a second time.
func Race(ctx context.Context) error { return goTest(ctx, isUnit, "-race") }

// System runs the tests of the real binary, those in ./tests (reads TESTFLAGS).
func System(ctx context.Context) error { return goTest(ctx, isSystem) }

// Suite is every test.
type Suite struct {
	CI bool // whether a missing program is an error
}

// Run says in a line each what has to be left out, and runs the tests: under the race
// detector where there is a C compiler for it, and then those of the real binary.
// Nothing is printed after go test's own closing lines.
func (s Suite) Run(ctx context.Context) error {
	if err := report(needs, s.CI); err != nil {
		return err
	}
	unit := Unit
	if raceDetector.found() {
		unit = Race
	}
	return errors.Join(unit(ctx), System(ctx))
}

// goTest runs `go test` on the packages with tests that the filter keeps.
func goTest(ctx context.Context, keep func(pkg string) bool, flags ...string) error {
	withTests := "{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}"
	packages, err := mage.Go("go list", "list", "-f", withTests, "./...").Lines(ctx)
	if err != nil {
		return err
	}
	packages = slices.DeleteFunc(packages, func(pkg string) bool { return !keep(pkg) })
	if len(packages) == 0 {
		mage.Say("no package to test")
		return nil
	}
	label := strings.Join(append([]string{"go test"}, flags...), " ")
	args := append([]string{"test", "-timeout", timeout}, flags...)
	return mage.Go(label, mage.Args(args, "TESTFLAGS", packages...)...).Run(ctx)
}

func isSystem(pkg string) bool {
	return pkg == systemTests || strings.HasPrefix(pkg, systemTests+"/")
}

func isUnit(pkg string) bool { return !isSystem(pkg) }
