// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Tests of the action table: it has each documented pair, and each role and info has its effect.

package auditevents

import (
	"fmt"
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

func TestWhoeverHasDetailsIsAUser(t *testing.T) {
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
