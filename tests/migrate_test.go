// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// `migrate eventsapibeat`: from a recorded run of the old beat to ours.

package tests

import (
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"encoding/gob"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/tests/beattest"
	"onepasswordbeat/tests/bulktest"
)

// oldBeat does what eventsapibeat does: it asks version 1 of the API and appends each cursor to a file.
type oldBeat struct {
	t    *testing.T
	srv  *eventsapitest.Server
	home *beattest.Home
	seen map[string]time.Time // the events that it has sent
	last time.Time
}

// collect reads a number of pages of an event type, and leaves its cursor file.
func (o *oldBeat) collect(typ eventsapitest.EventType, path string, pages int) {
	o.t.Helper()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	defer client.CloseIdleConnections()
	body, history := `{ "limit": 40, "start_time": "2020-01-01T00:00:00Z" }`, ""
	for range pages {
		req, err := http.NewRequestWithContext(o.t.Context(), http.MethodPost, o.srv.URL+"/api/v1/"+path, strings.NewReader(body))
		require.NoError(o.t, err)
		req.Header.Set("Authorization", "Bearer "+o.srv.Token())
		resp, err := client.Do(req)
		require.NoError(o.t, err)
		var page struct {
			Cursor string `json:"cursor"`
			Items  []struct {
				UUID      string    `json:"uuid"`
				Timestamp time.Time `json:"timestamp"`
			} `json:"items"`
		}
		require.NoError(o.t, json.NewDecoder(resp.Body).Decode(&page))
		_ = resp.Body.Close()
		require.NotEmpty(o.t, page.Items)
		for _, item := range page.Items {
			o.seen[item.UUID] = item.Timestamp
		}
		last := page.Items[len(page.Items)-1]
		o.last = last.Timestamp
		body = fmt.Sprintf(`{"cursor":%q}`, page.Cursor)
		history += fmt.Sprintf("{ \"cursor\": \"%s\" }\n", gobCursor(o.t, last.Timestamp, last.UUID)) // the simulator's cursors are opaque, the API's are not
	}
	name := "eventsapibeat_" + path + ".state"
	o.home.Write(name, history+`{ "cursor": "Zv-BAw`) // a crash has cut the last line
	past := time.Now().Add(-time.Hour)
	require.NoError(o.t, os.Chtimes(o.home.Path(name), past, past))
}

// gobCursor is a cursor as version 1 of the API makes it.
func gobCursor(t *testing.T, at time.Time, uuid string) string {
	t.Helper()
	var raw bytes.Buffer
	require.NoError(t, gob.NewEncoder(&raw).Encode(struct {
		Limit              int
		StartTime, EndTime *time.Time
		SearchAfter        int64
		TieBreaker         string
	}{Limit: 40, SearchAfter: at.UnixMilli(), TieBreaker: uuid}))
	return base64.RawURLEncoding.EncodeToString(raw.Bytes())
}

// newOldBeat has a configuration for all event types, as 1Password's sample has it.
func newOldBeat(t *testing.T, es *bulktest.Server) *oldBeat {
	t.Helper()
	srv := eventsapitest.StartTB(t, eventsapitest.Config{
		Seed: 7, Backlog: eventsapitest.Each(400), BacklogSpan: 240 * time.Hour, LateShare: eventsapitest.Each(0.0), TLS: true,
	})
	home := beattest.NewHome(t)
	home.Env = append(home.Env, "OLD_TOKEN="+srv.Token())
	home.Write("eventsapibeat.yml", fmt.Sprintf(`
eventsapibeat:
  insecure_skip_verify: true
  signin_attempts:
    enabled: true
    auth_token: "${OLD_TOKEN}"
    starting_cursor: >
      { "limit": 1000, "start_time": "2020-01-01T00:00:00Z" }
  item_usages:
    enabled: true
    auth_token: "${OLD_TOKEN}"
  audit_events:
    enabled: true
    auth_token: "${OLD_TOKEN}"
output.elasticsearch:
  hosts: [%q]
  index: "%%{[agent.type]}-%%{[agent.version]}-%%{[@metadata][event_type]}-%%{+yyyy.MM}"
  password: "do-not-print"
  username: "elastic"
http: {enabled: true, host: "unix://%s"}
`, es.URL, home.Path("http.sock")))
	return &oldBeat{t: t, srv: srv, home: home, seen: map[string]time.Time{}}
}

