// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What a beat shows of itself: metrics; and what it does not: tokens.

package tests

import (
	"bytes"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/internal/harvester"
	"onepasswordbeat/tests/beattest"
)

func TestMetricsAreServedPerEventType(t *testing.T) {
	t.Parallel()
	_, _, _, beat := indexed(t, 300)
	beat.Until(soon, "the last ACK is counted", func() bool { return beat.InputSum("events_acked_total") == 900 })
	metrics := beat.InputMetrics()
	for _, typ := range eventsapitest.Types() {
		name := beattest.TypeName(typ)
		m := metrics["acme::"+name]
		require.NotNil(t, m, "%s has no entry at /inputs/", name)
		assert.Equal(t, "onepassword", m["input"])
		for _, def := range harvester.MetricDefs() {
			value, served := m[def.Name]
			if !assert.True(t, served, "%s of %s is not served", def.Name, name) {
				continue
			}
			switch def.Kind {
			case harvester.Histogram:
				h, _ := value.(map[string]any)["histogram"].(map[string]any)
				assert.Contains(t, h, "count", "%s: %v", def.Name, value)
			default:
				assert.IsType(t, 0.0, value, def.Name)
			}
		}
		assert.InDelta(t, 300, m["events_received_total"], 0)
		assert.InDelta(t, 300, m["events_published_total"], 0)
		assert.InDelta(t, 0, m["events_refused_total"], 0)
	}
	beat.Terminate(stopMost)
}

// A run with all debug logging, whose requests succeed, are rejected, and fail.
func TestInvariant9_NoTokenAnywhere(t *testing.T) {
	t.Parallel()
	srv := beattest.Backlog(t, 200)
	home := beattest.NewHome(t)
	rejected := srv.Token()
	srv.Revoke(rejected)
	token, file := srv.Token(), srv.Token()
	path := home.Write("token", file)
	noToken := input(srv, M{"id": "file", "token_file": path})
	delete(noToken, "token")
	home.Env = []string{"ONEPASSWORD_EVENTS_TOKEN=" + token}
	home.Configure(beattest.Config{
		Inputs: []M{
			input(srv, M{"token": "${ONEPASSWORD_EVENTS_TOKEN}"}),
			input(srv, M{"id": "rejected", "token": rejected}),
			noToken,
		},
		Output: beattest.FileOutput(home),
	})
	beat := home.StartQuiet("-d", "*")
	want := beattest.Expected(srv.Account)
	beat.Until(soon, "every event is written", func() bool { return beattest.Missing(want, ids(home.Events())) == 0 })
	srv.Script(eventsapitest.HTTPStatus(500), eventsapitest.Fault{Kind: eventsapitest.Garbage}, eventsapitest.Fault{Kind: eventsapitest.Reset})
	beat.Until(soon, "faults are met", func() bool { return srv.ScriptLeft() == 0 })
	require.NoError(t, os.Remove(path))
	beat.Until(soon, "the third input fails", func() bool { return strings.Contains(logs(t, home), "token_file can't be read") })
	served := servedText(t, beat)
	beat.Terminate(stopMost)
	require.Contains(t, logs(t, home), "\"debug\"")

	for what, secret := range map[string]string{"token": token, "rejected token": rejected, "file's token": file} {
		signature := secret[strings.LastIndex(secret, ".")+1:]
		assert.NotContains(t, served, signature, "the %s is served", what)
		claims := strings.Split(secret, ".")[1]
		walk(t, home.Dir, func(name string, content []byte) {
			if name == home.ConfigFile() || name == path {
				return // where they were put
			}
			assert.False(t, bytes.Contains(content, []byte(signature)), "the %s is in %s", what, name)
			assert.False(t, bytes.Contains(content, []byte(claims)), "the claims of the %s are in %s", what, name)
		})
	}
}

func TestRegistryFilesAreTheOwnersOnly(t *testing.T) {
	t.Parallel()
	_, _, home, beat := indexed(t, 10)
	waitState(beat, "audit_events")
	beat.Terminate(stopMost)
	files := 0
	walk(t, home.RegistryDir(), func(name string, _ []byte) {
		files++
		info, err := os.Stat(name)
		require.NoError(t, err)
		assert.Equal(t, fs.FileMode(0o600), info.Mode().Perm(), name)
	})
	assert.Positive(t, files)
}

// walk reads every file below a folder.
func walk(t *testing.T, dir string, look func(name string, content []byte)) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(name)
		if err == nil {
			look(name, content)
		}
		return err
	}))
}

// logs is the content of all log files.
func logs(t *testing.T, home *beattest.Home) string {
	t.Helper()
	var all strings.Builder
	files, err := filepath.Glob(home.Path("logs", "*"))
	require.NoError(t, err)
	for _, name := range files {
		raw, err := os.ReadFile(name)
		require.NoError(t, err)
		all.Write(raw)
	}
	return all.String()
}

// servedText is what the beat's HTTP endpoint says.
func servedText(t *testing.T, beat *beattest.Beat) string {
	t.Helper()
	var all strings.Builder
	for _, path := range []string{"/", "/state", "/stats", "/inputs/"} {
		var raw rawJSON
		require.NoError(t, beat.Get(path, &raw))
		all.Write(raw)
	}
	code, metrics := beat.Text("/metrics")
	require.Equal(t, http.StatusOK, code)
	all.WriteString(metrics)
	return all.String()
}

type rawJSON []byte

// UnmarshalJSON keeps the bytes.
func (r *rawJSON) UnmarshalJSON(b []byte) error {
	*r = append((*r)[:0], b...)
	return nil
}
