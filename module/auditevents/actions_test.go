// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Tests of the action table: it has each documented pair, and each role and info has its effect.

package auditevents

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// documented are the 121 pairs of action and object type that 1Password's page of audit events lists.
var documented = map[string]string{
	"account":  "activate convert delete disblduo disblmfa dvrfydmn enblduo uisas updatduo update updatfw uvrfydmn vrfydmn",
	"card":     "create delete update",
	"cred":     "create delete",
	"device":   "create delete reauth update",
	"dlgdsess": "dlgsess",
	"ec":       "begin complete propose",
	"famchild": "detchild rdmchild",
	"file":     "create",
	"gm":       "join leave role",
	"group":    "changeks create delete purge update",
	"gva":      "grant revoke update",
	"invite":   "create prsndall update",
	"item":     "delshare share",
	"itemhist": "purge",
	"items":    "delete patch purge",
	"miguser":  "create muserdec musercom",
	"mngdacc":  "create launchi unlink",
	"pm":       "create delete",
	"report":   "export view",
	"sa":       "create expire",
	"satoken":  "create trename trevoke tverify",
	"slackapp": "create delete update",
	"sso":      "addgsso chngasso chngdsso chngpsso delgsso disblsso enblsso",
	"ssotkn":   "ssotknv",
	"sub":      "cancel create update",
	"template": "create delete hide unhide update",
	"unknown":  "unknown",
	"user": "activate beginr cancelr changeks changela changemp changenm changesk completr dealldev delete deolddev disblmfa enblmfa join reactive " +
		"resendts sdvcsso sendpkg sendts suspend tdvcsso trvlaway trvlback updatmfa upguest verify",
	"uva":   "grant revoke update",
	"vault": "create delete export purge update updatea",
}

func TestTableHasEveryDocumentedPair(t *testing.T) {
	pairs := map[Pair]bool{{"patch", "device"}: true} // seen live, not documented
	for objectType, actions := range documented {
		for action := range strings.FieldsSeq(actions) {
			pairs[Pair{action, objectType}] = true
		}
	}
	require.Len(t, pairs, 122)
	for pair := range pairs {
		assert.Contains(t, Actions, pair)
	}
	assert.Len(t, Actions, len(pairs), "a pair in the table is neither documented nor seen")
}

func TestNamesAreUniqueAndReadable(t *testing.T) {
	names := map[string]Pair{}
	for pair, a := range Actions {
		assert.NotContains(t, names, a.Name, "%v", pair)
		names[a.Name] = pair
		assert.Regexp(t, `^[A-Z][A-Za-z' -]*[a-z]$`, a.Name)
		assert.NotEmpty(t, a.Category, a.Name)
		assert.NotEmpty(t, a.Type, a.Name)
	}
}

func TestRolesGiveFieldsTheirMeaning(t *testing.T) {
	for pair, a := range Actions {
		raw := fmt.Sprintf(`{"uuid":"E","timestamp":"2026-01-02T03:04:05Z","actor_uuid":"ACTOR","action":%q,"object_type":%q,`+
			`"object_uuid":"OBJECT","aux_uuid":"AUX","aux_info":"INFO"}`, pair.Action, pair.ObjectType)
		ev, known, err := mapEvent([]byte(raw))
		require.NoError(t, err)
		require.True(t, known)
		for field, want := range map[string]string{
			"user.target.id":         one(a.Object.isUser(), "OBJECT", a.Aux.isUser(), "AUX"),
			"user.target.email":      one(a.Info == InfoEmail, "INFO", false, ""),
			"group.id":               one(a.Object == RoleGroup, "OBJECT", a.Aux == RoleGroup, "AUX"),
			"onepassword.vault_uuid": one(a.Object == RoleVault, "OBJECT", a.Aux == RoleVault, "AUX"),
			"onepassword.item_uuid":  one(a.Object == RoleItem, "OBJECT", a.Aux == RoleItem, "AUX"),
		} {
			got, err := ev.Fields.GetValue(field)
			if want == "" {
				require.Error(t, err, "%v has %s", pair, field)
				continue
			}
			assert.Equal(t, want, got, "%v: %s", pair, field)
		}
		message, _ := ev.Fields["message"].(string)
		assert.Contains(t, message, a.Name)
		assert.Equal(t, a.Info.isName(), strings.Contains(message, "INFO"), message)
	}
}

// TestSelfGrantIsSetWhereTheActorGivesHimselfAccess goes through all actions: only those that give a user access count,
// and only if that user is the actor.
func TestSelfGrantIsSetWhereTheActorGivesHimselfAccess(t *testing.T) {
	grants := map[Pair]bool{{"grant", "uva"}: true, {"update", "uva"}: true, {"join", "gm"}: true, {"role", "gm"}: true}
	for pair, a := range Actions {
		assert.Equal(t, grants[pair], a.Grants, "%v", pair)
		for _, c := range []struct {
			actor, aux string
			same       bool
		}{{"A", "A", true}, {"A", "B", false}, {"A", "", false}, {"", "", false}, {"", "A", false}} {
			raw := fmt.Sprintf(`{"uuid":"E","timestamp":"2026-01-02T03:04:05Z","actor_uuid":%q,"action":%q,"object_type":%q,`+
				`"object_uuid":"OBJECT","aux_uuid":%q,"self_grant":"sent"}`, c.actor, pair.Action, pair.ObjectType, c.aux)
			ev, _, err := mapEvent([]byte(raw))
			require.NoError(t, err)
			got, _ := ev.Fields.GetValue("onepassword.self_grant")
			if grants[pair] && c.same {
				assert.Equal(t, true, got, raw)
			} else {
				assert.Nil(t, got, raw)
			}
			sent, _ := ev.Fields.GetValue("onepassword.self_grant_")
			assert.Equal(t, "sent", sent, "a key of the API that has this name")
		}
	}
}

