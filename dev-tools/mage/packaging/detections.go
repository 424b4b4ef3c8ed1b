// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

package packaging

import (
	"context"

	"onepasswordbeat/dev-tools/mage"
)

// Detections writes the detection rules for Elastic Security, build/distributions/onepassword-detection-rules.ndjson.
func Detections(ctx context.Context) error { return mage.Detections(ctx) }
