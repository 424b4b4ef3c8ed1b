// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The roles. Each has a user of the same name.

package elasticsearch

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"onepasswordbeat/tests/estest"
)

const (
	setter  = "setter"  // may set up, as docs/roles.md has it
	writer  = "writer"  // may write, as docs/roles.md has it
	owner   = "owner"   // may do both
	partial = "partial" // may what a test grants
	stater  = "stater"  // may keep states, as docs/roles.md has it
	moving  = "moving"  // may write and keep states
)

func roles(t *testing.T) map[string]estest.Role {
	t.Helper()
	set, write := documented(t, "onepasswordbeat_setup"), documented(t, "onepasswordbeat_writer")
	state := documented(t, "onepasswordbeat_state")
	return map[string]estest.Role{
		setter: set, writer: write, partial: write, stater: state,
		moving: {Cluster: write.Cluster, Indices: slices.Concat(write.Indices, state.Indices)},
		owner:  {Cluster: slices.Concat(set.Cluster, write.Cluster), Indices: write.Indices},
	}
}

// documented reads a role from docs/roles.md, so that what is tried here is what
// users copy from there.
func documented(t *testing.T, name string) (role estest.Role) {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "roles.md"))
	require.NoError(t, err)
	_, body, found := strings.Cut(string(page), "POST /_security/role/"+name+"\n")
	require.True(t, found, "docs/roles.md has no role %s", name)
	require.NoError(t, json.NewDecoder(strings.NewReader(body)).Decode(&role), "role %s of docs/roles.md", name)
	return role
}

// grant lets the user partial connect and have these privileges on these data
// streams, and nothing else.
func grant(t *testing.T, node *estest.Node, privileges []string, names ...string) {
	t.Helper()
	role := estest.Role{Cluster: []string{"monitor"}}
	if len(names) > 0 {
		role.Indices = []estest.IndexPrivileges{{Names: names, Privileges: privileges}}
	}
	node.SetRole(t, partial, role)
}
