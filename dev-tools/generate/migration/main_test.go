// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"onepasswordbeat/dev-tools/generate/output/outputtest"
)

func TestTableOfFieldsIsUpToDate(t *testing.T) { outputtest.UpToDate(t, "../../..", generate) }
