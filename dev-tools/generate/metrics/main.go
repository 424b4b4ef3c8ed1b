// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Command metrics writes docs/metrics.md from the declarations of the metrics in internal/harvester. Run it from the
// root of the repository:
//
//	go run ./dev-tools/generate/metrics
package main

import (
	_ "embed"
	"fmt"
	"strings"

	"onepasswordbeat/dev-tools/generate/output"
	"onepasswordbeat/internal/harvester"
	"onepasswordbeat/internal/prometheus"
)

// target is the file that is written, below the root of the repository.
const target = "docs/metrics.md"

// text is the page; tableMark stands where the table belongs.
//
//go:embed metrics.md.tmpl
var text string

const tableMark = "{{table}}"

func main() { output.Main("metrics", generate) }

func generate(string) (output.Files, error) {
	page, err := fill(text, harvester.MetricDefs())
	if err != nil {
		return nil, err
	}
	return output.Files{target: page}, nil
}

// fill puts the table into the text. Each metric that the text speaks of must
// be a declared one, so that what it advises to watch is there.
func fill(text string, defs []harvester.MetricDef) ([]byte, error) {
	if err := checkNames(text, defs); err != nil {
		return nil, err
	}
	before, after, found := strings.Cut(text, tableMark)
	if !found {
		return nil, fmt.Errorf("the text has no line %q", tableMark)
	}
	return []byte(before + table(defs) + after), nil
}

func table(defs []harvester.MetricDef) string {
	var b strings.Builder
	b.WriteString("| Metric | Kind | Unit | Meaning | At /metrics |\n|---|---|---|---|---|")
	for _, d := range defs {
		fmt.Fprintf(&b, "\n| `%s` | %s | %s | %s | `%s` |", d.Name, d.Kind, d.Unit, strings.ReplaceAll(d.Help, "|", `\|`), prometheus.Name(d))
	}
	return b.String()
}
