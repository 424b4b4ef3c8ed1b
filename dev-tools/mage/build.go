// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// build, demo and clean.

package mage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// binDir holds the binaries that demo builds.
var binDir = filepath.Join(BuildDir, "bin")

// Build builds the beat into ./onepasswordbeat.
func Build(ctx context.Context) error { return goBuild(ctx, executable("onepasswordbeat"), ".") }

// goBuild builds packages into one binary, or several into a folder (a name that
// ends in a slash). Commit and build time come with Go's own stamp of the
// repository, where libbeat's version command reads them.
//
// RELEASE=true leaves this machine's paths out of the binary (-trimpath), and uses
// the Go version of releases. It is not
// the default, because such a build shares no compiled package with the tests: every
// developer would compile libbeat twice.
func goBuild(ctx context.Context, output string, packages ...string) error {
	stamp := strconv.FormatBool(hasCommit(ctx))
	args := []string{"build", "-v", "-buildvcs=" + stamp, "-ldflags=-s -w", "-o", output}
	env := WithoutCgo()
	if release, _ := strconv.ParseBool(os.Getenv("RELEASE")); release {
		args = append(args, "-trimpath")
		toolchain, err := ReleaseToolchain(ctx)
		if err != nil {
			return err
		}
		env = append(env, toolchain...)
	}
	Say("building %s (the first build compiles libbeat, which takes some minutes)", output)
	start := time.Now()
	c := Go("building", append(args, packages...)...)
	c.CountPackages = true
	c.Env = env
	if err := c.Run(ctx); err != nil {
		return err
	}
	Say("built %s in %s", output, elapsed(start))
	return nil
}

// WithoutCgo is the environment of a build, and of whatever else compiles the beat
// but the race detector, so that libbeat is not compiled once more. With cgo, libbeat links Go's plugins,
// and then the linker must keep every exported method of every package: a third
// more binary, and 30 MiB more resident memory. CGO_ENABLED=1 asks for it.
func WithoutCgo() []string {
	if _, set := os.LookupEnv("CGO_ENABLED"); set {
		return nil
	}
	return []string{"CGO_ENABLED=0"}
}

// ReleaseToolchain is the environment in which `go` is the version in go.mod's toolchain line: older ones have known
// vulnerabilities. Go downloads it where needed, also where GOTOOLCHAIN=local keeps other builds with what is installed.
func ReleaseToolchain(ctx context.Context) ([]string, error) {
	out, err := Go("", "mod", "edit", "-json").Output(ctx)
	if err != nil {
		return nil, err
	}
	var mod struct{ Toolchain string }
	if err := json.Unmarshal(out, &mod); err != nil {
		return nil, err
	}
	return []string{"GOTOOLCHAIN=" + mod.Toolchain + "+auto"}, nil
}

// Demo builds the beat and the demo itself below build/, and becomes
// the demo. It reads DEMOFLAGS, further arguments of the demo.
func Demo(ctx context.Context) error {
	err := goBuild(ctx, binDir+string(filepath.Separator), ".", "./dev-tools/cmd/demo")
	if err != nil {
		return err
	}
	return become(ctx, Args([]string{
		filepath.Join(binDir, executable("demo")),
		"-beat", filepath.Join(binDir, executable("onepasswordbeat")),
		"-data", filepath.Join(BuildDir, "demo"),
	}, "DEMOFLAGS"))
}

// become replaces this process with a command. Ctrl-C then reaches the command as if
// it had been started by hand; mage would give it five seconds to end, and no more.
// Windows cannot replace a process, so the command runs below this one there.
func become(ctx context.Context, args []string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if runtime.GOOS != "windows" {
		err := syscall.Exec(args[0], args, os.Environ())
		return fmt.Errorf("%s: %w", args[0], err)
	}
	cmd := exec.Command(args[0], args[1:]...) //nolint:noctx // it gets Ctrl-C from the console and ends then
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return cmd.Run()
}

// Clean removes everything that targets made: build/ with the demo's data, and the
// binary at the root. Go's own build cache stays.
func Clean(context.Context) error {
	return errors.Join(os.RemoveAll(BuildDir), os.RemoveAll(executable("onepasswordbeat")))
}

// executable is the name of a binary on this system.
func executable(name string) string {
	if runtime.GOOS == "windows" {
		return name + ".exe"
	}
	return name
}

// Tool builds a tool of the module dev-tools/tools, which keeps the weight and the
// licences of tools out of the beat's own module, and returns its path.
func Tool(ctx context.Context, pkg string) (string, error) {
	return buildTool(ctx, "dev-tools/tools", filepath.Base(pkg), pkg)
}

// buildTool builds a package of a module into build/tools and returns its path.
func buildTool(ctx context.Context, module, name, pkg string) (string, error) {
	path := filepath.Join(BuildDir, "tools", executable(name))
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(path); err != nil {
		Say("building %s (the first time takes some minutes)", path)
	}
	c := Go("building "+name, "build", "-C", module, "-v", "-o", absolute, pkg)
	c.CountPackages = true
	return path, c.Run(ctx)
}
