// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

//go:build mage

// The targets of onepasswordbeat. What they do is in dev-tools/mage.
package main

import (
	"context"
	"os"

	"onepasswordbeat/dev-tools/mage"
	// mage:import bench
	_ "onepasswordbeat/dev-tools/mage/bench"
	// mage:import check
	"onepasswordbeat/dev-tools/mage/check"
	// mage:import package
	_ "onepasswordbeat/dev-tools/mage/packaging"
	// mage:import test
	"onepasswordbeat/dev-tools/mage/test"
)

// Build builds the beat, ./onepasswordbeat (reads RELEASE: true leaves this machine's paths out of it).
func Build(ctx context.Context) error { return mage.Build(ctx) }

// Demo shows events flow from a simulated account to this terminal; no token needed (reads DEMOFLAGS).
func Demo(ctx context.Context) error { return mage.Demo(ctx) }

// Test runs every test (reads CI: if set, nothing may be left out; TESTFLAGS: arguments of go test).
func Test(ctx context.Context) error { return test.Suite{CI: os.Getenv("CI") != ""}.Run(ctx) }

// Check runs every check there is besides the tests (reads LINTFLAGS: arguments of golangci-lint).
func Check(ctx context.Context) error { return mage.RunSteps(ctx, check.Steps()) }

// Update writes every generated file anew; run it after changing what they are made of.
func Update(ctx context.Context) error { return mage.Update(ctx) }

// Bench runs the Go benchmarks and the beat end to end (reads BENCH: a pattern of names; BENCHFLAGS: arguments of go test; BENCHARGS: of the end-to-end run).
func Bench(ctx context.Context) error { return mage.Bench(ctx) }

// Clean removes what the other targets built, and the demo's data.
func Clean(ctx context.Context) error { return mage.Clean(ctx) }
