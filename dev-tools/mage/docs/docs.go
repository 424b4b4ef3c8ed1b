// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package docs holds the targets docs:*: pictures for the documentation.
package docs

import (
	"context"

	"onepasswordbeat/dev-tools/mage"
)

// Dashboards draws the pictures of the integration's dashboards from simulated data (reads CHROMIUM: the browser); it needs Chromium, pngquant, npm, a JDK and Maven.
func Dashboards(ctx context.Context) error { return mage.DashboardPictures(ctx) }
