// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What a declaration has to have.

package detections

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// scores are Kibana's default risk scores of the severities.
var scores = map[string]int{"low": 21, "medium": 47, "high": 73, "critical": 99}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// check is an error for what is missing or does not fit.
func (r *Rule) check() error {
	var errs []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	need(uuid.MatchString(r.ID), "id %q is not a UUID", r.ID)
	need(r.Number > 0 && r.Version > 0, "number and version begin at 1")
	need(strings.HasPrefix(r.Name, "1Password "), "the name %q does not begin with 1Password", r.Name)
	need(scores[r.Severity] == r.Risk && r.Risk > 0, "severity %q has the risk score %d, not %d", r.Severity, scores[r.Severity], r.Risk)
	for key, text := range map[string]string{
		"because": r.Because, "query": r.Query, "description": r.Description, "meaning": r.Meaning, "why": r.Why, "tune": r.Tune,
	} {
		need(text != "", "%s is missing", key)
	}
	need(len(r.FalsePositives) > 0 && len(r.Investigate) > 0 && len(r.Highlight) > 0 && r.Attack != nil,
		"false_positives, investigate, highlight and attack must be there")
	need((r.Kind == Threshold) == (r.Threshold != nil), "threshold belongs to kind %s", Threshold)
	need((r.Kind == NewTerms) == (len(r.New) > 0 && len(r.New) <= 3), "one to three fields new belong to kind %s", NewTerms)
	need(slices.Contains([]string{Query, Threshold, NewTerms, EQL}, r.Kind), "unknown kind %q", r.Kind)
	return errors.Join(append(errs, r.checkTimes(), r.checkAttack())...)
}

// checkTimes requires that runs overlap and that a history is longer than a run.
func (r *Rule) checkTimes() error {
	every, err := Span(r.Every)
	if err != nil {
		return err
	}
	back, err := Span(r.LookBack)
	if err != nil {
		return err
	}
	if back < 2*every || every < time.Minute {
		return fmt.Errorf("look_back %s must be at least twice every %s", r.LookBack, r.Every)
	}
	if r.Kind != NewTerms {
		return nil
	}
	if history, err := Span(r.History); err != nil || history <= back {
		return fmt.Errorf("history %q must be longer than look_back %s", r.History, r.LookBack)
	}
	return nil
}

func (r *Rule) checkAttack() error {
	for tactic, list := range r.Attack {
		if Attack.Tactics[tactic] == "" || len(list) == 0 {
			return fmt.Errorf("unknown or empty tactic %s", tactic)
		}
		for _, id := range list {
			parent, _, sub := strings.Cut(id, ".")
			if Attack.Techniques[id] == "" || sub && !slices.Contains(list, parent) {
				return fmt.Errorf("unknown technique %s, or its technique %s is missing", id, parent)
			}
		}
	}
	return nil
}

// checkAll finds what must not be there twice.
func checkAll(rules []Rule) error {
	seen := make(map[string]string)
	for i, r := range rules {
		if r.Number != i+1 {
			return fmt.Errorf("%s has the number %d, the next one is %d", r.Slug, r.Number, i+1)
		}
		for _, unique := range []string{r.ID, r.Name} {
			if other := seen[unique]; other != "" {
				return fmt.Errorf("%s and %s both have %q", r.Slug, other, unique)
			}
			seen[unique] = r.Slug
		}
	}
	return nil
}
