// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The tests of the release's artefacts.

package test

import (
	"context"
	"os"
	"path/filepath"

	"onepasswordbeat/dev-tools/mage"
)

// pythonPackages are what the tests use of Python: the schemas of Kubernetes, and a parser of PowerShell.
var pythonPackages = []string{"kubernetes-validate==1.37.0", "tree-sitter==0.26.1", "tree-sitter-powershell==0.26.4"}

// packageNeeds is what test:packages uses where it is there.
var packageNeeds = []need{
	{[]string{"systemd-nspawn"}, "the deb is not tested under systemd"},
	{[]string{"debootstrap"}, "neither deb nor rpm is installed"},
	{[]string{"podman"}, "the image is not run"},
	{[]string{"runc"}, "the image is not run"},
	{[]string{"rpm"}, "the rpm is not installed"},
	{[]string{"lintian"}, "the deb is not linted"},
	{[]string{"rpmlint"}, "the rpm is not linted"},
	{[]string{"minisign"}, "no signature is verified"},
	{[]string{"python3"}, "neither Kubernetes manifests nor Windows scripts are checked"},
}

// Packages makes the artefacts of this machine's binary, installs and uses them (reads CI: if set, nothing may be left out; TESTFLAGS); it wants root and Debian's debootstrap, systemd-container, podman, runc, rpm, rpmlint, lintian, minisign and python3-venv.
func Packages(ctx context.Context) error {
	if err := report(packageNeeds, os.Getenv("CI") != ""); err != nil {
		return err
	}
	if err := mage.PackageLocal(ctx); err != nil {
		return err
	}
	if _, err := mage.PackagingTool(ctx, mage.Helm); err != nil {
		return err
	}
	if err := mage.BuildSimulator(ctx); err != nil {
		return err
	}
	if err := pythonEnvironment(ctx); err != nil {
		return err
	}
	return goTestModule(ctx, mage.PackagingModule)
}

// pythonEnvironment makes build/tools/python once. Without Python the tests leave out what needs it.
func pythonEnvironment(ctx context.Context) error {
	dir := filepath.Join(mage.BuildDir, "tools", "python")
	if _, err := os.Stat(filepath.Join(dir, "bin", "kubernetes-validate")); err == nil || !packageNeeds[len(packageNeeds)-1].found() {
		return nil
	}
	if err := (mage.Command{Args: []string{"python3", "-m", "venv", dir}, Label: "making a Python environment"}).Run(ctx); err != nil {
		return err
	}
	args := append([]string{filepath.Join(dir, "bin", "pip"), "install", "--quiet", "--disable-pip-version-check"}, pythonPackages...)
	return mage.Command{Args: args, Label: "installing Python packages"}.Run(ctx)
}
