// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The fields that a rule needs.

package detections

import (
	"regexp"
	"slices"
	"strings"
)

var (
	quoted = regexp.MustCompile(`"[^"]*"`)
	dotted = regexp.MustCompile(`[a-z_]+(\.[a-z_]+)+`)
	marked = regexp.MustCompile(`\{\{([^}]+)\}\}`)
)

// Fields are the names of the fields that the rule searches or counts by, sorted. All of our fields but @timestamp have a dot
// in their names.
func (r *Rule) Fields() []string {
	names := dotted.FindAllString(withoutValues(r.Query), -1)
	names = append(names, r.New...)
	if l := r.Threshold; l != nil {
		names = append(names, l.By...)
		if l.Distinct != nil {
			names = append(names, l.Distinct.Field)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// withoutValues leaves out quoted values, and values with a wildcard, which are not quoted.
func withoutValues(query string) string {
	words := strings.Fields(quoted.ReplaceAllString(query, `""`))
	words = slices.DeleteFunc(words, func(w string) bool { return strings.HasPrefix(w, "*") })
	return strings.Join(words, " ")
}

// Fill puts values in the place of {{field}} in the step's query.
func (s Step) Fill(value func(field string) string) string {
	return marked.ReplaceAllStringFunc(s.Query, func(mark string) string { return value(strings.Trim(mark, "{}")) })
}

// Uses says whether the rule searches events of a dataset, such as 1password.item_usages. A rule that names none searches all.
func (r *Rule) Uses(dataset string) bool {
	return strings.Contains(r.Query, `"`+dataset+`"`) || !strings.Contains(r.Query, `data_stream.dataset`)
}
