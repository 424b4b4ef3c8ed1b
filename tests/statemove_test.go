// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The `state` commands with states in Elasticsearch, and the way there and back.

package tests

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/internal/registry"
	"onepasswordbeat/internal/registry/registrytest"
	"onepasswordbeat/tests/beattest"
	"onepasswordbeat/tests/bulktest"
)

// version1 is a path.data of the first version.
const version1 = "../internal/registry/testdata/version1"

// stateIn is the configuration for a place of states. The Elasticsearch is known whichever place it is.
func stateIn(backend string, states *registrytest.Fake) M {
	return M{
		"onepasswordbeat.state.backend": backend, "onepasswordbeat.state.id": "test",
		"onepasswordbeat.state.elasticsearch": M{"hosts": []string{states.URL}, "username": "keeper", "password": "not-to-be-shown"},
	}
}

// stateHome is a home for the commands alone.
func stateHome(t *testing.T, backend string, states *registrytest.Fake) *beattest.Home {
	t.Helper()
	home := beattest.NewHome(t)
	home.Configure(beattest.Config{Output: M{"console": M{}}, More: stateIn(backend, states)})
	return home
}

// place is how messages name it.
func place(states *registrytest.Fake) string {
	return fmt.Sprintf("the index %s of Elasticsearch (%s, state.id test)", registrytest.Index, states.URL)
}

// TestStateCommandsOnElasticsearch: list at any time, reset while no beat runs, and nothing in path.data.
func TestStateCommandsOnElasticsearch(t *testing.T) {
	t.Parallel()
	srv := beattest.Backlog(t, 200)
	es, states := bulktest.Start(t), registrytest.NewFake(t)
	home := beattest.NewHome(t)
	home.Configure(beattest.Config{Inputs: []M{input(srv)}, Output: bulkOutput(es), More: stateIn("elasticsearch", states)})
	empty := home.Command("state", "list")
	assert.NotZero(t, empty.Code)
	assert.Contains(t, empty.All(), "there is no state in "+place(states))

	beat := home.Start()
	waitIndexed(t, beat, srv, es, soon)
	beat.Until(soon, "all cursors are listed while the beat runs", func() bool {
		list := home.Command("state", "list")
		require.Zero(t, list.Code, list.All())
		return strings.Count(list.Stdout, " cursor ") == 3
	})
	reset := []string{"state", "reset", "--input", "acme", "--event-type", "audit_events", "--since", "480h"}
	early := home.Command(reset...)
	assert.NotZero(t, early.Code)
	assert.Contains(t, early.All(), "stop it first")
	beat.Terminate(stopMost)

	elsewhere := stateHome(t, "elasticsearch", states) // another machine
	list := elsewhere.Command("state", "list", "--event-type", "audit_events", "--sort", "age", "--input", "ac*")
	assert.Zero(t, list.Code, list.All())
	assert.Contains(t, list.Stdout, "1 of 3 states")
	done := elsewhere.Command(reset...)
	assert.Zero(t, done.Code, done.All())
	assert.Contains(t, done.Stdout, "That is stored in "+place(states)+".")
	assert.NoDirExists(t, elsewhere.Path("data", "registry"))
	rows := home.StateList()
	assert.Contains(t, rows["audit_events"].Position, "since ")
	assert.Equal(t, "cursor", rows["item_usages"].Position)
	assert.Equal(t, srv.ID(), rows["audit_events"].Account)

	beat = home.Start()
	beat.Until(soon, "the event type is collected again", func() bool { return es.Stats().Conflicts == 200 })
	beat.Terminate(stopMost)
	assert.NoDirExists(t, home.RegistryDir())
	assertIndexed(t, srv, es)
}

