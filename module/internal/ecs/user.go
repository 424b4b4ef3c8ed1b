// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Users: who did it, and to whom it was done.

package ecs

import (
	"onepasswordbeat/module/internal/decode"
)

// UserSchema returns the known keys of a user object whose values become user.*. The reference calls a user's kind
// user_type, live data calls it type; it stays as type.
func UserSchema() decode.Schema {
	return decode.Schema{
		"uuid":              {Slot: UserID, Moved: true},
		"name":              {Slot: UserName, Moved: true},
		"email":             {Slot: UserEmail, Moved: true},
		"type":              {},
		"user_type":         {As: "type"},
		"user_account_uuid": {},
	}
}

// NameSchema describes an object that holds a name, as the setting names of an input adds them; the API sends none so far.
func NameSchema(key string) *decode.Field {
	return &decode.Field{Kind: decode.Object, Object: decode.Schema{key: {}}}
}

// User sets user.* and related.user. The API's name is a person's full name; like Elastic's integration, user.name
// carries it too.
func (d *Doc) User() {
	if u := d.person(UserID, UserName, UserEmail); u != nil {
		d.fields["user"] = u
	}
}

// Target sets user.target.*, the user to whom something was done. It returns the user's fields for additions.
func (d *Doc) Target(id, name, email decode.Slot) {
	t := d.person(id, name, email)
	if t == nil {
		return
	}
	u, ok := d.fields["user"].(map[string]any)
	if !ok {
		u = make(map[string]any)
		d.fields["user"] = u
	}
	u["target"] = t
}

// Relate adds a user to related.user who is neither the actor nor the target.
func (d *Doc) Relate(slots ...decode.Slot) {
	for _, s := range slots {
		d.relateUser(d.Text(s))
	}
}

// Group sets group.id.
func (d *Doc) Group(id decode.Slot) {
	if v := d.Value(id); v != nil {
		d.fields["group"] = map[string]any{"id": v}
	}
}

func (d *Doc) person(id, name, email decode.Slot) map[string]any {
	var u map[string]any
	u = set(u, "id", d.Value(id))
	u = set(u, "full_name", d.Value(name))
	u = set(u, "name", d.Value(name))
	u = set(u, "email", d.Value(email))
	d.relateUser(d.Text(id))
	d.relateUser(d.Text(name))
	d.relateUser(d.Text(email))
	return u
}

// Who returns the first of the slots' texts that is not empty, for messages.
func (d *Doc) Who(slots ...decode.Slot) string {
	for _, s := range slots {
		if text := d.Text(s); text != "" {
			return text
		}
	}
	return ""
}
