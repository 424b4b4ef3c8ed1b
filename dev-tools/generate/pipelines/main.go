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

	"onepasswordbeat/dev-tools/generate/fields/fielddefs"
	"onepasswordbeat/dev-tools/generate/output"
	"onepasswordbeat/module"
)

func main() { output.Main("pipelines", generate) }

// generate returns the content of each generated file by its path.
func generate(root string) (output.Files, error) {
	set, err := fielddefs.Load(root, module.All())
	if err != nil {
		return nil, err
	}
	files := output.Files{}
	for _, m := range module.All() {
		stream := output.Integration + "/data_stream/" + m.Name + "/"
		tests, err := pipelineTests(root, m, set)
		if err != nil {
			return nil, err
		}
		for name, content := range tests {
			files[stream+name] = content
		}
		if files[stream+"elasticsearch/ingest_pipeline/default.yml"], err = pipeline(m, set); err != nil {
			return nil, fmt.Errorf("the pipeline of %s: %w", m.Name, err)
		}
	}
	return files, nil
}
