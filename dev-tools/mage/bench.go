// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// bench: the Go benchmarks.

package mage

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path"
	"slices"
)

// Bench runs the Go benchmarks of every package that has any. It reads BENCH, a
// regular expression of names (default: all), and BENCHFLAGS, further arguments of
// `go test`, such as "-benchtime 5s -count 6".
func Bench(ctx context.Context) error {
	packages, err := packagesWith(ctx, "\nfunc Benchmark")
	if err != nil {
		return err
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