// TestStateCommandsWithoutTheirElasticsearch: one line that says what to do, and no password.
func TestStateCommandsWithoutTheirElasticsearch(t *testing.T) {
	t.Parallel()
	states := registrytest.NewFake(t)
	home := stateHome(t, "elasticsearch", states)
	for name, test := range map[string]struct {
		status int
		body   string
		want   string
	}{
		"cut off":      {0, "", "EOF"},
		"unauthorized": {401, `{"error":{"type":"security_exception","reason":"unable to authenticate user [keeper]"}}`, "check the API key, or the user and password"},
		"forbidden":    {403, `{"error":{"type":"security_exception","reason":"action is unauthorized"}}`, "grant the privileges of docs/roles.md"},
		"a gateway":    {502, "<html>", "status 502"},
	} {
		states.Fail(test.status, test.body)
		for _, args := range [][]string{{"list"}, {"reset", "--input", "acme", "--event-type", "audit_events"}, {"move", "--to", "file"}} {
			got := home.Command(append([]string{"state"}, args...)...)
			assert.Equal(t, 1, got.Code, "%s %v", name, args)
			assert.Contains(t, got.All(), test.want, "%s %v", name, args)
			assert.Contains(t, got.All(), place(states)+" is not available", "%s %v", name, args)
			assert.Contains(t, got.All(), "those of onepasswordbeat.state.elasticsearch", "%s %v", name, args)
			assert.NotContains(t, got.All(), "not-to-be-shown", "%s %v", name, args)
			assert.Equal(t, 1, strings.Count(got.All(), "\n"), "%s %v: %s", name, args, got.All())
		}
	}
	states.Heal()
	none := home.Command("state", "move", "--to", "file")
	assert.Equal(t, 1, none.Code)
	assert.Contains(t, none.All(), "there is no state in "+place(states))
	states.Close()
	got := home.Command("state", "list")
	assert.Equal(t, 1, got.Code)
	assert.Contains(t, got.All(), "connection refused")
	assert.NoDirExists(t, home.RegistryDir())
}

// TestStateMoveThereAndBack: nothing is skipped or repeated on the way, whichever backend is configured during the move.
func TestStateMoveThereAndBack(t *testing.T) {
	t.Parallel()
	srv := beattest.Backlog(t, 50)
	es, states := bulktest.Start(t), registrytest.NewFake(t)
	home := beattest.NewHome(t)
	configure := func(backend string) {
		home.Configure(beattest.Config{Inputs: []M{input(srv)}, Output: bulkOutput(es), More: stateIn(backend, states)})
	}
	published := 0
	run := func(backend string) {
		configure(backend)
		beat := home.Start()
		publishSignIn(srv, newUUID(published))
		published++
		waitIndexed(t, beat, srv, es, soon)
		beat.Terminate(stopMost)
	}
	run("file")
	configure("elasticsearch")
	beat := home.Start()
	polls := len(srv.Requests())
	beat.WaitLog("state move --to elasticsearch", soon)
	busy := home.Command("state", "move", "--to", "elasticsearch")
	assert.NotZero(t, busy.Code)
	assert.Contains(t, busy.All(), "stop it first")
	beat.Terminate(stopMost)
	assert.Len(t, srv.Requests(), polls, "nothing is collected before the move")

	dry := home.Command("state", "move", "--to", "elasticsearch", "--dry-run")
	assert.Zero(t, dry.Code, dry.All())
	assert.Contains(t, dry.Stdout, "Nothing was moved")
	assert.Empty(t, states.Sources())
	there := home.Command("state", "move", "--to", "elasticsearch") // after the backend was set
	assert.Zero(t, there.Code, there.All())
	assert.Contains(t, there.Stdout, "3 moved, 0 moved before, 0 not moved.")
	assert.Contains(t, there.Stdout, "onepasswordbeat.state.backend is elasticsearch already")
	run("elasticsearch")

	configure("file")
	left := home.Command("state", "list")
	assert.Zero(t, left.Code, left.All())
	assert.Equal(t, 3, strings.Count(left.Stdout, "moved to "+place(states)), left.Stdout)
	configure("elasticsearch")
	back := home.Command("state", "move", "--to", "file") // before the backend is set
	assert.Zero(t, back.Code, back.All())
	assert.Contains(t, back.Stdout, "3 moved, 0 moved before, 0 not moved.")
	assert.Contains(t, back.Stdout, "set onepasswordbeat.state.backend: file (it is elasticsearch)")
	again := home.Command("state", "move", "--to", "file")
	assert.Zero(t, again.Code, again.All())
	assert.Contains(t, again.Stdout, "0 moved, 3 moved before, 0 not moved.")
	run("file")
	assertIndexed(t, srv, es)
	assert.Zero(t, es.Stats().Conflicts, "nothing was collected twice")
}

// TestStateMoveFromVersion1 carries a registry of the first version to Elasticsearch, and on to another machine's files.
func TestStateMoveFromVersion1(t *testing.T) {
	t.Parallel()
	states := registrytest.NewFake(t)
	home := stateHome(t, "file", states)
	require.NoError(t, os.CopyFS(home.Path("data"), os.DirFS(version1)))
	want := home.StateList()
	require.Len(t, want, 3)
	moved := home.Command("state", "move", "--to", "elasticsearch")
	require.Zero(t, moved.Code, moved.All())
	other := stateHome(t, "elasticsearch", states)
	assert.Equal(t, ageless(want), ageless(other.StateList()))
	dry := other.Command("state", "move", "--to", "file", "--dry-run")
	require.Zero(t, dry.Code, dry.All())
	assert.NoDirExists(t, other.RegistryDir())
	moved = other.Command("state", "move", "--to", "file")
	require.Zero(t, moved.Code, moved.All())
	other.Configure(beattest.Config{Output: M{"console": M{}}, More: stateIn("file", states)})
	assert.Equal(t, ageless(want), ageless(other.StateList()))
}

