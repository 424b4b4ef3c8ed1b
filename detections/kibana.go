// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The form in which Kibana imports rules: one JSON object per line. Kibana's public API reference describes the fields
// (POST /api/detection_engine/rules); all of them are known to 8.18.

package detections

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Page is where the documentation of the rules is; an anchor is a rule's slug.
const Page = "https://github.com/onepasswordbeat/onepasswordbeat/blob/main/docs/detections.md"

// kibanaRule is a rule for the import. Keys that belong to one type only are left out of the others.
type kibanaRule struct {
	RuleID              string              `json:"rule_id"`
	Version             int                 `json:"version"`
	Name                string              `json:"name"`
	Description         string              `json:"description"`
	Type                string              `json:"type"`
	Language            string              `json:"language"`
	Query               string              `json:"query"`
	Threshold           *kibanaThreshold    `json:"threshold,omitempty"`
	NewTermsFields      []string            `json:"new_terms_fields,omitempty"`
	HistoryWindowStart  string              `json:"history_window_start,omitempty"`
	Index               []string            `json:"index"`
	Filters             []string            `json:"filters"`
	Interval            string              `json:"interval"`
	From                string              `json:"from"`
	To                  string              `json:"to"`
	TimestampOverride   string              `json:"timestamp_override"`
	FallbackDisabled    bool                `json:"timestamp_override_fallback_disabled"`
	Severity            string              `json:"severity"`
	SeverityMapping     []string            `json:"severity_mapping"`
	RiskScore           int                 `json:"risk_score"`
	RiskScoreMapping    []string            `json:"risk_score_mapping"`
	MaxSignals          int                 `json:"max_signals"`
	Enabled             bool                `json:"enabled"`
	Author              []string            `json:"author"`
	License             string              `json:"license"`
	Tags                []string            `json:"tags"`
	FalsePositives      []string            `json:"false_positives"`
	References          []string            `json:"references"`
	Threat              []kibanaThreat      `json:"threat"`
	RequiredFields      []kibanaField       `json:"required_fields"`
	RelatedIntegrations []kibanaIntegration `json:"related_integrations"`
	InvestigationFields struct {
		FieldNames []string `json:"field_names"`
	} `json:"investigation_fields"`
	Note           string   `json:"note"`
	Setup          string   `json:"setup"`
	Actions        []string `json:"actions"`
	ExceptionsList []string `json:"exceptions_list"`
}

type kibanaThreshold struct {
	Field       []string            `json:"field"`
	Value       int                 `json:"value"`
	Cardinality []kibanaCardinality `json:"cardinality"`
}

type kibanaCardinality struct {
	Field string `json:"field"`
	Value int    `json:"value"`
}

type kibanaField struct {
	Name string `json:"name"`
	Type string `json:"type"`
	ECS  bool   `json:"ecs"`
}

type kibanaIntegration struct {
	Package string `json:"package"`
	Version string `json:"version"`
}

type kibanaTactic struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Reference string `json:"reference"`
}

type kibanaTechnique struct {
	kibanaTactic
	Subtechnique []kibanaTactic `json:"subtechnique,omitempty"`
}

type kibanaThreat struct {
	Framework string            `json:"framework"`
	Tactic    kibanaTactic      `json:"tactic"`
	Technique []kibanaTechnique `json:"technique"`
}

// NDJSON is the file for Kibana's import. types are the Elasticsearch types of the fields.
func NDJSON(rules []Rule, types map[string]string) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	for _, r := range rules {
		k, err := r.kibana(types)
		if err == nil {
			err = e.Encode(k)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.Slug, err)
		}
	}
	return b.Bytes(), nil
}

