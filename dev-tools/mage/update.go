// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// update: everything in the repository that a program writes.

package mage

import (
	"context"
	"path"
	"path/filepath"
)

// generators is every generator there is, in the order in which they run: a later one
// may read what an earlier one wrote. A generator gives the same bytes each time it
// runs on the same sources; check:generated fails otherwise.
var generators = []Step{
	{"fields", generator("./dev-tools/generate/fields")},
	{"config", generator("./dev-tools/generate/config")},
	{"architecture", generator("./dev-tools/generate/architecture")},
	{"metrics", generator("./dev-tools/generate/metrics")},
	{"migration", generator("./dev-tools/generate/migration")},
	{"dashboards", generator("./dev-tools/generate/dashboards")},
	{"detections", generator("./dev-tools/generate/detections")},
	{"streams", generator("./dev-tools/generate/integration/streams")},
	{"integration", generator("./dev-tools/generate/integration")},
	{"pipelines", generator("./dev-tools/generate/pipelines")},
	{"notice", Notice},
}

// Update runs every generator.
func Update(ctx context.Context) error { return RunSteps(ctx, generators) }

// generator is a Go program that writes files of the repository when it is run at
// the root.
func generator(pkg string) func(context.Context) error {
	return func(ctx context.Context) error {
		program := filepath.Join(BuildDir, "generate", executable(path.Base(pkg)))
		c := Go("building "+pkg, "build", "-v", "-o", program, pkg)
		c.CountPackages = true
		if err := c.Run(ctx); err != nil {
			return err
		}
		return Command{Args: []string{program}, Label: "running " + pkg}.Run(ctx)
	}
}
