// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Variables of the environment and the keystore, and files that survive a restart.

package tests

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/tests/beattest"
	"onepasswordbeat/tests/bulktest"
)

// TestTextOfVariables: text from a variable stays text on its way to the index.
func TestTextOfVariables(t *testing.T) {
	t.Parallel()
	srv, es := beattest.Backlog(t, 5), bulktest.Start(t)
	home := beattest.NewHome(t)
	home.Env = []string{"NS=00042", "TAG=on", "FIELD=1e3,[x]"}
	home.Configure(beattest.Config{
		Inputs: []M{input(srv, M{"id": "${ID}", "namespace": "${NS}", "tags": []string{"${TAG}", "x${TAG}"}, "fields": M{"site": "${FIELD}", "version": "${VERSION}"}})},
		Output: bulkOutput(es),
		More:   M{"name": "${NS}"},
	})
	for name, value := range map[string]string{"ID": "2.10", "VERSION": "0x10"} {
		r := home.CommandInput(value, "keystore", "add", name, "--stdin", "--force")
		require.Zero(t, r.Code, r.All())
	}
	beat := home.Start()
	const stream = "logs-1password.audit_events-00042"
	beat.Until(soon, "all events are in the namespace of the variable", func() bool { return es.Count(stream) == 5 })
	code, _ := beat.Terminate(stopMost)
	assert.Zero(t, code)
	var doc struct {
		Tags   []string
		Agent  struct{ Name any }
		Fields map[string]any
		Stream struct{ Namespace any } `json:"data_stream"`
	}
	require.NoError(t, json.Unmarshal(es.Docs()[stream][0].Source, &doc))
	assert.Subset(t, doc.Tags, []string{"on", "xon"})
	assert.Equal(t, map[string]any{"site": "1e3,[x]", "version": "0x10"}, doc.Fields)
	assert.Equal(t, "00042", doc.Stream.Namespace)
	assert.Equal(t, "00042", doc.Agent.Name)
	assert.Contains(t, home.Command("state", "list").Stdout, "2.10 ")
}

// TestPasswordOfTheOutput: a password of a variable reaches the output as it is.
func TestPasswordOfTheOutput(t *testing.T) {
	t.Parallel()
	for _, password := range []string{"a,b", "00042", "0x10,on", "[a]", "on"} {
		t.Run(password, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			var user, got string
			es := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				user, got, _ = r.BasicAuth()
				w.WriteHeader(http.StatusUnauthorized)
			}))
			defer es.Close()
			home := beattest.NewHome(t)
			home.Env = []string{"PASSWORD=" + password, "USER_NAME=1e3"}
			home.Configure(beattest.Config{
				Inputs: []M{beattest.Input("http://127.0.0.1:1", "opaque")},
				Output: M{"elasticsearch": M{"hosts": []string{es.URL}, "username": "${USER_NAME}", "password": "${PASSWORD}"}},
			})
			r := home.Command("test", "output")
			assert.NotZero(t, r.Code, r.All())
			mu.Lock()
			defer mu.Unlock()
			assert.Equal(t, password, got, r.All())
			assert.Equal(t, "1e3", user)
		})
	}
}

// TestProxyPasswordOfTheOutput: the proxy gets it, the log and the terminal do not.
func TestProxyPasswordOfTheOutput(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var got string
	srv := beattest.Backlog(t, 1)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		got = r.Header.Get("Proxy-Authorization")
		w.WriteHeader(http.StatusBadGateway)
	}))
	defer proxy.Close()
	for _, host := range []string{"http://es.example:9200", "https://es.example:9200"} {
		home := beattest.NewHome(t)
		home.Env = []string{"PASSWORD=pass-word"}
		home.Configure(beattest.Config{
			Inputs: []M{beattest.Input(srv.URL, srv.Token())},
			Output: beattest.ElasticsearchOutput(host, M{"proxy_url": strings.Replace(proxy.URL, "://", "://user:${PASSWORD}@", 1)}),
			More:   M{"logging.level": "debug"},
		})
		r := home.Command("test", "config", "-e", "-d", "*")
		assert.NotContains(t, r.All(), "pass-word")
		beat := home.Start()
		beat.Until(patient, "the proxy gets the credentials", func() bool {
			mu.Lock()
			defer mu.Unlock()
			return got == "Basic dXNlcjpwYXNzLXdvcmQ="
		})
		beat.Terminate(stopMost)
		mu.Lock()
		got = ""
		mu.Unlock()
		assert.NotContains(t, beat.Log.Text(), "pass-word")
		assert.Contains(t, beat.Log.Text(), "sing proxy URL: "+proxy.URL, "libbeat still logs the URL, without the password")
	}
}

// TestFilesSurviveRestarts: with the file output of the examples, more starts than number_of_files delete nothing.
func TestFilesSurviveRestarts(t *testing.T) {
	t.Parallel()
	srv := beattest.Backlog(t, 20)
	home := beattest.NewHome(t)
	home.Configure(beattest.Config{
		Inputs: []M{input(srv)},
		Output: M{"file": M{"path": home.Path("output"), "filename": "events", "number_of_files": 2, "rotate_on_startup": false}},
	})
	want := beattest.Expected(srv.Account)
	for run := range 4 {
		before := len(home.Events())
		if run > 0 { // each run has something to write, which opens the file
			srv.Publish(eventsapitest.AuditEvents, srv.Event(eventsapitest.AuditEvents, 0))
		}
		beat := home.Start()
		beat.Until(soon, "all events are in the files", func() bool {
			events := home.Events()
			ids := make([]string, 0, len(events))
			for _, e := range events {
				ids = append(ids, e.Event.ID)
			}
			return len(events) > before && beattest.Missing(want, ids) == 0
		})
		code, _ := beat.Terminate(stopMost)
		assert.Zero(t, code)
	}
}
