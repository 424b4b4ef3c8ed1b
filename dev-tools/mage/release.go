// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// package:local and package:release: the binaries, and what the module packaging makes of them.

package mage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

const (
	// PackagingModule makes the artefacts.
	PackagingModule = "packaging"
	// PackagingTools has the programs that help it.
	PackagingTools = "packaging/tools"

	// Distributions is where the artefacts go.
	Distributions = BuildDir + "/distributions"

	// Helm is the package of Helm's command in PackagingTools.
	Helm   = "helm.sh/helm/v3/cmd/helm"
	sbomer = "github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod"

	binaries  = BuildDir + "/binaries" // below it, GOOS-GOARCH[-oss] for each binary
	chartDir  = "deploy/helm/onepasswordbeat"
	manifest  = "deploy/kubernetes/onepasswordbeat.yaml"
	values    = "deploy/kubernetes/values.yaml"
	namespace = "onepasswordbeat"
)

// ReleaseTargets are the systems that a release is for.
func ReleaseTargets() []string {
	return []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64"}
}

// PackageLocal makes every artefact that a Linux binary of this machine's architecture allows.
func PackageLocal(ctx context.Context) error {
	if runtime.GOOS != "linux" {
		return errors.New("package:local packages the Linux binary: run it on Linux, or use package:release")
	}
	return packageTargets(ctx, []string{"linux/" + runtime.GOARCH})
}

// PackageRelease makes all artefacts of a clean tree.
func PackageRelease(ctx context.Context) error {
	changed, err := Command{Args: []string{"git", "status", "--porcelain"}}.Lines(ctx)
	if err != nil {
		return fmt.Errorf("a release is made of a commit: %w", err)
	}
	if len(changed) > 0 {
		return fmt.Errorf("a release is made of a commit: commit or remove these first\n\t%s", strings.Join(changed, "\n\t"))
	}
	return packageTargets(ctx, ReleaseTargets(), "-trimpath")
}

// packageTargets builds for systems and makes all artefacts. It reads MINISIGN_KEY, the file of a secret key without a
// password that signs the checksums.
func packageTargets(ctx context.Context, targets []string, flags ...string) error {
	if err := errors.Join(os.RemoveAll(Distributions), os.RemoveAll(binaries)); err != nil {
		return err
	}
	for _, target := range targets {
		for _, variant := range []string{"", "oss"} {
			if err := buildFor(ctx, target, variant, flags); err != nil {
				return err
			}
		}
	}
	if err := MakePackages(ctx, binaries, Distributions); err != nil {
		return err
	}
	if err := writeSBOMs(ctx); err != nil {
		return err
	}
	if err := addContent(ctx); err != nil {
		return err
	}
	args := []string{"sums", Distributions}
	if key := os.Getenv("MINISIGN_KEY"); key != "" {
		args = append(args, key)
	}
	return runPackaging(ctx, args...)
}

// buildFor builds a variant for a system, such as "linux/amd64", below binaries.
func buildFor(ctx context.Context, target, variant string, flags []string) error {
	goos, goarch, _ := strings.Cut(target, "/")
	dir := strings.TrimSuffix(goos+"-"+goarch+"-"+variant, "-")
	name := "onepasswordbeat"
	if goos == "windows" {
		name += ".exe"
	}
	path := filepath.Join(binaries, dir, name)
	args := append([]string{"build", "-v", fmt.Sprintf("-buildvcs=%t", hasCommit(ctx)), "-ldflags=-s -w", "-o", path}, flags...)
	if variant != "" {
		args = append(args, "-tags", variant)
	}
	Say("building %s", path)
	c := Go("building "+path, append(args, ".")...)
	c.CountPackages = true
	c.Env = []string{"GOOS=" + goos, "GOARCH=" + goarch, "CGO_ENABLED=0"}
	return c.Run(ctx)
}

// MakePackages runs the packager on a folder of binaries.
func MakePackages(ctx context.Context, from, to string) error {
	license, err := ElasticLicense(ctx)
	if err != nil {
		return err
	}
	version, err := BeatVersion()
	if err != nil {
		return err
	}
	return runPackaging(ctx, "make", "-binaries", from, "-out", to, "-version", version, "-time", commitTime(ctx), "-elastic", license)
}

// ElasticLicense is the path of the Elastic License 2.0 in the beats module.
func ElasticLicense(ctx context.Context) (string, error) {
	dirs, err := moduleDirs(ctx, []string{beats})
	return filepath.Join(dirs[beats], "licenses", "ELASTIC-LICENSE-2.0.txt"), err
}

