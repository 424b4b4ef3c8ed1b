// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package itemusages maps item usages: what people did with the items of shared vaults.
package itemusages

import (
	_ "embed"
	"time"

	"github.com/elastic/beats/v7/libbeat/beat"

	"onepasswordbeat/module/internal/decode"
	"onepasswordbeat/module/internal/ecs"
)

const dataset = "1password.item_usages"

// Module describes the event type.
var Module = ecs.Module{
	Name:    "item_usages",
	Path:    "itemusages",
	Feature: "itemusages",
	Dataset: dataset,
	Title:   "Item usages",
	Named:   true,
	Overlap: 7 * 24 * time.Hour,
	Schema:  schema,
	Map:     mapEvent,
}

//go:embed actions.yml
var actionsYAML []byte

// Action is what the data file says about one action.
type Action struct {
	Name     string   `yaml:"name"`     // for people
	Category []string `yaml:"category"` // event.category
	Type     []string `yaml:"type"`     // event.type
}

// Actions is the action table by the API's name. It is read-only.
var Actions = ecs.MustTable[map[string]Action]("itemusages/actions.yml", actionsYAML)

// NoAction stands for an item usage without action, as old apps send it; the API means "other".
const NoAction = "other"

var schema = decode.Schema{
	"uuid":         {Slot: ecs.UUID},
	"timestamp":    {Slot: ecs.Timestamp, Moved: true},
	"used_version": {Kind: decode.Integer},
	"vault_uuid":   {},
	"item_uuid":    {},
	"user":         {Kind: decode.Object, Object: ecs.UserSchema()},
	"client":       ecs.ClientSchema(),
	"location":     ecs.LocationSchema(),
	"vault":        ecs.NameSchema("name"),
	"item":         ecs.NameSchema("title"),
	"action":       {Slot: ecs.Action, Moved: true},
	"account_uuid": {Slot: ecs.AccountID, Moved: true},
}.Prepare()

func mapEvent(raw []byte) (beat.Event, bool, error) {
	var d ecs.Doc
	if err := d.Begin(dataset, schema, raw); err != nil {
		return d.Failed(), false, err
	}
	name := d.Text(ecs.Action)
	if name == "" {
		name = NoAction
	} else {
		d.Event["action"] = d.Value(ecs.Action)
	}
	action, known := Actions[name]
	if !known {
		action = Actions[NoAction]
		action.Name = "Item used (" + name + ")"
	}
	d.Classify(action.Category, action.Type, "success")
	d.User()
	d.Client()
	d.Source()
	d.Describe(action.Name, "", d.Who(ecs.UserName, ecs.UserEmail, ecs.UserID))
	if known {
		d.Rest["action_name"] = action.Name
	}
	return d.Finish(), known, nil
}
