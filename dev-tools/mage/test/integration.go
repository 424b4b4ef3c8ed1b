// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The tests of the modules beside the beat's own.

package test

import (
	"context"

	"onepasswordbeat/dev-tools/mage"
)

// Integration runs the tests of the integration package's validity and of its zip (reads TESTFLAGS).
func Integration(ctx context.Context) error { return goTestModule(ctx, mage.IntegrationModule) }

// goTestModule runs the tests of another module. They read files of this one, of which go test's cache does not know.
func goTestModule(ctx context.Context, module string, flags ...string) error {
	return mage.Command{
		Args:  mage.Args(append([]string{"go", "test", "-timeout", timeout, afresh}, flags...), "TESTFLAGS", "./..."),
		Label: "go test in " + module,
		Env:   mage.WithoutCgo(),
		Dir:   module,
	}.Run(ctx)
}
