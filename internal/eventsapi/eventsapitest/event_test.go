// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Tests of the generated events.

package eventsapitest_test

import (
	"encoding/json"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
)

func simulator(tb testing.TB, cfg eventsapitest.Config) *eventsapitest.Simulator {
	tb.Helper()
	s, err := eventsapitest.New(cfg)
	require.NoError(tb, err)
	return s
}

func fixed() time.Time { return epoch }

func events(tb testing.TB, t eventsapitest.EventType, n int) []map[string]any {
	tb.Helper()
	s := simulator(tb, eventsapitest.Config{Seed: 7, Now: fixed, Backlog: eventsapitest.Each(n)})
	var list []map[string]any
	for _, raw := range s.All(t, time.Time{}) {
		var e map[string]any
		require.NoError(tb, json.Unmarshal(raw, &e), "%s", raw)
		list = append(list, e)
	}
	require.Len(tb, list, n)
	return list
}

// values counts the values of keys joined by a slash.
func values(list []map[string]any, keys ...string) map[string]int {
	count := make(map[string]int)
	for _, e := range list {
		var parts []string
		for _, k := range keys {
			text, _ := e[k].(string)
			parts = append(parts, text)
		}
		count[strings.Join(parts, "/")]++
	}
	return count
}

func TestEveryAuditPairComesSoon(t *testing.T) {
	pairs := values(events(t, eventsapitest.AuditEvents, 2000), "action", "object_type")
	assert.Len(t, pairs, 121)
	assert.Greater(t, pairs["dlgsess/dlgdsess"], 1000, "delegated sessions dominate")
	for _, p := range []string{"patch/items", "disblmfa/account", "dvrfydmn/account", "unknown/unknown", "grant/gva"} {
		assert.Contains(t, pairs, p)
	}
}

func TestEverySignInPairAndUsageActionComes(t *testing.T) {
	signIns := events(t, eventsapitest.SignInAttempts, 1000)
	assert.Len(t, values(signIns, "category"), 7)
	assert.Len(t, values(signIns, "type"), 32, "31 types, one in two spellings")
	actions := values(events(t, eventsapitest.ItemUsages, 1000), "action")
	assert.Len(t, actions, 12, "11 actions and none")
	assert.Contains(t, actions, "")
}

var idPattern = regexp.MustCompile(`^([A-Z2-7]{26}|[a-z2-7]{26})$`)

func TestEventsAreWellFormed(t *testing.T) {
	for _, typ := range eventsapitest.Types() {
		seen := make(map[string]bool)
		for _, e := range events(t, typ, 3000) {
			uuid, _ := e["uuid"].(string)
			require.Regexp(t, `^[A-Z2-7]{26}$`, uuid)
			require.False(t, seen[uuid], "twice: %s", uuid)
			seen[uuid] = true
			checkIDs(t, "", e)
			stamp, _ := e["timestamp"].(string)
			at, err := time.Parse(time.RFC3339Nano, stamp)
			require.NoError(t, err)
			require.False(t, at.After(epoch))
			require.Equal(t, at.Format(time.RFC3339Nano), stamp, "UTC, trailing zeros cut")
			if session, ok := e["session"].(map[string]any); ok {
				loginTime, _ := session["login_time"].(string)
				login, err := time.Parse(time.RFC3339Nano, loginTime)
				require.NoError(t, err)
				require.True(t, login.Before(at), "%v before %v", login, at)
			}
		}
	}
}

// checkIDs looks at ids and addresses at any depth.
func checkIDs(t *testing.T, path string, v any) {
	t.Helper()
	switch v := v.(type) {
	case map[string]any:
		for k, child := range v {
			checkIDs(t, path+"."+k, child)
		}
	case string:
		switch {
		case path == ".object_uuid" && v == "":
		case strings.HasSuffix(path, "uuid"):
			require.Regexp(t, idPattern, v, path)
		case strings.HasSuffix(path, ".ip") || strings.HasSuffix(path, "ip_address"):
			_, err := netip.ParseAddr(v)
			require.NoError(t, err, path)
		}
	}
}

func TestVariety(t *testing.T) {
	usages := events(t, eventsapitest.ItemUsages, 3000)
	people, missing, null := make(map[string]bool), 0, 0
	for _, e := range usages {
		user, _ := e["user"].(map[string]any)
		name, _ := user["name"].(string)
		people[name] = true
		switch at, ok := e["location"]; {
		case !ok:
			missing++
		case at == nil:
			null++
		}
	}
	assert.Greater(t, len(people), 60)
	assert.True(t, people["Aoife O'Neill"] && people[`Dwayne "Rocky" Adeyemi`] && people[`Back\slash Berta`])
	assert.Positive(t, missing)
	assert.Positive(t, null)
	assert.Contains(t, values(events(t, eventsapitest.AuditEvents, 500), "actor_type"), "external_user")
}

func TestSameSeedSameEvents(t *testing.T) {
	cfg := eventsapitest.Config{Seed: 5, Now: fixed, Backlog: eventsapitest.Each(50)}
	a, b := simulator(t, cfg), simulator(t, cfg)
	cfg.Seed = 6
	other := simulator(t, cfg)
	for _, typ := range eventsapitest.Types() {
		for i := range 50 {
			require.Equal(t, a.Event(typ, i), b.Event(typ, i))
			require.Equal(t, uuidOf(t, a.Event(typ, i)), a.UUID(typ, i))
			require.NotEqual(t, a.UUID(typ, i), other.UUID(typ, i))
		}
	}
	assert.Equal(t, a.Token(), b.Token())
	assert.Equal(t, a.ID(), b.ID())
	assert.NotEqual(t, a.UUID(eventsapitest.AuditEvents, 0), a.In("OTHERACCOUNT").UUID(eventsapitest.AuditEvents, 0))
}

