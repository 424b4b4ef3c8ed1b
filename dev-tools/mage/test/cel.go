// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The tests of the integration package's cel input.

package test

import (
	"context"
	"errors"

	"onepasswordbeat/dev-tools/mage"
)

// Cel runs the integration package's cel input in Filebeat's own, and its program on an old release of that input's library (reads TESTFLAGS).
func Cel(ctx context.Context) error {
	var errs []error
	for _, module := range mage.CelModules {
		errs = append(errs, goTestModule(ctx, module, "-parallel=6")) // each waits for a Filebeat most of the time
	}
	return errors.Join(errs...)
}
