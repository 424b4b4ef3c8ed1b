// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The action table: what each documented pair of action and object type means.

package auditevents

import (
	_ "embed"

	"onepasswordbeat/module/internal/ecs"
)

//go:embed actions.yml
var actionsYAML []byte

//go:embed values.yml
var valuesYAML []byte

// Role says what an event's object or aux is.
type Role string

// The roles that the mapping acts on; the others are documentation.
const (
	RoleUser           Role = "user"            // user.target.*
	RoleServiceAccount Role = "service_account" // user.target.id: it acts as a user, too
	RoleGroup          Role = "group"           // group.id
	RoleVault          Role = "vault"           // onepassword.vault_uuid
	RoleItem           Role = "item"            // onepassword.item_uuid
)

func (r Role) isUser() bool { return r == RoleUser || r == RoleServiceAccount }

// Info says what an event's aux_info is.
type Info string

// The kinds of aux_info that the mapping acts on; the others are documentation.
const (
	InfoName   Info = "name"   // what the object is called: a token, a service account
	InfoReport Info = "report" // which report
	InfoEmail  Info = "email"  // whose address: user.target.email
)

func (i Info) isName() bool { return i == InfoName || i == InfoReport || i == InfoEmail }

// Action is what the data file says about one pair.
type Action struct {
	Name     string   `yaml:"name"`     // for people
	Category []string `yaml:"category"` // event.category
	Type     []string `yaml:"type"`     // event.type
	Object   Role     `yaml:"object"`   // what object_uuid identifies
	Aux      Role     `yaml:"aux"`      // what aux_uuid identifies
	Info     Info     `yaml:"info"`     // what aux_info is
	Grants   bool     `yaml:"grants"`   // whether it gives aux, a user, access to the object
	Note     string   `yaml:"note"`     // for the documentation

	unknown bool
}

// Outcome is event.outcome: the API records what was done, not what was tried.
func (a *Action) Outcome() string {
	if a.unknown {
		return "unknown"
	}
	return "success"
}

// Pair is an action and the type of the object it was done to.
type Pair struct{ Action, ObjectType string }

// Actions is the action table. It is read-only.
var Actions = flatten(ecs.MustTable[map[string]map[string]*Action]("auditevents/actions.yml", actionsYAML))

func flatten(byType map[string]map[string]*Action) map[Pair]*Action {
	table := make(map[Pair]*Action)
	for objectType, actions := range byType {
		for name, a := range actions {
			table[Pair{name, objectType}] = a
		}
	}
	return table
}

// ObjectType is what the data file says about one type of object, whatever the action.
type ObjectType struct {
	Name   string `yaml:"name"`   // for people
	Object Role   `yaml:"object"` // what object_uuid identifies
	Aux    Role   `yaml:"aux"`    // what aux_uuid identifies
	Info   Info   `yaml:"info"`   // what aux_info is
}

// Values are the API's actions and types of objects one by one, for pairs that the action table does not have. Read-only.
var Values = ecs.MustTable[struct {
	Verbs map[string]string      `yaml:"verbs"` // what an action does, as it follows the type's name
	Types map[string]*ObjectType `yaml:"types"`
}]("auditevents/values.yml", valuesYAML)

// Lookup finds a pair in the table. A pair that is not there gets an entry of its own: with the roles of its type of
// object, and with a name if both values are documented. Otherwise it is not known.
func Lookup(action, objectType string) (a *Action, known bool) {
	if a, known = Actions[Pair{action, objectType}]; known {
		return a, true
	}
	a = &Action{Category: []string{"configuration"}, Type: []string{"info"}}
	t := Values.Types[objectType]
	verb, known := Values.Verbs[action]
	known = known && t != nil
	if t != nil {
		a.Object, a.Aux, a.Info = t.Object, t.Aux, t.Info
	}
	switch {
	case known:
		a.Name = t.Name + ": " + verb
	case action != "" || objectType != "":
		a.Name = "Unknown action " + action + "/" + objectType
	default:
		a.Name = "Unknown action"
	}
	a.unknown = !known
	return a, known
}
