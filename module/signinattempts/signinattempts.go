// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package signinattempts maps sign-in attempts: who tried to sign in, from where, and how it ended.
package signinattempts

import (
	_ "embed"
	"time"

	"github.com/elastic/beats/v7/libbeat/beat"

	"onepasswordbeat/module/internal/decode"
	"onepasswordbeat/module/internal/ecs"
)

const dataset = "1password.signin_attempts"

// Module describes the event type.
var Module = ecs.Module{
	Name:    "signin_attempts",
	Path:    "signinattempts",
	Feature: "signinattempts",
	Dataset: dataset,
	Title:   "Sign-in attempts",
	Overlap: 24 * time.Hour,
	Schema:  schema,
	Map:     mapEvent,
}

//go:embed outcomes.yml
var outcomesYAML []byte

// Category is what the data file says about one category of attempts.
type Category struct {
	Outcome string `yaml:"outcome"` // event.outcome
	Check   string `yaml:"check"`   // which check failed, or would have: credentials, mfa, sso, app_version, firewall
	Ending  string `yaml:"ending"`  // how the attempt ended, for people
}

// Outcomes are the tables of the API's categories, and of its types with the reason each stands for. Read-only.
var Outcomes = ecs.MustTable[struct {
	Categories map[string]Category `yaml:"categories"`
	Types      map[string]string   `yaml:"types"`
}]("signinattempts/outcomes.yml", outcomesYAML)

var (
	eventCategory = []string{"authentication"}
	eventType     = []string{"start"}
)

var schema = decode.Schema{
	"uuid":         {Slot: ecs.UUID},
	"session_uuid": {},
	"timestamp":    {Slot: ecs.Timestamp, Moved: true},
	"country":      {Slot: ecs.SignInCountry},
	"category":     {Slot: ecs.Action, Moved: true},
	"type":         {Slot: ecs.Type},
	"details": {Kind: decode.Object, Object: decode.Schema{
		"value": {Slot: ecs.Detail},
	}},
	"target_user":  {Kind: decode.Object, Object: ecs.UserSchema()},
	"client":       ecs.ClientSchema(),
	"location":     ecs.LocationSchema(),
	"account_uuid": {Slot: ecs.AccountID, Moved: true},
}.Prepare()

func mapEvent(raw []byte) (beat.Event, bool, error) {
	var d ecs.Doc
	if err := d.Begin(dataset, schema, raw); err != nil {
		return d.Failed(), false, err
	}
	category, known := Outcomes.Categories[d.Text(ecs.Action)]
	if !known {
		category = Category{Outcome: "unknown", Ending: "ended in an unknown way"}
	}
	if action := d.Value(ecs.Action); action != nil {
		d.Event["action"] = action
	}
	d.Classify(eventCategory, eventType, category.Outcome)
	reason, knownType := Outcomes.Types[d.Text(ecs.Type)]
	if knownType {
		d.Event["reason"] = reason
	}
	if category.Check != "" {
		d.Rest["failed_check"] = category.Check
	}
	d.User()
	d.Client()
	d.Source()
	d.Say(summary(&d, category.Ending, reason))
	return d.Finish(), known && knownType, nil
}

// summary is like "Sign-in of Wendy Appleseed failed: blocked continent (Europe)".
func summary(d *ecs.Doc, ending, reason string) string {
	if reason == "" {
		reason = d.Text(ecs.Type)
	}
	if reason != "" {
		reason = ": " + reason
	}
	if value := d.Text(ecs.Detail); value != "" {
		reason += " (" + value + ")"
	}
	who := d.Who(ecs.UserName, ecs.UserEmail, ecs.UserID)
	if who != "" {
		who = " of " + who
	}
	return "Sign-in" + who + " " + ending + reason
}
