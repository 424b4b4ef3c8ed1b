// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The role for states: enough for the beat and for the `state` commands, and what is said without a part of it.

package elasticsearch

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/internal/registry/registrytest"
	"onepasswordbeat/tests/beattest"
	"onepasswordbeat/tests/estest"
)

// TestStateRole is on the oldest supported version.
func TestStateRole(t *testing.T) {
	onNode(t, estest.Config{Version: estest.V8},
		step{"set-up", func(t *testing.T, node *estest.Node) { setUp(t, node) }},
		step{"the commands", testStateRoleCommands},
		step{"an index made by hand is the beat's own", testStateIndexByHand},
		step{"without create_index on an index that exists", testStateRoleWithoutCreateIndex},
		step{"without create_index and without an index", func(t *testing.T, node *estest.Node) {
			testStateRoleWithout(t, node, "nocreate", false, []string{"read", "index"}, "the index is missing and can't be created")
		}},
		step{"without read", func(t *testing.T, node *estest.Node) {
			testStateRoleWithout(t, node, "noread", true, []string{"create_index", "index"}, "nothing is collected before the stored state was read")
		}},
		step{"without index", func(t *testing.T, node *estest.Node) {
			testStateRoleWithout(t, node, "noindex", true, []string{"create_index", "read"}, "nothing is collected before the start time is stored")
		}},
		step{"wrong password", testStateWrongPassword},
	)
}

// testStateRoleCommands lists, moves there and back, and resets with the role of docs/roles.md alone.
func testStateRoleCommands(t *testing.T, node *estest.Node) {
	p := plan{User: writer, Events: 20, More: stateOf(node, stater, "commands")}
	f := newFlow(t, node, "commands", p)
	beat := f.home.Start()
	f.complete(t, beat, patient)
	beat.Until(patient, "the running beat's cursors are listed", seldom(func() bool {
		list := f.home.Command("state", "list")
		require.Zero(t, list.Code, list.All())
		return strings.Count(list.Stdout, " cursor ") == 3
	}))
	end(t, beat)
	for _, to := range []string{"file", "elasticsearch"} {
		moved := f.home.Command("state", "move", "--to", to)
		require.Zero(t, moved.Code, moved.All())
		assert.Contains(t, moved.Stdout, "3 moved, 0 moved before, 0 not moved.")
	}
	reset := f.home.Command("state", "reset", "--input", "acme", "--event-type", "audit_events", "--since", "480h")
	require.Zero(t, reset.Code, reset.All())
	assert.Contains(t, f.home.StateList()["audit_events"].Position, "since ")
	beat = f.home.Start()
	beat.Until(patient, "the reset type is collected again", func() bool { return counters(beat).Duplicates == 20 })
	end(t, beat)
	f.complete(t, beat, soon)
}

// stateIndex is the body of the index as docs/roles.md has it.
func stateIndex(t *testing.T) (body M) {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "roles.md"))
	require.NoError(t, err)
	_, text, found := strings.Cut(string(page), "PUT /"+registrytest.Index+"\n")
	require.True(t, found)
	require.NoError(t, json.NewDecoder(strings.NewReader(text)).Decode(&body))
	return body
}

func makeStateIndex(t *testing.T, node *estest.Node, name string) {
	t.Helper()
	status, answer := node.Do(t, estest.Admin, http.MethodPut, "/"+name, stateIndex(t))
	require.Equal(t, http.StatusOK, status, string(answer))
}

// testStateIndexByHand: the page has the mapping that the beat gives its index.
func testStateIndexByHand(t *testing.T, node *estest.Node) {
	makeStateIndex(t, node, "by-hand")
	mapping := func(index string) M {
		status, answer := node.Do(t, estest.Admin, http.MethodGet, "/"+index+"/_mapping", nil)
		require.Equal(t, http.StatusOK, status)
		var all map[string]M
		require.NoError(t, json.Unmarshal(answer, &all))
		return all[index]
	}
	assert.Equal(t, mapping(registrytest.Index), mapping("by-hand"))
}

// stateAs is the state of a user of the node in an index of its own.
func stateAs(node *estest.Node, user, index string) M {
	section := maps.Clone(stateOf(node, user, index))
	inner, _ := section["onepasswordbeat.state"].(M)
	inner["index"] = index
	return section
}

func testStateRoleWithoutCreateIndex(t *testing.T, node *estest.Node) {
	makeStateIndex(t, node, "premade")
	grant(t, node, []string{"read", "index"}, "premade")
	f := newFlow(t, node, "premade", plan{User: writer, Events: 20, More: stateAs(node, partial, "premade")})
	beat := f.home.Start()
	f.complete(t, beat, patient)
	end(t, beat)
	assert.Len(t, f.home.StateList(), 3)
}

// testStateRoleWithout: the beat says what is missing, requests no event, and starts once the role is complete.
func testStateRoleWithout(t *testing.T, node *estest.Node, index string, exists bool, privileges []string, says string) {
	if exists {
		makeStateIndex(t, node, index)
	}
	grant(t, node, privileges, index)
	f := newFlow(t, node, index, plan{User: writer, Events: 20, More: stateAs(node, partial, index)})
	beat := f.home.Start()
	for _, typ := range eventsapitest.Types() {
		waitHealth(beat, 0, typ, says, "security_exception", "docs/roles.md")
	}
	assert.Zero(t, f.eventRequests(), "nothing is requested")
	commands := beattest.NewHome(t)
	commands.Configure(beattest.Config{Output: M{"console": M{}}, More: stateAs(node, partial, index)})
	reset := commands.Command("state", "reset", "--input", "acme", "--event-type", "audit_events")
	assert.Equal(t, 1, reset.Code, reset.All())
	assert.Contains(t, reset.All(), "docs/roles.md")
	grant(t, node, []string{"create_index", "read", "index"}, index)
	f.complete(t, beat, patient)
	end(t, beat)
}

func testStateWrongPassword(t *testing.T, node *estest.Node) {
	section := stateAs(node, stater, "secret")
	inner, _ := section["onepasswordbeat.state"].(M)
	wrong, _ := inner["elasticsearch"].(M)
	wrong["password"] = "not-the-password"
	f := newFlow(t, node, "secret", plan{User: writer, Events: 20, More: section})
	beat := f.home.Start()
	waitHealth(beat, 0, eventsapitest.AuditEvents, "nothing is collected before the stored state was read", "status 401", "check the API key, or the user and password")
	assert.Zero(t, f.eventRequests(), "nothing is requested")
	end(t, beat)
	list := f.home.Command("state", "list")
	assert.Equal(t, 1, list.Code)
	assert.Contains(t, list.All(), "status 401")
	assert.NotContains(t, list.All()+beat.Log.Text(), "not-the-password")
}
