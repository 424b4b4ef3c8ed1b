// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The names in the text, which the compiler does not check.

package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"onepasswordbeat/internal/harvester"
)

var quoted = regexp.MustCompile("`[a-z0-9_.*]+`")

// ofLibbeat are the counters of an input that libbeat declares, beside ours at
// /inputs/.
var ofLibbeat = []string{"events_pipeline_total", "events_pipeline_published_total", "events_pipeline_filtered_total"}

// suffixes are how a name in the text is known to be one of our metrics: by the
// parts after its last underscore that the declared names have.
func suffixes(defs []harvester.MetricDef) []string {
	var all []string
	for _, d := range defs {
		if i := strings.LastIndex(d.Name, "_"); i >= 0 {
			all = append(all, d.Name[i:])
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// checkNames finds names that look like metrics but are not declared.
func checkNames(text string, defs []harvester.MetricDef) error {
	for _, name := range quoted.FindAllString(text, -1) {
		name = strings.Trim(name, "`")
		looksLikeOne := slices.ContainsFunc(suffixes(defs), func(s string) bool { return strings.HasSuffix(name, s) })
		isOne := slices.ContainsFunc(defs, func(d harvester.MetricDef) bool { return d.Name == name })
		if looksLikeOne && !isOne && !strings.Contains(name, ".") && !slices.Contains(ofLibbeat, name) {
			return fmt.Errorf("the text speaks of the metric %q, which is not declared", name)
		}
	}
	return nil
}
