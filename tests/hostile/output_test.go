// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Outputs that reject, lie and hang.

package hostile

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/tests/beattest"
	"onepasswordbeat/tests/bulktest"
)

const (
	// soonest is for what happens within moments on an idle machine.
	soonest = 30 * time.Second
	// longer is for what a backoff of up to half a minute comes before.
	longer = 2 * time.Minute
)

// toBulk is a home whose beat sends from an API to es.
func toBulk(t *testing.T, url, token string, es *bulktest.Server, more ...beattest.M) *beattest.Home {
	t.Helper()
	home := beattest.NewHome(t)
	home.Configure(beattest.Config{Inputs: []beattest.M{beattest.Input(url, token, more...)}, Output: beattest.ElasticsearchOutput(es.URL)})
	return home
}

// madeSignIn is a sign-in attempt of this test.
func madeSignIn(t *testing.T, uuid, detail string) json.RawMessage {
	t.Helper()
	raw, err := json.Marshal(beattest.M{
		"uuid": uuid, "session_uuid": "SESSIONAAAAAAAAAAAAAAAAAAA", "timestamp": time.Now().UTC().Format(time.RFC3339Nano), "country": "FR",
		"category": "success", "type": "credentials_ok", "details": beattest.M{"value": detail},
		"target_user": beattest.M{"uuid": "USERAAAAAAAAAAAAAAAAAAAAAA", "name": "Ada Example", "email": "ada@example.com"},
		"client":      beattest.M{"app_name": "1Password CLI", "ip_address": "192.0.2.7"},
	})
	require.NoError(t, err)
	return raw
}

func madeUUID(kind string, i int) string { return fmt.Sprintf("%s%022d", kind, i)[:26] }

// A whole page is rejected document by document, for their content, and good events follow: collection passes it, and the
// log of rejected events does not grow with each retry.
func TestPageOfRejectedEventsIsPassed(t *testing.T) {
	t.Parallel()
	const limit = 100
	srv := beattest.Backlog(t, 50)
	es := bulktest.Start(t)
	var bad []json.RawMessage
	var ids []string
	for i := range limit {
		ids = append(ids, madeUUID("BADD", i))
		bad = append(bad, madeSignIn(t, ids[i], "x"))
	}
	es.Reject(bulktest.Only(bulktest.BadIP, ids...))
	home := toBulk(t, srv.URL, srv.Token(), es, beattest.M{"limit": limit})
	beat := home.Start()
	beat.Until(soonest, "the backlog is indexed", func() bool { return es.Count("") == 150 })
	srv.Publish(eventsapitest.SignInAttempts, bad...)
	srv.Publish(eventsapitest.SignInAttempts, madeSignIn(t, madeUUID("GOOD", 1), "x"), madeSignIn(t, madeUUID("GOOD", 2), "x"))
	beat.Until(longer, "the events after the page are indexed", func() bool { return es.Count("") == 152 })
	beat.Until(soonest, "the rejected events are counted", func() bool { return beat.InputSum("events_refused_total") == limit })
	line := beat.WaitLog("the output rejected all events of a page for their content", soonest)
	assert.Contains(t, line.Raw, "document_parsing_exception")
	beat.Terminate(10 * time.Second)
	assert.LessOrEqual(t, rejectedInLog(t, home), 2*limit+10, "the whole page is logged at the first and the last attempt")
}

// rejectedInLog counts the events in libbeat's log of rejected events.
func rejectedInLog(t *testing.T, home *beattest.Home) (n int) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(home.Path(), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.Contains(d.Name(), "events-data") {
			raw, err := os.ReadFile(path)
			require.NoError(t, err)
			n += strings.Count(string(raw), "Cannot index event")
		}
		return nil
	}))
	return n
}

// Status 200 without a bulk response: no hot loop, Degraded with the reason, and every event afterwards.
func TestNotABulkResponse(t *testing.T) {
	for name, body := range map[string]string{
		"HTML":           "<html><body>Sign in to continue</body></html>",
		"empty":          "",
		"an object":      "{}",
		"one item short": `{"errors":false,"items":[{"create":{"status":201}}]}`,
		"no status":      `{"errors":false,"items":[` + strings.TrimSuffix(strings.Repeat(`{"create":{}},`, 150), ",") + `]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := beattest.Backlog(t, 50)
			es := bulktest.Start(t)
			es.SetFault(bulktest.NoBulkResponse(body))
			home := beattest.NewHome(t)
			home.Configure(beattest.Config{Inputs: []beattest.M{beattest.Input(srv.URL, srv.Token())},
				Output: beattest.M{"elasticsearch": beattest.M{"hosts": []string{es.URL}}}})
			beat := home.Start()
			beat.Until(soonest, "Degraded with the reason", func() bool {
				return beat.Log.Count("no bulk response") >= 3 && beat.Log.Count("Degraded: the output answers") >= 1
			})
			bulks := es.Stats().Bulks
			assert.Less(t, bulks, 30, "requests in some seconds")
			for typ, cursor := range home.Cursors() {
				assert.Empty(t, cursor, "the cursor of %s moved", typ)
			}
			es.SetFault(nil)
			beat.Until(longer, "every event is indexed", func() bool { return es.Count("") == 150 })
			beat.Terminate(10 * time.Second)
		})
	}
}

// Elasticsearch stores events in the failure store: Degraded with the reason, unless that is accepted.
func TestFailureStoreIsReported(t *testing.T) {
	for name, accept := range map[string]bool{"reported": false, "accepted": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := beattest.Backlog(t, 20)
			es := bulktest.Start(t)
			es.UseFailureStore(true)
			home := toBulk(t, srv.URL, srv.Token(), es, beattest.M{"accept_failure_store": accept})
			beat := home.Start()
			beat.Until(soonest, "every event is stored", func() bool { return es.Count("") == 60 })
			if !accept {
				beat.WaitLog("Degraded: Elasticsearch stores events in the failure store", soonest)
			}
			beat.Terminate(10 * time.Second)
			if accept {
				assert.Zero(t, beat.Log.Count("failure store"))
			}
			assert.NotEmpty(t, home.Cursors()["audit_events"], "it counts as delivered")
		})
	}
}