func one(first bool, a string, second bool, b string) string {
	if first {
		return a
	}
	if second {
		return b
	}
	return ""
}

// TestUnknownActionsKeepTheirPeople: whom an event concerns follows from its type of object.
func TestUnknownActionsKeepTheirPeople(t *testing.T) {
	for objectType, kind := range Values.Types {
		for _, action := range []string{"befriend", "provsn", "replace", ""} {
			raw := fmt.Sprintf(`{"uuid":"E","timestamp":"2026-01-02T03:04:05Z","actor_uuid":"ACTOR","action":%q,"object_type":%q,`+
				`"object_uuid":"OBJECT","aux_uuid":"AUX","aux_info":"INFO"}`, action, objectType)
			ev, known, err := mapEvent([]byte(raw))
			require.NoError(t, err)
			assert.Equal(t, action == "provsn" || action == "replace", known, raw)
			people := []string{"ACTOR"}
			for who, concerned := range map[string]bool{"OBJECT": kind.Object.isUser(), "AUX": kind.Aux.isUser(), "INFO": kind.Info == InfoEmail} {
				if concerned {
					people = append(people, who)
				}
			}
			got, err := ev.Fields.GetValue("related.user")
			require.NoError(t, err)
			assert.ElementsMatch(t, people, got, raw)
			name, _ := ev.Fields.GetValue("onepassword.action_name")
			assert.Equal(t, known, name != nil, raw)
		}
	}
	for objectType, want := range map[string]string{"user": "OBJECT", "gm": "AUX", "uva": "AUX", "device": "AUX", "sa": "OBJECT", "satoken": "OBJECT"} {
		kind := Values.Types[objectType]
		assert.Equal(t, want, one(kind.Object.isUser(), "OBJECT", kind.Aux.isUser(), "AUX"), objectType)
	}
}

// reference are the API's actions and types of objects, after its specification 1.4.1, with the type unknown, which
// only the page of audit events has.
const (
	referenceActions = "activate addgsso begin beginr cancel cancelr changeks changela changemp changenm changesk chngasso chngdsso chngpsso " +
		"complete completr convert create dealldev delete delgsso delshare deolddev detchild disblduo disblmfa disblsso dlgsess dvrfydmn enblduo " +
		"enblmfa enblsso expire export grant hide join launchi leave musercom muserdec patch propose provsn prsndall purge rdmchild reactive " +
		"reauth replace resendts revoke role sdvcsso sendpkg sendts share ssotknv suspend tdvcsso trename trevoke trvlaway trvlback tverify uisas " +
		"unhide unknown unlink updatduo update updatea updatfw updatmfa upguest uvrfydmn verify view vrfydmn"
	referenceTypes = "account card cred device dlgdsess ec famchild file gm group gva invite item itemhist items miguser mngdacc pm report sa " +
		"satoken slackapp sso ssotkn sub template user uva vault vaultkey unknown"
)

// TestEveryValueOfTheReferenceHasAName, and every pair of two of them, too.
func TestEveryValueOfTheReferenceHasAName(t *testing.T) {
	assert.ElementsMatch(t, strings.Fields(referenceActions), slices.Collect(maps.Keys(Values.Verbs)))
	assert.ElementsMatch(t, strings.Fields(referenceTypes), slices.Collect(maps.Keys(Values.Types)))
	for action := range strings.FieldsSeq(referenceActions) {
		for objectType := range strings.FieldsSeq(referenceTypes) {
			a, known := Lookup(action, objectType)
			assert.True(t, known)
			assert.NotContains(t, a.Name, action+"/")
			assert.Equal(t, "success", a.Outcome())
		}
	}
	for pair, a := range Actions { // a type has the roles that its actions have
		kind := Values.Types[pair.ObjectType]
		require.NotNil(t, kind, "%v", pair)
		for _, roles := range [][2]Role{{a.Object, kind.Object}, {a.Aux, kind.Aux}} {
			if roles[0].isUser() {
				assert.Equal(t, roles[0], roles[1], "%v", pair)
			}
		}
	}
}

func TestSubjectWithDetailsIsAUser(t *testing.T) {
	ev, known, err := mapEvent([]byte(`{"uuid":"E","timestamp":"2026-01-02T03:04:05Z","action":"befriend","object_type":"robot",` +
		`"object_uuid":"O","object_details":{"name":"Robin Ash"},"aux_uuid":"A","aux_details":{"email":"kit@example.com"}}`))
	require.NoError(t, err)
	assert.False(t, known)
	for field, want := range map[string]any{
		"user.target.full_name": "Robin Ash",
		"related.user":          []string{"O", "Robin Ash", "A", "kit@example.com"},
		"event.category":        []string{"configuration"},
		"event.type":            []string{"info"},
		"event.outcome":         "unknown",
		"message":               "Unknown action befriend/robot (Robin Ash)",
	} {
		got, err := ev.Fields.GetValue(field)
		require.NoError(t, err)
		assert.Equal(t, want, got, field)
	}
}
