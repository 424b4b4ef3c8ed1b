// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Doc: an event under construction, from the decoded item to the finished beat event.

package ecs

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/elastic/beats/v7/libbeat/beat"
	"github.com/elastic/elastic-agent-libs/mapstr"

	"onepasswordbeat/module/internal/decode"
)

// The values of an item that mappings look at. All event types share one list.
const (
	UUID decode.Slot = iota + 1
	Timestamp
	AccountID
	Action
	Type
	UserID
	UserName
	UserEmail
	IP
	Country // of the location
	Region
	City
	Latitude
	Longitude
	SignInCountry
	App
	AppVersion
	Platform
	OS
	OSVersion
	Detail
	ActorDetailsID
	ObjectType
	ObjectID
	ObjectName
	ObjectEmail
	AuxID
	AuxName
	AuxEmail
	AuxInfo
	SessionID
)

// slotNames names the values. Ingest pipelines know them by these names.
var slotNames = [...]string{
	UUID: "uuid", Timestamp: "timestamp", AccountID: "account_id", Action: "action", Type: "type",
	UserID: "user_id", UserName: "user_name", UserEmail: "user_email",
	IP: "ip", Country: "country", Region: "region", City: "city", Latitude: "latitude", Longitude: "longitude", SignInCountry: "sign_in_country",
	App: "app", AppVersion: "app_version", Platform: "platform", OS: "os", OSVersion: "os_version",
	Detail: "detail", ActorDetailsID: "actor_details_id",
	ObjectType: "object_type", ObjectID: "object_id", ObjectName: "object_name", ObjectEmail: "object_email",
	AuxID: "aux_id", AuxName: "aux_name", AuxEmail: "aux_email", AuxInfo: "aux_info", SessionID: "session_id",
}

// MaxID is the longest _id that Elasticsearch takes, in bytes.
const MaxID = 512

// roomy is the size of maps that will get more than the eight entries that fit a small map, so that they do not have
// to grow.
const roomy = 14

// Doc is an event under construction. Its zero value is ready for Begin. It must not be copied.
type Doc struct {
	decode.Record
	Event map[string]any // event.*

	fields       mapstr.M
	source       map[string]any
	time         time.Time
	users, hosts []string // related.*
}

// Begin decodes the item and fills in what all event types have. After an error the document is what Failed returns.
func (d *Doc) Begin(dataset string, schema decode.Schema, raw []byte) error {
	if err := d.Decode(schema, raw); err != nil {
		return err
	}
	id := d.Text(UUID)
	if id == "" {
		return errors.New("the item has no uuid")
	}
	if len(id) > MaxID {
		return fmt.Errorf("the item's uuid has %d bytes, an _id may have %d", len(id), MaxID)
	}
	var ok bool
	if d.time, ok = decode.ParseTime(d.Text(Timestamp)); ok && decode.ZeroTime(d.time) {
		return fmt.Errorf("the timestamp of the item %.26q is the zero value of a client, not a time: %.40q", id, d.Text(Timestamp))
	}
	if !ok {
		return fmt.Errorf("the timestamp of the item %.26q is missing or not RFC 3339: %.40q", id, d.Text(Timestamp))
	}
	d.Event = make(map[string]any, roomy)
	d.Event["id"], d.Event["kind"], d.Event["module"], d.Event["dataset"] = id, "event", "1password", dataset
	d.fields = make(mapstr.M, roomy)
	d.fields["event"], d.fields["ecs"], d.fields["onepassword"] = d.Event, map[string]any{"version": Version}, d.Rest
	if account := d.Value(AccountID); account != nil {
		d.fields["organization"] = map[string]any{"id": account}
	}
	return nil
}

// Failed returns what is known of an item that Begin rejected.
func (d *Doc) Failed() beat.Event {
	ev := beat.Event{Meta: mapstr.M{}, Fields: mapstr.M{}}
	if id := d.Text(UUID); id != "" && len(id) <= MaxID {
		ev.Meta["_id"] = id
	}
	if at, ok := decode.ParseTime(d.Text(Timestamp)); ok && !decode.ZeroTime(at) {
		ev.Timestamp = at
	}
	return ev
}

// Classify sets the categorization fields. The lists come from tables that all events share, so they are copied:
// a user's processors may change an event's lists in place.
func (d *Doc) Classify(category, kind []string, outcome string) {
	both := make([]string, 0, len(category)+len(kind))
	both = append(append(both, category...), kind...)
	n := len(category)
	d.Event["category"] = both[:n:n]
	d.Event["type"] = both[n:len(both):len(both)]
	d.Event["outcome"] = outcome
}

// Say sets the one-line summary of the event.
func (d *Doc) Say(message string) { d.fields["message"] = message }

// Describe sets the summary of what someone did: "User suspended (Jack Doe) by Wendy Appleseed". All but what may be
// empty. People who did something to themselves are named once.
func (d *Doc) Describe(what, subject, who string) {
	if subject == who {
		subject = ""
	}
	switch {
	case subject != "" && who != "":
		d.Say(what + " (" + subject + ") by " + who)
	case subject != "":
		d.Say(what + " (" + subject + ")")
	case who != "":
		d.Say(what + " by " + who)
	default:
		d.Say(what)
	}
}

// Finish returns the event.
func (d *Doc) Finish() beat.Event {
	if d.source != nil {
		d.fields["source"] = d.source
	}
	d.relate()
	return beat.Event{Timestamp: d.time, Meta: mapstr.M{"_id": d.Event["id"]}, Fields: d.fields}
}

func (d *Doc) relate() {
	related := map[string]any{}
	if len(d.users) > 0 {
		related["user"] = d.users
	}
	if len(d.hosts) > 0 {
		related["hosts"] = d.hosts
	}
	if ip, ok := d.source["ip"].(string); ok {
		related["ip"] = []string{ip}
	}
	if len(related) > 0 {
		d.fields["related"] = related
	}
}

// relateUser adds a user's id, name or address to related.user once.
func (d *Doc) relateUser(s string) {
	if s == "" || slices.Contains(d.users, s) {
		return
	}
	if d.users == nil {
		d.users = make([]string, 0, 6)
	}
	d.users = append(d.users, s)
}

// leave puts a value that a builder could not use back under onepassword.<object>.
func (d *Doc) leave(object, key string, v any) {
	if v == nil {
		return
	}
	m, ok := d.Rest[object].(map[string]any)
	if !ok {
		m = map[string]any{}
		d.Rest[object] = m
	}
	m[key] = v
}

func (d *Doc) sourceFields() map[string]any {
	if d.source == nil {
		d.source = make(map[string]any)
	}
	return d.source
}

// set puts a value under key unless there is none, and returns the map, made at need.
func set(m map[string]any, key string, v any) map[string]any {
	if v == nil {
		return m
	}
	if m == nil {
		m = make(map[string]any)
	}
	m[key] = v
	return m
}
