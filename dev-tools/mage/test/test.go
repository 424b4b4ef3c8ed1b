// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package test holds the targets test:*. Each exported function with a context and
// an error is one; its comment is the target's help.
package test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"

	"onepasswordbeat/dev-tools/mage"
)

// systemTests is the root of the packages whose tests run the real binary. The race
// detector would find nothing in them: it sees the test, not the process it starts.
const systemTests = "onepasswordbeat/tests"

// onElasticsearch are the packages whose tests run on a real Elasticsearch, one node
// at a time: it takes a gigabyte.
var onElasticsearch = []string{systemTests + "/estest", systemTests + "/elasticsearch"}

// onOpenSearch are the packages whose tests run on an OpenSearch node, which has what
// the Elasticsearch of the tests lacks: pipelines, scripts and all aggregations. One
// test of tests/integration runs on Elasticsearch besides.
var onOpenSearch = []string{systemTests + "/ostest", systemTests + "/pipelines", systemTests + "/dashboards", systemTests + "/detections", systemTests + "/integration"}

// faultSuite is the package that test:faults runs alone, and test:system among others.
const faultSuite = systemTests + "/faults"

// outputSuite is the package whose tests on a real Kafka and a real Redis test:full runs at their full size.
const outputSuite = systemTests + "/outputs"

// fullSize is what the tests with a small and a full size go by.
const fullSize = "ONEPASSWORDBEAT_FAULTS=full"

// afresh keeps go test from showing an earlier result: it does not know of the binary
// that these tests run.
const afresh = "-count=1"

// timeout ends a test binary that hangs, with the stacks of all its goroutines.
const timeout = "15m"

// Unit runs the tests of every package but ./tests (reads TESTFLAGS: further arguments
// of go test, such as "-run Cursor -v").
func Unit(ctx context.Context) error { return goTest(ctx, isUnit) }

// Race runs the tests of test:unit under the race detector (reads TESTFLAGS); it needs
// a C compiler, and compiles libbeat a second time.
//
// Packages that use testing/synctest run on one processor. Up to Go 1.26, the timers of a bubble share one context of
// the race detector, and goroutines of the bubble use it at the same time when each reads a timer's channel
// (runtime.(*timer).maybeRunChan): the detector crashes. On one processor they cannot, and the detector finds the same
// races, because it compares the order that locks and channels enforce, not times.
func Race(ctx context.Context) error {
	bubbles, err := synctestPackages(ctx)
	if err != nil {
		return err
	}
	inBubble := func(pkg string) bool { return slices.Contains(bubbles, pkg) }
	return errors.Join(
		goTest(ctx, func(pkg string) bool { return isUnit(pkg) && !inBubble(pkg) && pkg != largeTables }, "-race"),
		goTest(ctx, func(pkg string) bool { return isUnit(pkg) && inBubble(pkg) }, "-race", "-cpu=1"),
		goTest(ctx, func(pkg string) bool { return pkg == largeTables }, "-race", "-short"),
		goTest(ctx, func(pkg string) bool { return pkg == largeTables }))
}

// largeTables is the package whose tests of limits make tables of 200,000 entries, which take minutes under the race
// detector: they run without it.
const largeTables = "onepasswordbeat/internal/names"

// synctestPackages returns the packages whose tests import testing/synctest.
func synctestPackages(ctx context.Context) ([]string, error) {
	imports := `{{.ImportPath}}{{range .TestImports}} {{.}}{{end}}{{range .XTestImports}} {{.}}{{end}}`
	lines, err := mage.Go("go list", "list", "-f", imports, "./...").Lines(ctx)
	var packages []string
	for _, line := range lines {
		if fields := strings.Fields(line); slices.Contains(fields[1:], "testing/synctest") {
			packages = append(packages, fields[0])
		}
	}
	return packages, err
}

// System runs the tests of the real binary, those in ./tests but test:elasticsearch and test:opensearch (reads TESTFLAGS).
func System(ctx context.Context) error { return goTest(ctx, isSystem, afresh) }

// Faults runs the fault suite at its full size, with what it measured (reads ONEPASSWORDBEAT_SEED: repeats a run; TESTFLAGS).
func Faults(ctx context.Context) error {
	return goTestIn(ctx, []string{fullSize}, isFaults, afresh, "-v", "-timeout=30m")
}

