// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The documentation page.

package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template"

	"onepasswordbeat/detections"
)

//go:embed detections.md.tmpl
var text string

func page(rules []detections.Rule) ([]byte, error) {
	alerts, err := detections.NormalWeek()
	if err != nil {
		return nil, err
	}
	t, err := template.New("page").Funcs(template.FuncMap{
		"attack": attack,
		"kind":   func(r detections.Rule) string { return kinds[r.Kind] },
		"alerts": func(r detections.Rule) (int, error) {
			n, ok := alerts[r.Slug]
			if !ok {
				return 0, fmt.Errorf("normal_week.yml has no number for %s", r.Slug)
			}
			return n, nil
		},
		"language": func(r detections.Rule) string {
			if r.Kind == detections.EQL {
				return "eql"
			}
			return "text"
		},
		"code": func(names []string) string { return "`" + strings.Join(names, "`, `") + "`" },
		"next": func(i int) int { return i + 1 },
	}).Parse(text)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, rules)
	return b.Bytes(), err
}

// kinds names the kinds of rules as Kibana's pages do.
var kinds = map[string]string{
	detections.Query:     "custom query",
	detections.Threshold: "threshold",
	detections.NewTerms:  "new terms",
	detections.EQL:       "event correlation (EQL)",
}

// attack is the list of tactics and techniques, with links.
func attack(r detections.Rule) string {
	var parts []string
	for _, tactic := range slices.Sorted(maps.Keys(r.Attack)) {
		var list []string
		for _, id := range r.Attack[tactic] {
			list = append(list, fmt.Sprintf("[%s %s](%s)", id, detections.Attack.Techniques[id], detections.AttackURL("techniques", id)))
		}
		parts = append(parts, fmt.Sprintf("[%s](%s): %s", detections.Attack.Tactics[tactic], detections.AttackURL("tactics", tactic), strings.Join(list, ", ")))
	}
	if len(parts) == 0 {
		return "none; the rule watches the collection"
	}
	return strings.Join(parts, "; ")
}
