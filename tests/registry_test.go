// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The registry: in use, damaged, of another account.

package tests

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/tests/beattest"
	"onepasswordbeat/tests/bulktest"
)

func TestTwoProcessesOnOneDataPath(t *testing.T) {
	t.Parallel()
	srv, es, home, beat := indexed(t, 10)

	second := beattest.NewHome(t)
	second.Configure(beattest.Config{Inputs: []M{input(srv)}, Output: bulkOutput(es), More: M{"path.data": home.Path("data")}})
	other := second.Start()
	assert.NotZero(t, other.Wait(soon))
	assert.Contains(t, other.Log.Text(), "data path already locked by another beat")

	list := home.Command("state", "list")
	assert.NotZero(t, list.Code)
	assert.Contains(t, list.All(), "stop it first")
	reset := home.Command("state", "reset", "--input", "acme", "--event-type", "audit_events", "--since", "1h")
	assert.NotZero(t, reset.Code)
	assert.Contains(t, reset.All(), "stop it first")
	assert.True(t, beat.Running())
}

// Files that a beat did not leave behind like that: it says so, ends, and
// changes nothing.
func TestInvariant8_DamagedRegistryIsNeverStartedOver(t *testing.T) {
	t.Parallel()
	srv, es, home, beat := indexed(t, 200)
	waitState(beat, "audit_events")
	beat.Terminate(stopMost)
	good := readAll(t, home.RegistryDir())
	data := activeFile(t, home)
	require.NotEmpty(t, good[data])

	for name, damage := range map[string]map[string]string{
		"cut off data": {data: good[data][:len(good[data])/2]},
		"empty data":   {data: ""},
		"garbage data": {data: strings.Repeat("\x00", len(good[data]))},
		"no data":      {data: gone},
	} {
		t.Run(name, func(t *testing.T) {
			home := home.In(t)
			restore(t, home, good, damage)
			before := readAll(t, home.RegistryDir())
			polls := len(srv.Requests())
			beat := home.Start()
			assert.NotZero(t, beat.Wait(soon))
			assert.Contains(t, beat.Log.Text(), "damaged")
			assert.Contains(t, beat.Log.Text(), "state reset")
			assert.Equal(t, before, readAll(t, home.RegistryDir()), "files changed")
			assert.Len(t, srv.Requests(), polls, "something was collected")
		})
	}
	restore(t, home, good, nil)
	beat = home.Start()
	publishSignIn(srv, newUUID(1))
	waitIndexed(t, beat, srv, es, soon)
	beat.Terminate(stopMost)
	assertIndexed(t, srv, es)
	assert.Zero(t, es.Stats().Conflicts, "nothing was started over")
}

// A damaged log or meta.json with an intact checkpoint: collection continues from the
// checkpoint with a warning, and nothing is skipped.
func TestInvariant8_DamageBehindAnIntactCheckpointDoesNotStop(t *testing.T) {
	t.Parallel()
	srv, es, home, beat := indexed(t, 200)
	waitState(beat, "audit_events")
	beat.Terminate(stopMost)
	good, published := readAll(t, home.RegistryDir()), 0
	for name, damage := range map[string]map[string]string{
		"empty meta":      {"meta.json": ""},
		"NUL meta":        {"meta.json": "\x00\x00\x00"},
		"no meta":         {"meta.json": gone},
		"NUL behind log":  {"log.json": strings.Repeat("\x00", 4096)},
		"garbage log":     {"log.json": "garbage"},
		"log and meta":    {"log.json": "\x00", "meta.json": "{"},
		"log without end": {"log.json": `{"op":"set","id":9`},
	} {
		t.Run(name, func(t *testing.T) {
			home := home.In(t)
			restore(t, home, good, damage)
			beat := home.Start()
			published++
			publishSignIn(srv, newUUID(published))
			waitIndexed(t, beat, srv, es, soon)
			beat.Terminate(stopMost)
			if name != "log without end" {
				assert.Contains(t, beat.Log.Text(), "damaged")
			}
			good = readAll(t, home.RegistryDir())
		})
	}
	assertIndexed(t, srv, es)
}

