// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package detections declares the detection rules for Elastic Security: a file for each in rules/, named by its slug. The
// file that Kibana imports, onepassword-detection-rules.ndjson, and docs/detections.md are generated from them by
// dev-tools/generate/detections; tests/detections runs them on events.
package detections

import (
	"bytes"
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Index is what every rule searches: the data streams of all event types in all namespaces.
const Index = "logs-1password.*-*"

// The kinds of rules, as Kibana names them.
const (
	Query     = "query"     // an alert for each event
	Threshold = "threshold" // an alert for each value of a field with enough events
	NewTerms  = "new_terms" // an alert for each combination of values that the history does not have
	EQL       = "eql"       // an alert for each sequence of events
)

// Rule is one declaration. Texts are Markdown.
type Rule struct {
	Slug    string `yaml:"-"`       // the name of its file, and its anchor in the documentation
	Number  int    `yaml:"number"`  // its place in lists
	ID      string `yaml:"id"`      // rule_id of Kibana: never changes, so that an import replaces the rule
	Version int    `yaml:"version"` // goes up with every change of what Kibana imports
	Name    string `yaml:"name"`
	Kind    string `yaml:"kind"`

	Severity string `yaml:"severity"`
	Risk     int    `yaml:"risk"`    // 21, 47, 73 or 99: Kibana's scores of the severities
	Because  string `yaml:"because"` // the reason for severity and risk

	Every    string `yaml:"every"`     // interval between runs
	LookBack string `yaml:"look_back"` // how far back a run searches, by the time of arrival
	History  string `yaml:"history"`   // of new_terms: how far back values are known

	Query     string     `yaml:"query"` // KQL, or EQL of that kind
	Threshold *Limit     `yaml:"threshold"`
	New       []string   `yaml:"new"` // of new_terms: the fields whose combination is new
	Highlight []string   `yaml:"highlight"`
	Attack    techniques `yaml:"attack"` // techniques by tactic, by their ids

	Description    string   `yaml:"description"`
	Meaning        string   `yaml:"meaning"`
	Why            string   `yaml:"why"`
	FalsePositives []string `yaml:"false_positives"`
	Tune           string   `yaml:"tune"`
	Investigate    []Step   `yaml:"investigate"`
}

type techniques map[string][]string

// Limit is a threshold: an alert for each combination of values of By in AtLeast events, with enough values of another field.
type Limit struct {
	By       []string `yaml:"by"`
	AtLeast  int      `yaml:"at_least"`
	Distinct *struct {
		Field   string `yaml:"field"`
		AtLeast int    `yaml:"at_least"`
	} `yaml:"distinct"`
}

// Step is a step of an investigation. Its query is KQL in which {{field}} stands for the alert's value.
type Step struct {
	Look  string `yaml:"look"`
	Query string `yaml:"query"`
}

//go:embed rules/*.yml
var files embed.FS

//go:embed attack.yml
var attackYAML []byte

// Names are the names of ATT&CK tactics and techniques by their ids.
type Names struct {
	Tactics    map[string]string `yaml:"tactics"`
	Techniques map[string]string `yaml:"techniques"`
}

// Attack has the names that the rules use. It is read-only.
var Attack = readNames()

func readNames() (names Names) {
	if err := decode(attackYAML, &names); err != nil { // a broken embedded file, which the tests rule out
		panic(fmt.Sprintf("embedded table attack.yml: %v", err))
	}
	return names
}

// All returns the rules in the order of their numbers.
func All() ([]Rule, error) {
	names, err := fs.Glob(files, "rules/*.yml")
	if err != nil {
		return nil, err
	}
	var rules []Rule
	var errs []error
	for _, name := range names {
		content, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		r := Rule{Slug: strings.TrimSuffix(path.Base(name), ".yml")}
		if err := errors.Join(decode(content, &r), r.check()); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
		rules = append(rules, r)
	}
	slices.SortFunc(rules, func(a, b Rule) int { return cmp.Compare(a.Number, b.Number) })
	return rules, errors.Join(append(errs, checkAll(rules))...)
}

func decode(content []byte, into any) error {
	d := yaml.NewDecoder(bytes.NewReader(content))
	d.KnownFields(true)
	return d.Decode(into)
}

// Span is a time span of a declaration, such as 5m, 72h or 30d.
func Span(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		d, err := time.ParseDuration(days + "h")
		return 24 * d, err
	}
	return time.ParseDuration(text)
}