// Full runs the long variants: test:faults, and 60,000 events to a real Kafka and a real Redis through two kills of each and of the beat (reads CI, TESTFLAGS); it needs Java, Maven and redis-server.
func Full(ctx context.Context) error {
	if err := report(outputNeeds, os.Getenv("CI") != ""); err != nil {
		return err
	}
	return errors.Join(Faults(ctx), goTestIn(ctx, []string{fullSize}, isOutputs, afresh, "-v", "-run=^TestReal", "-timeout=30m"))
}

// Elasticsearch runs the tests of the real binary on a real Elasticsearch (reads CI, TESTFLAGS); it needs Java and Maven.
func Elasticsearch(ctx context.Context) error {
	return onEngine(ctx, elasticsearchNeeds, isElasticsearch)
}

// Opensearch runs the tests of the integration's pipelines, dashboards and fields on an OpenSearch node (reads CI, TESTFLAGS); it needs a JDK and Maven.
func Opensearch(ctx context.Context) error {
	return onEngine(ctx, openSearchNeeds, isOpenSearch)
}

// onEngine says what is missing, and runs tests that start nodes.
func onEngine(ctx context.Context, needs []need, keep func(pkg string) bool) error {
	if err := report(needs, os.Getenv("CI") != ""); err != nil {
		return err
	}
	return runOnEngine(ctx, keep)
}

// runOnEngine leaves it to the tests to skip, or to fail in CI, where there is no
// Java or Maven.
func runOnEngine(ctx context.Context, keep func(pkg string) bool) error {
	return goTest(ctx, keep, afresh, "-p=1")
}

// Suite is every test.
type Suite struct {
	CI bool // whether a missing program is an error
}

// Run says in a line each what has to be left out, and runs the tests: under the race
// detector where there is a C compiler for it, and then those of the real binary.
// Nothing is printed after go test's own closing lines.
func (s Suite) Run(ctx context.Context) error {
	if err := report(needs, s.CI); err != nil {
		return err
	}
	unit := Unit
	if raceDetector.found() {
		unit = Race
	}
	return errors.Join(unit(ctx), Integration(ctx), System(ctx), Cel(ctx), runOnEngine(ctx, isOnEngine))
}

// goTest runs `go test` on the packages with tests that the filter keeps.
func goTest(ctx context.Context, keep func(pkg string) bool, flags ...string) error {
	return goTestIn(ctx, nil, keep, flags...)
}

// goTestIn is goTest with more in the environment, as "KEY=value".
func goTestIn(ctx context.Context, env []string, keep func(pkg string) bool, flags ...string) error {
	withTests := "{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}"
	packages, err := mage.Go("go list", "list", "-f", withTests, "./...").Lines(ctx)
	if err != nil {
		return err
	}
	packages = slices.DeleteFunc(packages, func(pkg string) bool { return !keep(pkg) })
	if len(packages) == 0 {
		mage.Say("no package to test")
		return nil
	}
	label := strings.Join(append([]string{"go test"}, flags...), " ")
	args := append([]string{"test", "-timeout", timeout}, flags...)
	c := mage.Go(label, mage.Args(args, "TESTFLAGS", packages...)...)
	c.Env = env
	if !slices.Contains(flags, "-race") { // which needs cgo
		c.Env = slices.Concat(env, mage.WithoutCgo())
	}
	return c.Run(ctx)
}

func isElasticsearch(pkg string) bool { return slices.Contains(onElasticsearch, pkg) }

func isOpenSearch(pkg string) bool { return slices.Contains(onOpenSearch, pkg) }

func isOnEngine(pkg string) bool { return isElasticsearch(pkg) || isOpenSearch(pkg) }

func isFaults(pkg string) bool { return pkg == faultSuite }

func isOutputs(pkg string) bool { return pkg == outputSuite }

func isSystem(pkg string) bool { return !isUnit(pkg) && !isOnEngine(pkg) }

func isUnit(pkg string) bool {
	return pkg != systemTests && !strings.HasPrefix(pkg, systemTests+"/")
}