// A token of another account: nothing is collected with the old cursors.
func TestInvariant8_RegistryOfAnotherAccount(t *testing.T) {
	t.Parallel()
	srv, es, home, beat := indexed(t, 200)
	beat.Terminate(stopMost)
	before := home.Registry()

	const other = "OTHERACCOUNTAAAAAAAAAAAAAA"
	token := srv.Token(eventsapitest.WithAccount(other))
	home.Configure(beattest.Config{Inputs: []M{input(srv, M{"token": token})}, Output: bulkOutput(es)})
	beat = home.Start()
	line := beat.WaitLog("the stored cursor belongs to account", soon)
	assert.Contains(t, line.Message, srv.ID())
	assert.Contains(t, line.Message, other)
	assert.Contains(t, line.Message, "state reset")
	beat.Until(soon, "it is said of every event type", func() bool { return beat.Log.Count("the stored cursor belongs to account") >= 3 })
	beat.Terminate(stopMost)
	for _, r := range srv.Requests() {
		assert.NotEqual(t, other, r.Account, "a request of the other account: %+v", r)
	}
	assert.Equal(t, before, home.Registry())

	home.Configure(beattest.Config{Inputs: []M{input(srv)}, Output: bulkOutput(es)})
	beat = home.Start()
	publishSignIn(srv, newUUID(1))
	waitIndexed(t, beat, srv, es, soon)
	beat.Terminate(stopMost)
	assertIndexed(t, srv, es)
}

func TestStateReset(t *testing.T) {
	t.Parallel()
	srv := beattest.Backlog(t, 200)
	es := bulktest.Start(t)
	home := toBulk(t, srv, es)
	missing := home.Command("state", "list")
	assert.NotZero(t, missing.Code)
	beat := home.Start()
	waitIndexed(t, beat, srv, es, soon)
	beat.Terminate(stopMost)

	for _, args := range [][]string{
		{"--event-type", "audit_events"},
		{"--input", "acme", "--event-type", "nosuch"},
		{"--input", "acme", "--event-type", "audit_events", "--since", "tomorrow"},
	} {
		r := home.Command(append([]string{"state", "reset"}, args...)...)
		assert.NotZero(t, r.Code, "%v: %s", args, r.All())
	}
	r := home.Command("state", "reset", "--input", "acme", "--event-type", "audit_events", "--since", "480h")
	assert.Zero(t, r.Code, r.All())
	assert.Contains(t, r.Stdout, "That is stored in "+home.Path("data"))
	elsewhere := home.Command("state", "reset", "--input", "acme", "--event-type", "audit_events", "--since", "9000h", "--path.data", t.TempDir())
	assert.Zero(t, elsewhere.Code, elsewhere.All())
	assert.Contains(t, elsewhere.Stdout, "(there was no registry there: a new one was made)")
	assert.Contains(t, elsewhere.Stderr, "1Password keeps events for 120 days")
	typo := home.Command("state", "reset", "--input", "acne", "--event-type", "audit_events")
	assert.NotZero(t, typo.Code)
	assert.Contains(t, typo.All(), "neither configured nor stored")
	agents := beattest.NewHome(t)
	agents.Configure(beattest.Config{Output: bulkOutput(es)})
	managed := agents.Command("state", "reset", "--input", "acme-audit_events", "--event-type", "audit_events")
	assert.Zero(t, managed.Code, managed.All())
	assert.Contains(t, managed.Stderr, "no input is configured here: check the id")
	states := home.StateList()
	assert.Contains(t, states["audit_events"].Position, "since ")
	assert.Equal(t, "cursor", states["item_usages"].Position)
	assert.Equal(t, srv.ID(), states["audit_events"].Account)

	beat = home.Start()
	beat.Until(soon, "the event type is collected again", func() bool { return es.Stats().Conflicts == 200 })
	beat.Terminate(stopMost)
	assertIndexed(t, srv, es)
}

// gone marks a file that is removed.
const gone = "\x01gone"

// restore puts the registry's files back, with some of them damaged.
func restore(t *testing.T, home *beattest.Home, good, damage map[string]string) {
	t.Helper()
	require.NoError(t, os.RemoveAll(home.RegistryDir()))
	require.NoError(t, os.MkdirAll(home.RegistryDir(), 0o750))
	for name, content := range good {
		if other, damaged := damage[name]; damaged {
			content = other
		}
		if content != gone {
			require.NoError(t, os.WriteFile(filepath.Join(home.RegistryDir(), name), []byte(content), 0o600))
		}
	}
}

// activeFile is the name of the registry's data file.
func activeFile(t *testing.T, home *beattest.Home) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(home.RegistryDir(), "active.dat"))
	require.NoError(t, err)
	return filepath.Base(strings.TrimSpace(string(raw)))
}

// readAll reads the files of a folder.
func readAll(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	files := map[string]string{}
	for _, e := range entries {
		raw, err := os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		files[e.Name()] = string(raw)
	}
	return files
}
