// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package packaging holds the targets package:*. Each exported function with a context
// and an error is one; its comment is the target's help.
package packaging

import (
	"context"

	"onepasswordbeat/dev-tools/mage"
)

// Integration builds the zip of the integration package that Kibana takes by upload, build/1password-VERSION.zip.
func Integration(ctx context.Context) error { return mage.Integration(ctx) }