// ageless are rows without what the time of the command changes.
func ageless(rows map[string]beattest.StateRow) map[string]beattest.StateRow {
	for name, row := range rows {
		row.CursorAge = ""
		rows[name] = row
	}
	return rows
}

// TestStateMoveKilled: a move that was killed at any write goes on where it was.
func TestStateMoveKilled(t *testing.T) {
	t.Parallel()
	for _, to := range []string{"elasticsearch", "file"} {
		for write := 1; write <= 3; write++ {
			for _, carriedOut := range []bool{false, true} {
				t.Run(fmt.Sprintf("to %s, write %d, carried out %v", to, write, carriedOut), func(t *testing.T) {
					states := registrytest.NewFake(t)
					home := stateHome(t, "file", states)
					require.NoError(t, os.CopyFS(home.Path("data"), os.DirFS(version1)))
					want := ageless(home.StateList())
					if to == "file" {
						require.Zero(t, home.Command("state", "move", "--to", "elasticsearch").Code)
						require.NoError(t, os.RemoveAll(home.Path("data"))) // another machine
					}
					killAt(t, home, states, to, write, carriedOut)
					moved := home.Command("state", "move", "--to", to)
					require.Zero(t, moved.Code, moved.All())
					assert.Contains(t, moved.Stdout, " 0 not moved.")
					home.Configure(beattest.Config{Output: M{"console": M{}}, More: stateIn(to, states)})
					assert.Equal(t, want, ageless(home.StateList()))
				})
			}
		}
	}
}

// killAt kills a move at a write to Elasticsearch, before or after it was carried out.
func killAt(t *testing.T, home *beattest.Home, states *registrytest.Fake, to string, write int, carriedOut bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), beattest.Binary(t), "state", "move", "--to", to, "--path.home", home.Dir, "-c", home.ConfigFile())
	started := make(chan struct{})
	writes := 0
	kill := func(r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/_bulk") {
			if writes++; writes == write {
				<-started
				_ = cmd.Process.Kill()
				_, _ = cmd.Process.Wait()
				return true
			}
		}
		return false
	}
	if carriedOut {
		states.CutAfter(kill)
	} else {
		states.Answer(func(_ http.ResponseWriter, r *http.Request) bool { return kill(r) })
	}
	require.NoError(t, cmd.Start())
	close(started)
	_ = cmd.Wait()
	states.Heal()
	require.Equal(t, write, writes, "the move came to this write")
}

// TestStateMoveReplacesNoOtherState: the others are moved, the exit code says that one was not, and both stay.
func TestStateMoveReplacesNoOtherState(t *testing.T) {
	t.Parallel()
	states := registrytest.NewFake(t)
	home := stateHome(t, "file", states)
	require.NoError(t, os.CopyFS(home.Path("data"), os.DirFS(version1)))
	other := stateHome(t, "elasticsearch", states)
	require.Zero(t, other.Command("state", "reset", "--input", "acme", "--event-type", "item_usages", "--since", "48h").Code)
	dry := home.Command("state", "move", "--to", "elasticsearch", "--dry-run")
	assert.Regexp(t, `acme +item_usages +not moved: another state is at the destination`, dry.Stdout)
	moved := home.Command("state", "move", "--to", "elasticsearch")
	assert.Equal(t, 1, moved.Code)
	assert.Regexp(t, `acme +item_usages +not moved: .* has another state`, moved.Stdout)
	assert.Contains(t, moved.Stdout, "2 moved, 0 moved before, 1 not moved.")
	assert.Contains(t, moved.Stderr, "1 of 3 states could not be moved")
	assert.NotContains(t, moved.Stdout, "Next:")
	assert.Contains(t, other.StateList()["item_usages"].Position, "since ")
	assert.Equal(t, "cursor", home.StateList()["item_usages"].Position)
}

// interrupt has another beat store a state just before the first write of a command.
func interrupt(t *testing.T, states *registrytest.Fake, eventType string, fields M) {
	t.Helper()
	done := false
	states.Answer(func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/_bulk") && !done {
			done = true
			source := M{"state_id": "test", "input": "acme", "event_type": eventType, "writer": "another beat", "version": 1, "cursor": "another"}
			maps.Copy(source, fields)
			states.Put(t, registrytest.DocID("test", registry.Key{Input: "acme", EventType: eventType}), source)
		}
		return false
	})
}