func TestLateEventsHappenedLongBefore(t *testing.T) {
	s := simulator(t, eventsapitest.Config{Seed: 2, Now: fixed, Backlog: eventsapitest.Each(5000)})
	late := func(typ eventsapitest.EventType) (n int, longest time.Duration) {
		for i := range 5000 {
			d := s.IngestTime(typ, i).Sub(s.EventTime(typ, i))
			require.GreaterOrEqual(t, d, time.Duration(0))
			if d > 2*time.Second {
				n++
			}
			longest = max(longest, d)
		}
		return n, longest
	}
	n, longest := late(eventsapitest.ItemUsages)
	assert.InDelta(t, 100, n, 50)
	assert.Greater(t, longest, 48*time.Hour)
	n, _ = late(eventsapitest.SignInAttempts)
	assert.Zero(t, n)
}

func TestLiveEventsFollowTheClock(t *testing.T) {
	c := newClock()
	s := simulator(t, eventsapitest.Config{Seed: 2, Now: c.now, Backlog: eventsapitest.Each(10), Live: eventsapitest.Each(2.5)})
	assert.Equal(t, 11, s.Total(eventsapitest.AuditEvents), "the first live event comes at the epoch")
	c.advance(400*time.Millisecond - 1)
	assert.Equal(t, 11, s.Total(eventsapitest.AuditEvents))
	c.advance(1)
	assert.Equal(t, 12, s.Total(eventsapitest.AuditEvents))
	c.advance(time.Hour)
	assert.Equal(t, 12+9000, s.Total(eventsapitest.AuditEvents))
	c.advance(-2 * time.Hour)
	assert.Less(t, s.Total(eventsapitest.AuditEvents), 11)
}

func TestPublishedEventsStandBetweenGeneratedOnes(t *testing.T) {
	c := newClock()
	s := simulator(t, eventsapitest.Config{Now: c.now, Backlog: eventsapitest.Each(3), Live: eventsapitest.Each(1.0)})
	typ := eventsapitest.AuditEvents
	before := s.UUID(typ, 3)
	s.Publish(typ, json.RawMessage(`{"uuid":"ONE","timestamp":"2026-03-01T10:00:00Z"}`), json.RawMessage(`"junk"`))
	c.advance(2 * time.Second)
	var got []string
	for _, u := range s.UUIDs(typ, time.Time{}) {
		got = append(got, u)
	}
	require.Len(t, got, 8)
	assert.Equal(t, before, got[3])
	assert.Equal(t, []string{"ONE", ""}, got[4:6])
	assert.JSONEq(t, `"junk"`, string(s.Event(typ, 5)))
	assert.Equal(t, epoch.Add(time.Second), s.IngestTime(typ, 6))
	assert.Equal(t, 8, s.Total(typ))
}

func TestV1LacksWhatV2Added(t *testing.T) {
	c := newClient(t, eventsapitest.Config{Seed: 1, Now: fixed, Backlog: eventsapitest.Each(200)})
	for _, typ := range eventsapitest.Types() {
		c.version = "v2"
		v2 := c.fetch(typ, from(epoch.AddDate(0, -1, 0), 200))
		c.version = "v1"
		v1 := c.fetch(typ, from(epoch.AddDate(0, -1, 0), 200))
		require.Len(t, v1.Items, 200)
		assert.NotContains(t, v1.body, "account_uuid")
		assert.NotContains(t, v1.body, "external_user")
		assert.NotContains(t, v1.body, "federated")
		assert.Contains(t, v2.body, "external_user")
		for i := range v1.Items {
			require.Equal(t, uuidOf(t, v2.Items[i]), uuidOf(t, v1.Items[i]))
		}
	}
}

func TestUserTypeKey(t *testing.T) {
	s := simulator(t, eventsapitest.Config{Now: fixed, Backlog: eventsapitest.Each(1), UserTypeKey: "user_type"})
	assert.Contains(t, string(s.Event(eventsapitest.ItemUsages, 0)), `"user_type":"user"`)
}

func TestSettingsThatMakeNoSense(t *testing.T) {
	for _, cfg := range []eventsapitest.Config{
		{Backlog: eventsapitest.Each(-1)},
		{Live: eventsapitest.Each(-1.0)},
		{LateShare: eventsapitest.Each(1.5)},
		{BacklogSpan: -1},
		{EmptyTail: 2},
		{Faults: []eventsapitest.Chance{{P: 0.6, Fault: eventsapitest.HTTPStatus(500)}, {P: 0.6, Fault: eventsapitest.Fault{Kind: eventsapitest.Cut}}}},
		{Faults: []eventsapitest.Chance{{P: 0.6, Fault: eventsapitest.Fault{Kind: "flood"}}}},
	} {
		_, err := eventsapitest.New(cfg)
		assert.Error(t, err)
	}
}

func TestTypesAreAllDistinct(t *testing.T) {
	types := eventsapitest.Types()
	assert.Len(t, slices.Compact(types), 3)
}

// A page costs the same wherever it lies: nothing is stored, so the memory in
// use does not depend on how many events there are.
func BenchmarkPage(b *testing.B) {
	const total = 10_000_000
	s := simulator(b, eventsapitest.Config{Seed: 1, Now: fixed, Backlog: eventsapitest.Each(total)})
	for _, typ := range eventsapitest.Types() {
		b.Run(string(typ), func(b *testing.B) {
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				n += eventsapitest.PageSize(s, typ, total/2, 1000)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/event")
			b.ReportMetric(float64(n)/float64(b.N), "B/page")
		})
	}
}
