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

// Local makes the artefacts that a Linux binary of this machine allows, in build/distributions (reads MINISIGN_KEY, SOURCE_DATE_EPOCH).
func Local(ctx context.Context) error { return mage.PackageLocal(ctx) }

// Release makes all artefacts of a clean tree for all systems, in build/distributions (reads MINISIGN_KEY: the file of a secret key).
func Release(ctx context.Context) error { return mage.PackageRelease(ctx) }

// Manifest renders the Helm chart to deploy/kubernetes/onepasswordbeat.yaml.
func Manifest(ctx context.Context) error { return mage.Manifest(ctx) }
