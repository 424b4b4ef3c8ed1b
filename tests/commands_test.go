// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The subcommands.

package tests

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/tests/beattest"
	"onepasswordbeat/tests/bulktest"
	"onepasswordbeat/version"
)

func TestCommandTestConfig(t *testing.T) {
	t.Parallel()
	srv, es := beattest.Backlog(t, 1), bulktest.Start(t)
	home := toBulk(t, srv, es)
	r := home.Command("test", "config")
	assert.Zero(t, r.Code, r.All())
	assert.Contains(t, r.Stdout, "Config OK")
	assert.NotContains(t, r.All(), "unknown settings")

	r = toBulk(t, srv, es, M{"limitt": 5}).Command("test", "config")
	assert.Zero(t, r.Code, r.All())
	assert.Contains(t, r.Stderr, `unknown settings in input "acme": limitt`)

	home = toBulk(t, srv, es, M{"interval": "1ms", "limit": 5000, "api_version": "v7"})
	r = home.Command("test", "config")
	assert.NotZero(t, r.Code)
	for _, key := range []string{"interval", "limit", "api_version"} {
		assert.Contains(t, r.All(), key, "every problem is named at once")
	}
	assert.NotContains(t, r.All(), srv.Token())

	two := beattest.NewHome(t)
	two.Configure(beattest.Config{Inputs: []M{input(srv), input(srv)}, Output: bulkOutput(es)})
	r = two.Command("test", "config")
	assert.NotZero(t, r.Code, "two inputs with one id")
	assert.Contains(t, r.All(), "id")
}

func TestCommandTestOutput(t *testing.T) {
	t.Parallel()
	srv, es := beattest.Backlog(t, 1), bulktest.Start(t)
	home := toBulk(t, srv, es)
	r := home.Command("test", "output")
	assert.Zero(t, r.Code, r.All())
	assert.Contains(t, r.Stdout, "version: "+bulktest.Version)
	es.Down(true)
	r = home.Command("test", "output")
	assert.NotZero(t, r.Code, r.All())
}

func TestCommandTestAPI(t *testing.T) {
	t.Parallel()
	srv, es := beattest.Backlog(t, 10), bulktest.Start(t)
	r := toBulk(t, srv, es).Command("test", "api")
	assert.Zero(t, r.Code, r.All())
	assert.NotContains(t, r.Stdout, "✖")
	assert.NotContains(t, r.Stderr, "unknown settings")
	for _, what := range []string{"input acme", "✔ token read", "✔ connected to the server", "the token was accepted", srv.ID(), "✔ grants", "✔ audit_events", "✔ item_usages", "✔ signin_attempts"} {
		assert.Contains(t, r.Stdout, what)
	}

	revoked := srv.Token()
	srv.Revoke(revoked)
	r = toBulk(t, srv, es, M{"token": revoked}).Command("test", "api")
	assert.Equal(t, 1, r.Code)
	assert.Contains(t, r.Stdout, "✖")
	assert.Contains(t, r.Stdout, "→ create a new token")
	assert.NotContains(t, r.All(), revoked)

	one := srv.Token(eventsapitest.WithFeatures(eventsapitest.AuditEvents))
	r = toBulk(t, srv, es, M{"token": one}).Command("test", "api")
	assert.Equal(t, 1, r.Code)
	assert.Contains(t, r.Stdout, "✔ audit_events")
	assert.Contains(t, r.Stdout, "✖ item_usages")
	assert.Contains(t, r.Stdout, "✖ signin_attempts")
	assert.Contains(t, r.Stdout, "event_types")
	assert.NotContains(t, r.All(), one)

	srv.Down(true)
	r = toBulk(t, srv, es).Command("test", "api")
	assert.Equal(t, 1, r.Code)
	assert.Contains(t, r.Stdout, "→ check the host name, the firewall")
}

func TestCommandExport(t *testing.T) {
	t.Parallel()
	srv, es := beattest.Backlog(t, 1), bulktest.Start(t)
	home := beattest.NewHome(t)
	token := srv.Token()
	home.Env = []string{"ONEPASSWORD_EVENTS_TOKEN=" + token}
	home.Configure(beattest.Config{Inputs: []M{input(srv, M{"token": "${ONEPASSWORD_EVENTS_TOKEN}"})}, Output: bulkOutput(es)})

	r := home.Command("export", "template")
	require.Zero(t, r.Code, r.All())
	assertTemplate(t, json.RawMessage(r.Stdout))
	r = home.Command("export", "ilm-policy")
	require.Zero(t, r.Code, r.All())
	var policy struct {
		Policy struct {
			Phases map[string]any `json:"phases"`
		} `json:"policy"`
	}
	require.NoError(t, json.Unmarshal([]byte(r.Stdout), &policy), r.Stdout)
	assert.Contains(t, policy.Policy.Phases, "hot")
	r = home.Command("export", "config")
	require.Zero(t, r.Code, r.All())
	assert.Contains(t, r.Stdout, "onepasswordbeat")
	assert.NotContains(t, r.All(), token)
}

func TestCommandVersion(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "0.1.0", version.Version)
	r := beattest.NewHome(t).Command("version")
	assert.Zero(t, r.Code, r.All())
	assert.Contains(t, r.Stdout, "onepasswordbeat version 0.1.0")
}

// The token in the keystore, where the README puts it.
func TestCommandKeystore(t *testing.T) {
	t.Parallel()
	srv, es := beattest.Backlog(t, 50), bulktest.Start(t)
	home := toBulk(t, srv, es, M{"token": "${ONEPASSWORD_EVENTS_TOKEN}"})
	token := srv.Token()
	r := home.Command("keystore", "create")
	require.Zero(t, r.Code, r.All())
	r = home.CommandInput(token, "keystore", "add", "ONEPASSWORD_EVENTS_TOKEN", "--stdin")
	require.Zero(t, r.Code, r.All())
	r = home.Command("keystore", "list")
	assert.Contains(t, r.Stdout, "ONEPASSWORD_EVENTS_TOKEN")
	assert.NotContains(t, r.All(), token)
	beat := home.Start()
	waitIndexed(t, beat, srv, es, soon)
	beat.Terminate(stopMost)
	assertIndexed(t, srv, es)
}

// A start without a token says in one sentence what to do.
func TestStartWithoutToken(t *testing.T) {
	t.Parallel()
	srv, es := beattest.Backlog(t, 1), bulktest.Start(t)
	for name, token := range map[string]string{"variable not set": "${ONEPASSWORD_EVENTS_TOKEN}", "empty": ""} {
		t.Run(name, func(t *testing.T) {
			home := toBulk(t, srv, es, M{"token": token})
			beat := home.Start()
			assert.NotZero(t, beat.Wait(soon))
			lines := strings.Split(strings.TrimSpace(beat.Log.Text()), "\n")
			last := lines[len(lines)-1]
			assert.Contains(t, last, "keystore add ONEPASSWORD_EVENTS_TOKEN", "the last line is for the user")
		})
	}
}

func TestStrictPermissions(t *testing.T) {
	t.Parallel()
	srv, es := beattest.Backlog(t, 1), bulktest.Start(t)
	home := toBulk(t, srv, es)
	require.NoError(t, os.Chmod(home.ConfigFile(), 0o666))
	r := home.Command("test", "config")
	assert.NotZero(t, r.Code)
	assert.Contains(t, r.All(), "config file (\""+home.ConfigFile()+"\") can only be writable by the owner")
	r = home.Command("test", "config", "--strict.perms=false")
	assert.Zero(t, r.Code, r.All())
}