// TestStateOfABeatElsewhereIsNotOverwritten: sequence numbers find a beat that was not stopped.
func TestStateOfABeatElsewhereIsNotOverwritten(t *testing.T) {
	t.Parallel()
	for name, fields := range map[string]M{
		"of the same account": {"account": "EXAMPLEACCOUNT111111111111"},
		"of another account":  {"account": "ANOTHERACCOUNT111111111111"},
	} {
		t.Run(name, func(t *testing.T) {
			states := registrytest.NewFake(t)
			home := stateHome(t, "file", states)
			require.NoError(t, os.CopyFS(home.Path("data"), os.DirFS(version1)))
			interrupt(t, states, "audit_events", fields)
			moved := home.Command("state", "move", "--to", "elasticsearch")
			assert.Equal(t, 1, moved.Code)
			assert.Regexp(t, `acme +audit_events +not moved: .*another beat`, moved.Stdout)
			assert.Contains(t, moved.Stdout, "2 moved, 0 moved before, 1 not moved.")
			assert.Equal(t, "cursor", home.StateList()["audit_events"].Position, "the source is not marked")

			elsewhere := stateHome(t, "elasticsearch", states)
			fields["account"] = elsewhere.StateList()["audit_events"].Account
			interrupt(t, states, "audit_events", fields)
			reset := elsewhere.Command("state", "reset", "--input", "acme", "--event-type", "audit_events")
			assert.Equal(t, 1, reset.Code)
			assert.Contains(t, reset.All(), "Stop every beat with this state.id")
			assert.Equal(t, "cursor", elsewhere.StateList()["audit_events"].Position)
		})
	}
}

// TestStateMoveNeedsItsSettings says which.
func TestStateMoveNeedsItsSettings(t *testing.T) {
	t.Parallel()
	home := beattest.NewHome(t)
	home.Configure(beattest.Config{Output: M{"console": M{}}})
	for want, args := range map[string][]string{
		`required flag(s) "to" not set`:   {},
		"--to elasticsearch or --to file": {"--to", "elastic"},
		"onepasswordbeat.state.id":        {"--to", "file"},
		"it is missing":                   {"--to", "file", "-E", "onepasswordbeat.state.backend=elasticsearch"},
		"there is no registry in " + filepath.Join(home.Dir, "data"): {"--to", "elasticsearch",
			"-E", "onepasswordbeat.state.id=x", "-E", "onepasswordbeat.state.elasticsearch.hosts=[localhost:1]"},
	} {
		got := home.Command(append([]string{"state", "move"}, args...)...)
		assert.Equal(t, 1, got.Code, "%v", args)
		assert.Contains(t, got.All(), want, "%v", args)
	}
	assert.NoDirExists(t, home.RegistryDir())
}

// TestMigrateThenStateMove: what `migrate` stored in files, whatever backend is set, can be carried over.
func TestMigrateThenStateMove(t *testing.T) {
	t.Parallel()
	states, es := registrytest.NewFake(t), bulktest.Start(t)
	old := newOldBeat(t, es)
	for path, typ := range map[string]eventsapitest.EventType{
		"signinattempts": eventsapitest.SignInAttempts, "itemusages": eventsapitest.ItemUsages, "auditevents": eventsapitest.AuditEvents,
	} {
		old.collect(typ, path, 6)
	}
	settings := []string{
		"-E", "onepasswordbeat.state.backend=elasticsearch", "-E", "onepasswordbeat.state.id=test",
		"-E", "onepasswordbeat.state.elasticsearch.hosts=[" + states.URL + "]",
	}
	migrated := old.home.Command(append([]string{"migrate", "eventsapibeat", "--config", old.home.Path("eventsapibeat.yml")}, settings...)...)
	require.Zero(t, migrated.Code, migrated.All())
	assert.Contains(t, migrated.Stdout, "The positions are stored in files")
	assert.DirExists(t, old.home.RegistryDir())
	assert.Empty(t, states.Sources())
	moved := old.home.Command(append([]string{"state", "move", "--to", "elasticsearch"}, settings...)...)
	require.Zero(t, moved.Code, moved.All())
	old.home.Env = nil // the token is in the keystore
	beat := old.home.Start(settings...)
	beat.Until(patient, "all events are in one of both indices", func() bool {
		return beattest.Missing(beattest.Expected(old.srv.Account), es.IDs(), keys(old.seen)) == 0
	})
	beat.Terminate(stopMost)
	assert.Less(t, len(es.IDs()), len(beattest.Expected(old.srv.Account)), "what is before the overlap is in the old index only")
}
