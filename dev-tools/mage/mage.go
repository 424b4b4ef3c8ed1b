// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package mage holds what the targets of the magefile do. The magefile itself
// only lists them; targets with a namespace (check:lint, test:unit, …) are the
// exported functions of the packages below this one.
//
// Every function works in the current directory, which mage sets to the root of
// the repository. None of them imports the beat, so that a target starts within
// a second or two however large libbeat is.
//
// File layout:
//
//	mage.go      steps: a list of named jobs, run one after the other
//	exec.go      running a command, its output and its signs of life
//	progress.go  the signs of life themselves
//	build.go     build, demo, clean
//	update.go    update: the list of generators
//	notice.go    the generator of NOTICE.txt
//	bench.go     bench
//	package.go   the integration package for Fleet
//	release.go   the artefacts of a release
//	cel.go       the modules that test its cel input
//	git.go       what git knows about the tree
package mage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// BuildDir is where everything goes that a target makes and git does not keep.
const BuildDir = "build"

// Step is one job of a target that has several.
type Step struct {
	Name string
	Run  func(context.Context) error
}

// RunSteps runs every step, also after one that failed, and ends with a line per
// step. Its error names the steps that failed.
func RunSteps(ctx context.Context, steps []Step) error {
	var summary strings.Builder
	var failed []string
	for _, s := range steps {
		Say("== %s", s.Name)
		start := time.Now()
		err := s.Run(ctx)
		result := "ok"
		if err != nil {
			Say("%s: %v", s.Name, err)
			result = "FAILED"
			failed = append(failed, s.Name)
		}
		fmt.Fprintf(&summary, "%-18s %-6s %s\n", s.Name, result, elapsed(start))
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	Say("\n%s", strings.TrimSuffix(summary.String(), "\n"))
	if len(failed) > 0 {
		return errors.New("failed: " + strings.Join(failed, ", "))
	}
	return nil
}

// Say prints a line to standard error, where everything that is not a result goes.
func Say(format string, args ...any) { sayTo(os.Stderr, format, args...) }

// sayTo prints a line. Its error is dropped: without a terminal it cannot be shown.
func sayTo(w io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(w, format+"\n", args...)
}

func elapsed(since time.Time) time.Duration {
	return time.Since(since).Round(100 * time.Millisecond)
}
