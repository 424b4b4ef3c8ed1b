// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// package:integration, and the program that check:package runs as well.

package mage

import "context"

const (
	// IntegrationPackage is the integration package for Fleet.
	IntegrationPackage = "packages/1password"
	// IntegrationModule is the module of the program that validates and builds it.
	IntegrationModule = "dev-tools/integration"
)

// Integration builds the zip of the integration package that Kibana takes by upload, below build/.
func Integration(ctx context.Context) error {
	return RunIntegration(ctx, "build", IntegrationPackage, BuildDir)
}

// RunIntegration runs the program of IntegrationModule.
func RunIntegration(ctx context.Context, args ...string) error {
	program, err := buildTool(ctx, IntegrationModule, "integration", ".")
	if err != nil {
		return err
	}
	return Command{Args: append([]string{program}, args...), Label: "integration " + args[0]}.Run(ctx)
}