var versionLine = regexp.MustCompile(`(?m)^const Version = "(.+)"$`)

// BeatVersion is the version that package version declares.
func BeatVersion() (string, error) {
	content, err := os.ReadFile("version/version.go")
	if err != nil {
		return "", err
	}
	found := versionLine.FindSubmatch(content)
	if found == nil {
		return "", errors.New("version/version.go declares no Version")
	}
	return string(found[1]), nil
}

// commitTime is the time of every packaged file, in seconds since 1970: $SOURCE_DATE_EPOCH, or the commit's. Sources
// without a repository have a fixed one.
func commitTime(ctx context.Context) string {
	if epoch := os.Getenv("SOURCE_DATE_EPOCH"); epoch != "" {
		return epoch
	}
	if hasCommit(ctx) {
		if lines, err := (Command{Args: []string{"git", "log", "-1", "--format=%ct"}}).Lines(ctx); err == nil && len(lines) == 1 {
			return lines[0]
		}
	}
	return "1767225600"
}

// Packager builds the program that makes the artefacts, and returns its path.
func Packager(ctx context.Context) (string, error) {
	return buildTool(ctx, PackagingModule, "packaging", ".")
}

func runPackaging(ctx context.Context, args ...string) error {
	program, err := Packager(ctx)
	if err != nil {
		return err
	}
	return Command{Args: append([]string{program}, args...), Label: "packaging " + args[0]}.Run(ctx)
}

// PackagingTool builds one of the programs that the packager and its tests use.
func PackagingTool(ctx context.Context, pkg string) (string, error) {
	return buildTool(ctx, PackagingTools, filepath.Base(pkg), pkg)
}

// writeSBOMs writes a list of components for each binary.
func writeSBOMs(ctx context.Context) error {
	tool, err := PackagingTool(ctx, sbomer)
	if err != nil {
		return err
	}
	version, err := BeatVersion()
	if err != nil {
		return err
	}
	found, err := filepath.Glob(filepath.Join(binaries, "*", "onepasswordbeat*"))
	if err != nil {
		return err
	}
	for _, binary := range found {
		system, oss := strings.CutSuffix(filepath.Base(filepath.Dir(binary)), "-oss")
		name := "onepasswordbeat"
		if oss {
			name += "-oss"
		}
		out := filepath.Join(Distributions, fmt.Sprintf("%s-%s-%s.cdx.json", name, version, system))
		err := Command{Label: "listing components", Args: []string{
			tool, "bin", "-json", "-licenses", "-std", "-noserial", "-notimestamp", "-version", "v" + version, "-output", out, binary,
		}}.Run(ctx)
		if err != nil {
			return err
		}
	}
	return nil
}

// addContent copies what is installed into Kibana: the integration package, and the detection rules if there are any.
func addContent(ctx context.Context) error {
	if err := RunIntegration(ctx, "build", IntegrationPackage, Distributions); err != nil {
		return err
	}
	rules, err := filepath.Glob("detections/*.ndjson")
	if err != nil {
		return err
	}
	version, err := BeatVersion()
	if err != nil {
		return err
	}
	for _, file := range rules {
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		name := fmt.Sprintf("onepasswordbeat-%s-%s", version, filepath.Base(file))
		if err := os.WriteFile(filepath.Join(Distributions, name), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// BuildSimulator builds the simulator of the Events API beside the tools.
func BuildSimulator(ctx context.Context) error {
	path := filepath.Join(BuildDir, "tools", executable("onepassword-simulator"))
	c := Go("building the simulator", "build", "-v", "-o", path, "./dev-tools/cmd/onepassword-simulator")
	c.CountPackages = true
	c.Env = WithoutCgo()
	return c.Run(ctx)
}

// Manifest renders the chart to the manifest for those without Helm.
func Manifest(ctx context.Context) error {
	helm, err := PackagingTool(ctx, Helm)
	if err != nil {
		return err
	}
	rendered, err := Command{Label: "rendering", Args: []string{
		helm, "template", "onepasswordbeat", chartDir, "--namespace", namespace, "--kube-version", "1.33", "--values", values,
	}}.Output(ctx)
	if err != nil {
		return err
	}
	head := "# Generated by `go tool mage package:manifest` from " + chartDir + ". Do not edit.\n"
	return os.WriteFile(manifest, append([]byte(head), rendered...), 0o644)
}
