// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package check holds the targets check:*. Each exported function with a context
// and an error is one; its comment is the target's help.
package check

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"onepasswordbeat/dev-tools/mage"
)

// Steps is every check, the quick ones first.
func Steps() []mage.Step {
	return []mage.Step{
		{Name: "check:links", Run: Links},
		{Name: "check:tidy", Run: Tidy},
		{Name: "check:generated", Run: Generated},
		{Name: "check:package", Run: Package},
		{Name: "check:vet", Run: Vet},
		{Name: "check:lint", Run: Lint},
		{Name: "check:vulnerabilities", Run: Vulnerabilities},
	}
}

// modules are the Go modules with packages of ours: the beat's, and what is too heavy to be in it.
var modules = append([]string{".", mage.IntegrationModule, mage.PackagingModule}, mage.CelModules...)

// Tidy fails when `go mod tidy` would change go.mod or go.sum of a module.
func Tidy(ctx context.Context) error {
	var errs []error
	for _, module := range append([]string{"dev-tools/tools", mage.PackagingTools}, modules...) {
		c := mage.Go("go mod tidy in "+module, "mod", "tidy", "-diff")
		c.Dir = module
		if err := c.Run(ctx); err != nil {
			errs = append(errs, fmt.Errorf("run `go mod tidy` in %s: %w", module, err))
		}
	}
	return errors.Join(errs...)
}

// Generated fails when `mage update` changes a file; the files are up to date afterwards.
func Generated(ctx context.Context) error {
	before, err := mage.TakeSnapshot(ctx)
	if err != nil {
		return err
	}
	if err := mage.Update(ctx); err != nil {
		return err
	}
	after, err := mage.TakeSnapshot(ctx)
	if err != nil {
		return err
	}
	return complain(before.Diff(after), "out of date until now; review and commit what `go tool mage update` made of them")
}

// packageTests are the tests of the integration package: the README is what elastic-package renders,
// generated files are up to date, Kibana's files are what a real Kibana wants, the pipeline tests hold by the rules of
// elastic-package (on OpenSearch, where a JDK and Maven are there), and the policy templates render.
var packageTests = []struct{ module, run, packages string }{
	{".", ".", "./dev-tools/generate/integration/... ./dev-tools/generate/dashboards/..."},
	{".", "TestPipelines|TestViolations", "./tests/pipelines"},
	{"tests/cel", "TestPolicies|TestVariables|TestDefaults", "."},
}

// Package fails when Elastic's validator does not take the integration package, or a test of its files fails.
func Package(ctx context.Context) error {
	errs := []error{mage.RunIntegration(ctx, "check", mage.IntegrationPackage)}
	for _, tests := range packageTests {
		args := append([]string{"go", "test", "-run", tests.run}, strings.Fields(tests.packages)...)
		errs = append(errs, mage.Command{Args: args, Label: "go test " + tests.packages, Env: mage.WithoutCgo(), Dir: tests.module}.Run(ctx))
	}
	return errors.Join(errs...)
}

// Vet runs go vet on every package.
func Vet(ctx context.Context) error {
	return inModules(func(module string) error {
		return mage.Command{Args: []string{"go", "vet", "./..."}, Label: "go vet in " + module, Env: mage.WithoutCgo(), Dir: module}.Run(ctx)
	})
}

// Lint runs golangci-lint by .golangci.yml on every package (reads LINTFLAGS: further
// arguments, such as --fix).
func Lint(ctx context.Context) error {
	linter, err := mage.Tool(ctx, "github.com/golangci/golangci-lint/v2/cmd/golangci-lint")
	if err != nil {
		return err
	}
	if linter, err = filepath.Abs(linter); err != nil {
		return err
	}
	return inModules(func(module string) error {
		return mage.Command{
			Args:  mage.Args([]string{linter, "run"}, "LINTFLAGS", "./..."),
			Label: "golangci-lint in " + module,
			Env:   mage.WithoutCgo(),
			Dir:   module,
		}.Run(ctx)
	})
}

// inModules does something in each module, also after one where it failed.
func inModules(do func(module string) error) error {
	var errs []error
	for _, module := range modules {
		errs = append(errs, do(module))
	}
	return errors.Join(errs...)
}

// complain returns an error that lists the files and the complaint, or nil without files.
func complain(files []string, complaint string) error {
	if len(files) == 0 {
		return nil
	}
	return fmt.Errorf("%d file(s) %s\n\t%s", len(files), complaint, strings.Join(files, "\n\t"))
}
