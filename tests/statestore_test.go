// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// States in an Elasticsearch (a stand-in) that hangs, fails, or has no say: tests/elasticsearch has the real one.

package tests

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/internal/registry/registrytest"
	"onepasswordbeat/tests/beattest"
	"onepasswordbeat/tests/bulktest"
)

// hang has an Elasticsearch accept requests and answer none, until the test's end.
func hang(t *testing.T, fake *registrytest.Fake) {
	release := make(chan struct{})
	fake.Answer(func(_ http.ResponseWriter, r *http.Request) bool {
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case <-release:
		case <-r.Context().Done():
		}
		return true
	})
	t.Cleanup(func() { close(release) })
}

// cursors is the number of stored states with a cursor.
func cursors(fake *registrytest.Fake) int {
	n := 0
	for _, source := range fake.Sources() {
		if cursor, _ := source["cursor"].(string); cursor != "" {
			n++
		}
	}
	return n
}

// TestStateStoreThatHangs: it delays neither collection nor a stop, and a start without it is not ready and requests nothing.
func TestStateStoreThatHangs(t *testing.T) {
	t.Parallel()
	fake := registrytest.NewFake(t)
	srv := beattest.Backlog(t, 20)
	home := beattest.NewHome(t)
	home.Configure(beattest.Config{Inputs: []M{input(srv)}, Output: beattest.FileOutput(home), More: stateIn("elasticsearch", fake)})
	beat := home.Start()
	beat.Until(soon, "all cursors are stored", func() bool { return cursors(fake) == 3 })
	hang(t, fake)
	srv.Publish(eventsapitest.AuditEvents, srv.Event(eventsapitest.AuditEvents, 0))
	beat.Until(soon, "events go on", func() bool { return len(home.Events()) == 61 })
	code, took := beat.Terminate(stopMost)
	assert.Zero(t, code)
	assert.Less(t, took, stopMost)
	assert.NotContains(t, beat.Log.Text(), "the stop hangs")

	polls := len(srv.Requests())
	beat = home.Start()
	beat.WaitLog("nothing is collected before the stored state was read", soon)
	status, text := beat.Text("/readyz")
	assert.Equal(t, http.StatusServiceUnavailable, status)
	assert.Contains(t, text, "the stored state is not read")
	status, _ = beat.Text("/healthz")
	assert.Equal(t, http.StatusOK, status, "a restart would not help")
	for _, r := range srv.Requests()[polls:] {
		assert.Empty(t, r.Type, "nothing is requested")
	}
	_, took = beat.Terminate(stopMost)
	assert.Less(t, took, stopMost)
	assert.NotContains(t, beat.Log.Text(), "the stop hangs")
}

// TestStateOfTheOtherBackendStopsCollection: a beat whose backend was changed says so and requests nothing.
func TestStateOfTheOtherBackendStopsCollection(t *testing.T) {
	t.Parallel()
	fake := registrytest.NewFake(t)
	srv := beattest.Backlog(t, 20)
	home := beattest.NewHome(t)
	files := beattest.Config{Inputs: []M{input(srv)}, Output: beattest.FileOutput(home)}
	home.Configure(files)
	beat := home.Start()
	waitState(beat, "audit_events")
	beat.Until(soon, "the backlog is written", func() bool { return len(home.Events()) == 60 })
	beat.Terminate(stopMost)
	before := readAll(t, home.RegistryDir())

	elastic := files
	elastic.More = stateIn("elasticsearch", fake)
	home.Configure(elastic)
	began := time.Now()
	beat = home.Start()
	beat.WaitLog("state move --to elasticsearch", soon)
	beat.Until(soon, "each type has looked", func() bool { return beat.Log.Count("state move --to elasticsearch") >= 3 })
	beat.Terminate(stopMost)
	assert.Equal(t, before, readAll(t, home.RegistryDir()), "the files stay as they are")
	assert.Empty(t, fake.Sources())
	for _, r := range srv.Requests() {
		assert.False(t, r.At.After(began) && r.Type != "", "nothing is requested")
	}
}

// TestStateSettingsAreChecked: `test config` and the start reject the same in the same words.
func TestStateSettingsAreChecked(t *testing.T) {
	t.Parallel()
	srv := beattest.Backlog(t, 1)
	for name, test := range map[string]struct {
		state M
		want  string
	}{
		"no id":           {M{"backend": "elasticsearch", "elasticsearch": M{"hosts": []string{"localhost"}}}, "onepasswordbeat.state.id: it is missing"},
		"nowhere":         {M{"backend": "elasticsearch", "id": "a"}, "onepasswordbeat.state.backend: elasticsearch needs an Elasticsearch"},
		"unknown backend": {M{"backend": "redis"}, "unknown backend"},
		"a missing CA": {M{"backend": "elasticsearch", "id": "a", "elasticsearch": M{"hosts": []string{"https://localhost"},
			"ssl": M{"certificate_authorities": []string{"/nowhere.pem"}}}}, "onepasswordbeat.state.elasticsearch cannot be used"},
	} {
		t.Run(name, func(t *testing.T) {
			home := beattest.NewHome(t)
			home.Configure(beattest.Config{Inputs: []M{input(srv)}, Output: beattest.FileOutput(home), More: M{"onepasswordbeat.state": test.state}})
			tested := home.Command("test", "config")
			assert.NotZero(t, tested.Code)
			assert.Contains(t, tested.All(), test.want)
			beat := home.Start()
			assert.NotZero(t, beat.Wait(soon))
			assert.Contains(t, beat.Log.Text(), test.want)
		})
	}
	home := beattest.NewHome(t)
	home.Configure(beattest.Config{Inputs: []M{input(srv)}, Output: beattest.FileOutput(home), More: M{"onepasswordbeat.state": M{"backnd": "file"}}})
	tested := home.Command("test", "config")
	require.Zero(t, tested.Code, tested.All())
	assert.Contains(t, tested.All(), "unknown settings in onepasswordbeat.state: backnd")
}

// TestTwoBeatsWithOneState: a second beat with the same state.id is a mistake, and costs repeats only.
func TestTwoBeatsWithOneState(t *testing.T) {
	t.Parallel()
	fake := registrytest.NewFake(t)
	srv := beattest.Backlog(t, 200)
	es := bulktest.Start(t)
	var beats [2]*beattest.Beat
	for i := range beats {
		home := beattest.NewHome(t)
		home.Configure(beattest.Config{Inputs: []M{input(srv, M{"limit": 10})}, Output: bulkOutput(es), More: stateIn("elasticsearch", fake)})
		beats[i] = home.Start()
	}
	waitIndexed(t, beats[0], srv, es, soon)
	for range 5 {
		for _, typ := range eventsapitest.Types() {
			srv.Publish(typ, srv.Event(typ, 0))
		}
		waitIndexed(t, beats[0], srv, es, soon)
	}
	for _, beat := range beats {
		beat.Terminate(stopMost)
		assert.Zero(t, beat.Log.Count("Degraded"), "each adopts the other's state")
	}
	adopted := beats[0].Log.Count("collection continues there") + beats[1].Log.Count("collection continues there")
	assert.Positive(t, adopted)
	assert.Equal(t, 3, cursors(fake))
}