// TestMigrateEventsAPIBeat: every event of the account is in the old or in the new index, and only those of the overlap
// are in both.
func TestMigrateEventsAPIBeat(t *testing.T) {
	t.Parallel()
	es := bulktest.Start(t)
	old := newOldBeat(t, es)
	positions := map[string]time.Time{}
	for path, typ := range map[string]eventsapitest.EventType{
		"signinattempts": eventsapitest.SignInAttempts, "itemusages": eventsapitest.ItemUsages, "auditevents": eventsapitest.AuditEvents,
	} {
		old.collect(typ, path, 6)
		positions[beattest.TypeName(typ)] = old.last
	}
	before := stateFiles(t, old.home)
	command := []string{"migrate", "eventsapibeat", "--config", old.home.Path("eventsapibeat.yml")}

	r := old.home.Command(append(command, "--dry-run")...)
	require.Zero(t, r.Code, r.All())
	for typ, at := range positions {
		assert.Contains(t, r.Stdout, at.UTC().Truncate(time.Second).Format(time.RFC3339), typ)
	}
	assert.Contains(t, r.Stdout, "output.elasticsearch.index: events go to logs-1password")
	assert.NoFileExists(t, old.home.ConfigFile())
	assert.NoDirExists(t, old.home.RegistryDir())

	r = old.home.Command(command...)
	require.Zero(t, r.Code, r.All())
	for _, secret := range []string{old.srv.Token(), "do-not-print"} {
		assert.NotContains(t, r.All(), secret)
	}
	assert.Equal(t, before, stateFiles(t, old.home), "the old files stay as they are")
	written, err := os.ReadFile(old.home.ConfigFile())
	require.NoError(t, err)
	assert.NotContains(t, string(written), old.srv.Token())
	assert.Equal(t, 1, old.home.Command(command...).Code, "positions are not replaced")

	old.home.Env = nil // the token is in the keystore
	require.Zero(t, old.home.Command("test", "config").Code)
	beat := old.home.Start()
	beat.Until(patient, "all events are in one of both indices", func() bool {
		return beattest.Missing(beattest.Expected(old.srv.Account), es.IDs(), keys(old.seen)) == 0
	})
	code, _ := beat.Terminate(stopMost)
	assert.Zero(t, code)
	twice := 0
	for name, docs := range es.Docs() {
		for _, d := range docs {
			at, both := old.seen[d.ID]
			if !both {
				continue
			}
			twice++
			for typ, position := range positions {
				overlap := 24 * time.Hour
				if typ == "item_usages" {
					overlap = 7 * 24 * time.Hour
				}
				if strings.Contains(name, typ) {
					assert.False(t, at.Before(position.Add(-overlap-time.Second)), "%s of %s is from before the overlap", d.ID, typ)
				}
			}
		}
	}
	assert.Positive(t, twice, "there is an overlap")
	assert.Less(t, twice, len(old.seen), "and more than the overlap")
}

func keys(seen map[string]time.Time) []string {
	ids := make([]string, 0, len(seen))
	for id := range seen {
		ids = append(ids, id)
	}
	return ids
}

// stateFiles returns the content of the old beat's files.
func stateFiles(t *testing.T, home *beattest.Home) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, name := range []string{"eventsapibeat.yml", "eventsapibeat_signinattempts.state", "eventsapibeat_itemusages.state", "eventsapibeat_auditevents.state"} {
		content, err := os.ReadFile(home.Path(name))
		require.NoError(t, err)
		files[name] = string(content)
	}
	return files
}

// TestMigrateUnreadableCursor: it says that --since is required, and writes nothing without it.
func TestMigrateUnreadableCursor(t *testing.T) {
	t.Parallel()
	old := newOldBeat(t, bulktest.Start(t))
	old.collect(eventsapitest.SignInAttempts, "signinattempts", 2)
	old.home.Write("eventsapibeat_itemusages.state", `{ "cursor": "bm90aGluZw" }`+"\n")
	past := time.Now().Add(-time.Hour)
	require.NoError(t, os.Chtimes(old.home.Path("eventsapibeat_itemusages.state"), past, past))
	command := []string{"migrate", "eventsapibeat", "--config", old.home.Path("eventsapibeat.yml")}
	r := old.home.Command(append(command, "--dry-run")...)
	assert.Zero(t, r.Code, r.All())
	assert.Contains(t, r.Stdout, "item_usages      unknown               --since is required")
	assert.Contains(t, r.Stdout, "its cursor has another form")
	assert.Contains(t, r.Stdout, "the file does not exist")

	r = old.home.Command(command...)
	assert.NotZero(t, r.Code)
	assert.Contains(t, r.Stderr, "--since is required for audit_events, item_usages: nothing was written")
	assert.NoFileExists(t, old.home.ConfigFile())
	assert.NoFileExists(t, old.home.Path("data", "onepasswordbeat.keystore"))

	r = old.home.Command(append(command, "--since", "item_usages=2026-01-31T09:00:00Z", "--since", "48h", "--overlap", "1h")...)
	require.Zero(t, r.Code, r.All())
	states := old.home.Registry()
	assert.Len(t, states, 3)
	start, err := time.Parse(time.RFC3339, states["signin_attempts"].StartTime)
	require.NoError(t, err)
	assert.WithinDuration(t, old.last.Add(-time.Hour), start, time.Second)
}

// TestMigrateRunningBeat: the old beat still writes its cursor file.
func TestMigrateRunningBeat(t *testing.T) {
	t.Parallel()
	old := newOldBeat(t, bulktest.Start(t))
	for path, typ := range map[string]eventsapitest.EventType{
		"signinattempts": eventsapitest.SignInAttempts, "itemusages": eventsapitest.ItemUsages, "auditevents": eventsapitest.AuditEvents,
	} {
		old.collect(typ, path, 1)
	}
	open, err := os.OpenFile(old.home.Path("eventsapibeat_itemusages.state"), os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	defer func() { _ = open.Close() }()
	command := []string{"migrate", "eventsapibeat", "--config", old.home.Path("eventsapibeat.yml")}
	r := old.home.Command(command...)
	assert.NotZero(t, r.Code, "this process has the file open")
	assert.Contains(t, r.Stderr, "eventsapibeat still runs")
	assert.NoFileExists(t, old.home.ConfigFile())
	r = old.home.Command(append(command, "--dry-run")...)
	assert.Zero(t, r.Code)
	assert.Contains(t, r.Stdout, "The migration would stop here: eventsapibeat still runs")
}
