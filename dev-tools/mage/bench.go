// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// bench: the Go benchmarks, and the beat as a process from end to end.

package mage

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Bench runs the Go benchmarks and one end-to-end run.
func Bench(ctx context.Context) error {
	if err := GoBenchmarks(ctx); err != nil {
		return err
	}
	return EndToEnd(ctx, "-runs", "1")
}

// GoBenchmarks runs the Go benchmarks of packages, by default of every package that has
// any but those in ./tests, which need more than Go. It reads BENCH, a regular expression
// of names (default: all), and BENCHFLAGS, further arguments of `go test`, such as
// "-benchtime 5s -count 6".
func GoBenchmarks(ctx context.Context, packages ...string) error {
	if len(packages) == 0 {
		all, err := packagesWith(ctx, "\nfunc Benchmark")
		if err != nil {
			return err
		}
		packages = slices.DeleteFunc(all, func(pkg string) bool { return strings.HasPrefix(pkg, "./tests/") })
	}
	if len(packages) == 0 {
		return errors.New("no package has a benchmark")
	}
	pattern := os.Getenv("BENCH")
	if pattern == "" {
		pattern = "."
	}
	args := []string{"test", "-run", "^$", "-bench", pattern, "-benchmem"}
	return Go("go test -bench", Args(args, "BENCHFLAGS", packages...)...).Run(ctx)
}

// EndToEnd builds the beat and dev-tools/cmd/bench and runs the latter with these
// arguments and those in BENCHARGS.
func EndToEnd(ctx context.Context, args ...string) error {
	if err := goBuild(ctx, binDir+string(filepath.Separator), ".", "./dev-tools/cmd/bench"); err != nil {
		return err
	}
	command := append([]string{
		filepath.Join(binDir, executable("bench")),
		"-beat", filepath.Join(binDir, executable("onepasswordbeat")),
	}, args...)
	return Command{Args: Args(command, "BENCHARGS"), Label: "measuring"}.Run(ctx)
}

// PathBenchmark builds the beat and measures it next to Filebeat's cel input, with an engine. It reads BENCHFLAGS.
func PathBenchmark(ctx context.Context) error {
	if err := goBuild(ctx, binDir+string(filepath.Separator), "."); err != nil {
		return err
	}
	binary, err := filepath.Abs(filepath.Join(binDir, executable("onepasswordbeat")))
	if err != nil {
		return err
	}
	args := []string{"test", "-C", "tests/cel", "-run", "^$", "-bench", "^BenchmarkPath$", "-benchtime", "3x", "-timeout", "1h"}
	c := Go("go test -bench", Args(args, "BENCHFLAGS", ".")...)
	c.Env = append(c.Env, "ONEPASSWORDBEAT_BINARY="+binary)
	return c.Run(ctx)
}

// filebeatPackage is Filebeat with the inputs under the Elastic License.
const filebeatPackage = beats + "/x-pack/filebeat"

// Filebeat builds Filebeat from the beats module that go.mod pins, and returns the
// binary's path. It is built in a module of its own below build/, written anew each
// time: its requirements are those of beats' own go.mod and go.sum, and nothing of
// what it links, nor its licence, comes near the beat's module.
func Filebeat(ctx context.Context) (string, error) {
	info, err := Go("go list", "list", "-m", "-f", "{{.Dir}}\n{{.Version}}", beats).Lines(ctx)
	if err != nil {
		return "", err
	}
	if len(info) != 2 {
		return "", errors.New("go list does not know " + beats)
	}
	dir := filepath.Join(BuildDir, "filebeat")
	if err := writeFilebeatModule(dir, info[0], info[1]); err != nil {
		return "", err
	}
	binary := filepath.Join(dir, executable("filebeat"))
	if _, err := os.Stat(binary); err != nil {
		Say("building %s (the first build compiles all of Filebeat, which takes some minutes)", binary)
	}
	c := Go("building Filebeat", "build", "-C", dir, "-mod=mod", "-v", "-buildvcs=false", "-ldflags=-s -w", "-o", filepath.Base(binary), filebeatPackage)
	c.CountPackages = true
	return binary, c.Run(ctx)
}

// replaces finds the replace directives of a go.mod, which count in the main module only.
var replaces = regexp.MustCompile(`(?ms)^replace \(.*?^\)|^replace [^(\n]+$`)

// writeFilebeatModule writes the module in dir that builds Filebeat of beats in source.
func writeFilebeatModule(dir, source, version string) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	mod, err := os.ReadFile(filepath.Join(source, "go.mod"))
	if err != nil {
		return err
	}
	sums, err := os.ReadFile(filepath.Join(source, "go.sum"))
	if err != nil {
		return err
	}
	text := "module bench/filebeat\n\ngo 1.26.0\n\nrequire " + beats + " " + version + "\n\n" +
		string(bytes.Join(replaces.FindAll(mod, -1), []byte("\n\n"))) + "\n"
	return errors.Join(
		os.WriteFile(filepath.Join(dir, "go.mod"), []byte(text), 0o600),
		os.WriteFile(filepath.Join(dir, "go.sum"), sums, 0o600))
}

// packagesWith returns the packages that have a test file with the text in it.
func packagesWith(ctx context.Context, text string) ([]string, error) {
	files, err := Files(ctx, "*_test.go")
	if err != nil {
		return nil, err
	}
	var packages []string
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if bytes.Contains(content, []byte(text)) {
			packages = append(packages, "./"+path.Dir(name))
		}
	}
	slices.Sort(packages)
	return slices.Compact(packages), nil
}