func (r *Rule) kibana(types map[string]string) (*kibanaRule, error) {
	k := &kibanaRule{
		RuleID: r.ID, Version: r.Version, Name: r.Name, Description: r.Description, Type: r.Kind, Language: "kuery", Query: r.Query,
		Index: []string{Index}, Filters: []string{}, Interval: r.Every, From: "now-" + r.LookBack, To: "now", TimestampOverride: "event.ingested",
		Severity: r.Severity, SeverityMapping: []string{}, RiskScore: r.Risk, RiskScoreMapping: []string{}, MaxSignals: 100,
		Author: []string{"The onepasswordbeat authors"}, License: "Apache-2.0", Tags: r.tags(), FalsePositives: r.FalsePositives,
		References:          r.references(),
		RelatedIntegrations: []kibanaIntegration{{"1password", "^2.0.0"}}, Threat: r.threat(), Note: r.note(), Setup: setup,
		Actions: []string{}, ExceptionsList: []string{},
	}
	k.InvestigationFields.FieldNames = r.Highlight
	switch r.Kind {
	case EQL:
		k.Language = EQL
	case NewTerms:
		k.NewTermsFields, k.HistoryWindowStart = r.New, "now-"+r.History
	case Threshold:
		k.Threshold = &kibanaThreshold{Field: r.Threshold.By, Value: r.Threshold.AtLeast, Cardinality: []kibanaCardinality{}}
		if d := r.Threshold.Distinct; d != nil {
			k.Threshold.Cardinality = append(k.Threshold.Cardinality, kibanaCardinality{d.Field, d.AtLeast})
		}
	}
	for _, name := range r.Fields() {
		kind := types[name]
		if kind == "" {
			return nil, fmt.Errorf("the field %s is not among the beat's", name)
		}
		k.RequiredFields = append(k.RequiredFields, kibanaField{name, kind, !strings.HasPrefix(name, "onepassword.")})
	}
	return k, nil
}

const setup = "The rule reads the data streams of onepasswordbeat or of the 1Password integration (`logs-1password.*-*`), version 2 or newer. " +
	"It needs the event types whose datasets its query names; allow them when you issue the token of the Events API."

// references are this rule's documentation and 1Password's of the events.
func (r *Rule) references() []string {
	urls := []string{Page + "#" + r.Slug}
	for _, of := range []struct{ dataset, page string }{
		{"1password.audit_events", "audit-events"}, {"1password.item_usages", "item-usage-actions"}, {"1password.signin_attempts", "reference"},
	} {
		if r.Uses(of.dataset) {
			urls = append(urls, "https://developer.1password.com/docs/events-api/"+of.page)
		}
	}
	return urls
}

// tags are for filters in the list of rules.
func (r *Rule) tags() []string {
	tags := []string{"Data Source: 1Password", "Domain: Identity"}
	if len(r.Attack) == 0 {
		return append(tags, "Use Case: Log Health")
	}
	tags = append(tags, "Use Case: Threat Detection")
	for _, tactic := range slices.Sorted(maps.Keys(r.Attack)) {
		tags = append(tags, "Tactic: "+Attack.Tactics[tactic])
	}
	return tags
}

func (r *Rule) threat() []kibanaThreat {
	threats := []kibanaThreat{}
	for _, tactic := range slices.Sorted(maps.Keys(r.Attack)) {
		threat := kibanaThreat{Framework: "MITRE ATT&CK", Tactic: named("tactics", tactic, Attack.Tactics)}
		for _, id := range r.Attack[tactic] {
			one := named("techniques", id, Attack.Techniques)
			if strings.Contains(id, ".") {
				last := &threat.Technique[len(threat.Technique)-1]
				last.Subtechnique = append(last.Subtechnique, one)
				continue
			}
			threat.Technique = append(threat.Technique, kibanaTechnique{kibanaTactic: one})
		}
		threats = append(threats, threat)
	}
	return threats
}

func named(folder, id string, names map[string]string) kibanaTactic {
	return kibanaTactic{id, names[id], AttackURL(folder, id)}
}

// AttackURL is the page of a tactic or technique; folder is "tactics" or "techniques".
func AttackURL(folder, id string) string {
	return "https://attack.mitre.org/" + folder + "/" + strings.ReplaceAll(id, ".", "/") + "/"
}

// note is the investigation guide.
func (r *Rule) note() string {
	var b strings.Builder
	fmt.Fprintf(&b, "## What it means\n\n%s\n\n## Why it matters\n\n%s\n\n## How to investigate\n\n", r.Meaning, r.Why)
	b.WriteString("Run the queries in Discover or Timeline on `" + Index + "`, with the values of the alert or of its events in the place of `{{…}}`.\n")
	for i, s := range r.Investigate {
		fmt.Fprintf(&b, "\n%d. %s\n\n   ```\n   %s\n   ```\n", i+1, s.Look, s.Query)
	}
	b.WriteString("\n## False positives\n\n")
	for _, f := range r.FalsePositives {
		b.WriteString("- " + f + "\n")
	}
	fmt.Fprintf(&b, "\n## Tuning\n\n%s\n\n## Severity\n\n%s\n", r.Tune, r.Because)
	return b.String()
}
