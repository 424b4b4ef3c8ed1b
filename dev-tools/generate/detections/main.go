// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Command detections writes what is made of the declarations of the detection rules: the file that Kibana imports and
// docs/detections.md. Run it from the root of the repository:
//
//	go run ./dev-tools/generate/detections
package main

import (
	"fmt"

	"onepasswordbeat/detections"
	"onepasswordbeat/dev-tools/generate/fields/fielddefs"
	"onepasswordbeat/dev-tools/generate/output"
	"onepasswordbeat/module"
)

// The files that are written, below the root of the repository.
const (
	importFile = "detections/onepassword-detection-rules.ndjson"
	pageFile   = "docs/detections.md"
)

func main() { output.Main("detections", generate) }

func generate(root string) (output.Files, error) {
	rules, err := detections.All()
	if err != nil {
		return nil, err
	}
	set, err := fielddefs.Load(root, module.All())
	if err != nil {
		return nil, err
	}
	types := make(map[string]string, len(set.Fields))
	for _, f := range set.Fields {
		types[f.Name] = f.Type
	}
	lines, err := detections.NDJSON(rules, types)
	if err != nil {
		return nil, err
	}
	page, err := page(rules)
	if err != nil {
		return nil, fmt.Errorf("cannot write %s: %w", pageFile, err)
	}
	return output.Files{importFile: lines, pageFile: page}, nil
}
