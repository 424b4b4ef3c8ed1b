// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Command pipelines writes the ingest pipelines of the integration package and their tests. Run it from the root of the repository:
//
//	go run ./dev-tools/generate/pipelines
//
// pipeline.yml is the pipeline of all data streams and painless/ has its scripts. The tables that the scripts go by are those of the beat's
// mapping in module/, so that an action, an outcome or a key is declared once. The expected documents of the tests are what the beat's mapping makes.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"onepasswordbeat/dev-tools/generate/fields/fielddefs"
	"onepasswordbeat/module"
)

func main() {
	if err := run("."); err != nil {
		fmt.Fprintln(os.Stderr, "pipelines:", err)
		os.Exit(1)
	}
}

// run writes all files below root.
func run(root string) error {
	set, err := fielddefs.Load(root, module.All())
	if err != nil {
		return err
	}
	for _, m := range module.All() {
		stream := filepath.Join(root, "packages", "1password", "data_stream", m.Name)
		files, err := pipelineTests(root, m)
		if err != nil {
			return err
		}
		if files["elasticsearch/ingest_pipeline/default.yml"], err = pipeline(m, set); err != nil {
			return fmt.Errorf("the pipeline of %s: %w", m.Name, err)
		}
		for name, content := range files {
			path := filepath.Join(stream, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
				return err
			}
			if err := os.WriteFile(path, content, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}
