// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package auditevents maps audit events: what administrators, members and service accounts changed in the account.
package auditevents

import (
	"time"

	"github.com/elastic/beats/v7/libbeat/beat"

	"onepasswordbeat/module/internal/decode"
	"onepasswordbeat/module/internal/ecs"
)

const dataset = "1password.audit_events"

// Module describes the event type.
var Module = ecs.Module{
	Name:    "audit_events",
	Path:    "auditevents",
	Feature: "auditevents",
	Dataset: dataset,
	Title:   "Audit events",
	Named:   true,
	Overlap: 24 * time.Hour,
	Schema:  schema,
	Map:     mapEvent,
}

var schema = decode.Schema{
	"uuid":       {Slot: ecs.UUID},
	"timestamp":  {Slot: ecs.Timestamp, Moved: true},
	"actor_uuid": {Slot: ecs.UserID, Moved: true},
	"actor_details": {Kind: decode.Object, Object: decode.Schema{
		"uuid":  {Slot: ecs.ActorDetailsID},
		"name":  {Slot: ecs.UserName, Moved: true},
		"email": {Slot: ecs.UserEmail, Moved: true},
	}},
	"actor_type":         {},
	"actor_account_uuid": {},
	"account_uuid":       {Slot: ecs.AccountID, Moved: true},
	"action":             {Slot: ecs.Action, Moved: true},
	"object_type":        {Slot: ecs.ObjectType},
	"object_uuid":        {Slot: ecs.ObjectID},
	"object_details": {Kind: decode.Object, Object: decode.Schema{
		"uuid":  {},
		"name":  {Slot: ecs.ObjectName},
		"email": {Slot: ecs.ObjectEmail},
	}},
	"aux_id":   {Kind: decode.Integer},
	"aux_uuid": {Slot: ecs.AuxID},
	"aux_details": {Kind: decode.Object, Object: decode.Schema{
		"uuid":  {},
		"name":  {Slot: ecs.AuxName},
		"email": {Slot: ecs.AuxEmail},
	}},
	"aux_info": {Slot: ecs.AuxInfo},
	"session": {Kind: decode.Object, Object: decode.Schema{
		"uuid":        {Slot: ecs.SessionID},
		"device_uuid": {},
		"login_time":  {Kind: decode.Time},
		"ip":          {Slot: ecs.IP, Moved: true},
	}},
	"location":   ecs.LocationSchema(),
	"vault":      ecs.NameSchema("name"),
	"item":       ecs.NameSchema("title"),
	"self_grant": {As: "self_grant_"}, // the name is the mapping's own
}.Prepare()

func mapEvent(raw []byte) (beat.Event, bool, error) {
	var d ecs.Doc
	if err := d.Begin(dataset, schema, raw); err != nil {
		return d.Failed(), false, err
	}
	if action := d.Value(ecs.Action); action != nil {
		d.Event["action"] = action
	}
	action, known := Lookup(d.Text(ecs.Action), d.Text(ecs.ObjectType))
	d.Classify(action.Category, action.Type, action.Outcome())
	d.User()
	parties(&d, action)
	d.Source()
	if known {
		d.Rest["action_name"] = action.Name
	}
	if selfGrant(&d, action) {
		d.Rest["self_grant"] = true
	}
	if session := d.Value(ecs.SessionID); session != nil {
		d.Rest["session_uuid"] = session
	}
	d.Describe(action.Name, subject(&d, action), d.Who(ecs.UserName, ecs.UserEmail, ecs.UserID))
	return d.Finish(), known, nil
}

// parties says whom and what the action concerned. The API gives details, a name and an e-mail address, of team
// members only, so a subject with details is a user even where the table does not say so.
func parties(d *ecs.Doc, a *Action) {
	objectIsUser := a.Object.isUser() || d.Value(ecs.ObjectName) != nil || d.Value(ecs.ObjectEmail) != nil
	auxIsUser := a.Aux.isUser() || d.Value(ecs.AuxName) != nil || d.Value(ecs.AuxEmail) != nil
	switch {
	case objectIsUser:
		d.Target(ecs.ObjectID, ecs.ObjectName, ecs.ObjectEmail)
		if auxIsUser {
			d.Relate(ecs.AuxID, ecs.AuxName, ecs.AuxEmail)
		}
	case auxIsUser:
		d.Target(ecs.AuxID, ecs.AuxName, ecs.AuxEmail)
	case a.Info == InfoEmail:
		d.Target(0, 0, ecs.AuxInfo)
	}
	place(d, a.Object, ecs.ObjectID)
	place(d, a.Aux, ecs.AuxID)
}

// selfGrant reports whether the actor gave the access to himself. The API says so by equal ids, which no rule
// language of Kibana can compare.
func selfGrant(d *ecs.Doc, a *Action) bool {
	return a.Grants && d.Value(ecs.UserID) != nil && d.Text(ecs.UserID) == d.Text(ecs.AuxID)
}

// place puts the id of an object under the field that other event types have for it, too.
func place(d *ecs.Doc, role Role, id decode.Slot) {
	v := d.Value(id)
	if v == nil {
		return
	}
	switch role {
	case RoleGroup:
		d.Group(id)
	case RoleVault:
		d.Rest["vault_uuid"] = v
	case RoleItem:
		d.Rest["item_uuid"] = v
	default: // users are the target, and nothing else has a field of its own
	}
}

// subject names what the action concerned, for the summary.
func subject(d *ecs.Doc, a *Action) string {
	if who := d.Who(ecs.ObjectName, ecs.ObjectEmail, ecs.AuxName, ecs.AuxEmail); who != "" {
		return who
	}
	if a.Info.isName() {
		return d.Text(ecs.AuxInfo)
	}
	return ""
}
