// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The tests. They share a node: each of its starts takes seconds.

package dashboards

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/dev-tools/generate/dashboards/boards"
	"onepasswordbeat/dev-tools/generate/fields/fielddefs"
	sim "onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/module"
	"onepasswordbeat/tests/ostest"
)

func TestDashboards(t *testing.T) {
	node := ostest.Start(t)
	install(t, node)
	a := newAccount(t)
	a.index(t, node)
	answers := askAll(t, node)
	t.Run("every panel has data", func(t *testing.T) { testData(t, answers) })
	t.Run("numbers", func(t *testing.T) { testNumbers(t, a, answers) })
	t.Run("story", func(t *testing.T) { testStory(t, a, answers) })
	t.Run("last day", func(t *testing.T) { testLastDay(t, a, answers) })
	t.Run("first seen", func(t *testing.T) { testFirstSeen(t, a, answers) })
	t.Run("delays", func(t *testing.T) { testDelays(t, node, a, answers) })
	t.Run("controls", func(t *testing.T) { testControl(t, node, a) })
	t.Run("watched", func(t *testing.T) { testWatched(t, node, answers) })
	t.Run("two countries", func(t *testing.T) { testTwoCountries(t, a, answers) })
	t.Run("other datasets", func(t *testing.T) {
		a.indexForeign(t, node)
		for key, again := range askAll(t, node) {
			assert.Equal(t, answers[key].Answer, again.Answer, key)
		}
	})
}

// foreign is the dataset of another product whose documents have the same fields.
const foreign = "other.thing"

// install makes the data streams and, for the same documents of another product, an index each. There are no ingest
// pipelines: they would say that everything arrived just now.
func install(t *testing.T, node *ostest.Node) {
	set, err := fielddefs.Load(filepath.Join("..", ".."), module.All())
	require.NoError(t, err)
	for _, m := range module.All() {
		mappings := ostest.Mappings(set, m)
		node.Must(t, http.MethodPut, "/_index_template/"+m.Name, object{
			"index_patterns": list{ostest.Stream(m.Name)}, "data_stream": object{},
			"template": object{"settings": object{"index.number_of_replicas": 0}, "mappings": mappings},
		}, nil)
		encoded, err := json.Marshal(object{"mappings": mappings})
		require.NoError(t, err)
		node.Must(t, http.MethodPut, "/"+foreignIndex(m), strings.ReplaceAll(string(encoded), `"`+m.Dataset+`"`, `"`+foreign+`"`), nil)
	}
}

func foreignIndex(m module.Module) string { return "logs-" + foreign + "." + m.Path + "-default" }

// index stores the account's events as the beat sends them. In the middle of the time range the data streams go on in
// new indices, as they do in production, so that every answer is put together from those of two.
func (a *account) index(t *testing.T, node *ostest.Node) {
	middle := since.Add(until.Sub(since) / 2)
	half := slices.IndexFunc(a.items, func(i item) bool { return i.at.After(middle) })
	stream := func(m module.Module, _ object) string { return ostest.Stream(m.Name) }
	store(t, node, a.items[:half], stream)
	for _, m := range module.All() {
		node.Must(t, http.MethodPost, "/"+ostest.Stream(m.Name)+"/_rollover", nil, nil)
	}
	store(t, node, a.items[half:], stream)
}

// indexForeign stores the same documents once more as those of another product.
func (a *account) indexForeign(t *testing.T, node *ostest.Node) {
	store(t, node, a.items, func(m module.Module, document object) string {
		as[object](t, document["data_stream"])["dataset"], as[object](t, document["event"])["dataset"] = foreign, foreign
		return foreignIndex(m)
	})
}

// store stores events where it is told to.
func store(t *testing.T, node *ostest.Node, items []item, where func(module.Module, object) string) {
	var lines strings.Builder
	e := json.NewEncoder(&lines)
	for _, i := range items {
		id, document := i.document(t)
		index := where(moduleOf(i.typ), document)
		require.NoError(t, e.Encode(object{"create": object{"_index": index, "_id": id}}))
		require.NoError(t, e.Encode(document))
	}
	var answer struct {
		Errors bool
		Items  list
	}
	node.Must(t, http.MethodPost, "/_bulk?refresh=true", lines.String(), &answer)
	if answer.Errors {
		for _, i := range answer.Items {
			require.Nil(t, value(i, "create.error"))
		}
	}
}

// panelAnswer is a panel with its answer.
type panelAnswer struct {
	Dashboard boards.Dashboard
	Panel     boards.Panel
	Answer    *answer
}

// askAll asks every panel, by "dashboard/panel" with the dashboard's name.
func askAll(t *testing.T, node *ostest.Node) map[string]panelAnswer {
	out := make(map[string]panelAnswer)
	for _, d := range boards.All() {
		for _, p := range d.Panels() {
			if found := (asker{t, node, nil}).ask(d, p); found != nil {
				out[d.Name+"/"+p.ID] = panelAnswer{d, p, found}
			}
		}
	}
	return out
}

func testData(t *testing.T, answers map[string]panelAnswer) {
	assert.GreaterOrEqual(t, len(answers), 40)
	for key, a := range answers {
		if !assert.NotEmpty(t, a.Answer.Rows, key) {
			continue
		}
		for i, column := range a.Answer.Columns {
			assert.True(t, slices.ContainsFunc(a.Answer.Rows, func(row []any) bool { return row[i] != nil && row[i] != 0 }),
				"%s: the column %s is empty", key, column)
		}
	}
}

// inWeek are the account's events in the time range that a condition on the API's item holds for, counted without
// any of the code that maps or searches.
func (a *account) inWeek(typ sim.EventType, from, to time.Time, keep func(event object) bool) int {
	n := 0
	for _, i := range a.items {
		if i.typ == typ && !i.at.Before(from) && i.at.Before(to) && keep(i.event) {
			n++
		}
	}
	return n
}

func testNumbers(t *testing.T, a *account, answers map[string]panelAnswer) {
	is := func(key string, values ...string) func(object) bool {
		return func(e object) bool { s, _ := e[key].(string); return slices.Contains(values, s) }
	}
	failed := is("category", "credentials_failed", "mfa_failed", "sso_failed", "modern_version_failed", "firewall_failed")
	given := func(e object) bool {
		return is("object_type", "uva", "gva")(e) && is("action", "grant")(e) || is("object_type", "gm")(e) && is("action", "join")(e)
	}
	withoutSecondFactor := func(e object) bool {
		user, _ := e["target_user"].(object)
		email, _ := user["email"].(string)
		return is("category", "success", "firewall_reported_success")(e) && is("type", "credentials_ok")(e) &&
			email != "" && !strings.HasSuffix(email, serviceAccounts)
	}
	settings := func(e object) bool {
		return is("object_type", "sso")(e) ||
			is("object_type", "account")(e) && is("action", "disblduo", "disblmfa", "dvrfydmn", "enblduo", "uisas", "updatduo", "updatfw", "uvrfydmn", "vrfydmn")(e) ||
			is("object_type", "user")(e) && is("action", "disblmfa", "enblmfa", "updatmfa")(e)
	}
	who := make(map[any]bool)
	a.inWeek(sim.SignInAttempts, since, until, func(e object) bool {
		if p, ok := e["target_user"].(object); ok && failed(e) && p["email"] != nil {
			who[p["email"]] = true
		}
		return false
	})
	assert.Equal(t, len(who), answers["Sign-in attempts/who-failed"].Answer.Rows[0][0], "people, not events")
	for key, want := range map[string]struct {
		typ  sim.EventType
		keep func(object) bool
	}{
		"Overview/failed":                {sim.SignInAttempts, failed},
		"Overview/taken":                 {sim.ItemUsages, is("action", "reveal", "secure-copy")},
		"Overview/access":                {sim.AuditEvents, given},
		"Overview/settings":              {sim.AuditEvents, settings},
		"Sign-in attempts/failed":        {sim.SignInAttempts, failed},
		"Sign-in attempts/single-factor": {sim.SignInAttempts, withoutSecondFactor},
		"Sign-in attempts/firewall":      {sim.SignInAttempts, is("category", "firewall_failed")},
		"Item usages/exported":           {sim.ItemUsages, is("action", "export")},
		"Item usages/shared":             {sim.ItemUsages, is("action", "share")},
		"Audit events/given":             {sim.AuditEvents, given},
		"Audit events/exports": {sim.AuditEvents, func(e object) bool {
			return is("object_type", "vault")(e) && is("action", "export")(e)
		}},
		"Audit events/tokens": {sim.AuditEvents, func(e object) bool {
			return is("object_type", "sa", "satoken")(e) && is("action", "create")(e)
		}},
	} {
		row := answers[key].Answer.Rows[0]
		assert.Equal(t, a.inWeek(want.typ, since, until, want.keep), row[0], key)
		assert.Equal(t, a.inWeek(want.typ, before, since, want.keep), row[1], "%s before", key)
	}
}

// testStory looks for what a reader should find.
func testStory(t *testing.T, a *account, answers map[string]panelAnswer) {
	first := func(key string) []any { return answers[key].Answer.Rows[0] }
	row := answers["Sign-in attempts/addresses"].Answer.find(t, attacker.ip)
	assert.Equal(t, victim, row["Last success of"])
	assert.Equal(t, attacker.ip, first("Sign-in attempts/addresses")[0], "the address that tried most people comes first")
	assert.Equal(t, targets, row["People who failed"])
	assert.Equal(t, guessed, row["Failed"])
	assert.Equal(t, 1, row["Succeeded"])
	assert.Equal(t, "Singapore", row["Country"])

	row = answers["Item usages/people"].Answer.find(t, victim)
	assert.Equal(t, victim, first("Item usages/people")[0], "who took most comes first")
	assert.Equal(t, "Sipho Dlamini", row["Name"])
	assert.GreaterOrEqual(t, row["Revealed"], spoils["reveal"])
	assert.GreaterOrEqual(t, row["Exported"], spoils["export"])

	events := 0
	for _, row := range answers["Overview/over-time"].Answer.Rows {
		events += as[int](t, row[2])
	}
	assert.Equal(t, answers["Overview/over-time"].Answer.Total, events, "all events are among the bars")

	vault := answers["Audit events/vaults"].Answer.find(t, slices.Sorted(maps.Keys(a.vaults))[0])
	assert.Equal(t, 1, vault["Exported"])
	assert.Equal(t, admin, vault["Exported by"])
	assert.Equal(t, technician, vault["Access given by"])

	pair := answers["Sign-in attempts/new-countries"].Answer.find(t, victim+" › Singapore")
	assert.Equal(t, 1, pair["Sign-ins"])
	assert.Equal(t, attacker.ip, pair["Address"])
	assert.Equal(t, millis(time.Date(2026, 9, 30, 3, 5, 0, 0, time.UTC)), pair["First seen"])

	watched := answers["Item usages/watched"].Answer
	assert.Contains(t, watched.Columns, "Vault id")
	seen := slices.Index(watched.Columns, "Last seen")
	for n, row := range watched.Rows {
		assert.False(t, n > 0 && as[int](t, row[seen]) > as[int](t, watched.Rows[n-1][seen]), "the newest use comes first")
	}

	single := answers["Sign-in attempts/single-factor-people"].Answer.find(t, victim)
	assert.GreaterOrEqual(t, single["Without"], 1, "the attacker had the password alone")

	health := answers["Overview/health"].Answer
	assert.Equal(t, 1, health.find(t, "Item usages")["With errors"])
	assert.NotZero(t, health.find(t, "Sign-in attempts")["Unknown"])
}

// testLastDay compares what people took in the last 24 hours of the time range, and that it is sensitive.
func testLastDay(t *testing.T, a *account, answers map[string]panelAnswer) {
	sum := 0
	for _, row := range answers["Item usages/people"].Answer.Rows {
		by := answers["Item usages/people"].Answer.find(t, row[0])
		taken := func(from time.Time) int {
			return a.inWeek(sim.ItemUsages, from, until, func(e object) bool {
				who, _ := e["user"].(object)
				return who["email"] == row[0] && slices.Contains([]any{"reveal", "secure-copy", "export", "share"}, e["action"])
			})
		}
		assert.Equal(t, taken(since), by["Taken"], row[0])
		assert.Equal(t, taken(until.Add(-24*time.Hour)), by["Last 24 h"], row[0])
		sum += as[int](t, by["Last 24 h"])
	}
	assert.Positive(t, sum)
	victims := answers["Overview/people-table"].Answer.find(t, victim)
	assert.Equal(t, answers["Item usages/people"].Answer.find(t, victim)["Taken"], victims["Sensitive actions"])
}

// testFirstSeen compares when pairs were first seen: Kibana puts the answer together from those of several indices, where
// what is high in one may be missing in another.
func testFirstSeen(t *testing.T, a *account, answers map[string]panelAnswer) {
	want := make(map[string]int)
	for _, i := range a.items {
		user, _ := i.event["target_user"].(object)
		client, _ := i.event["client"].(object)
		if i.typ != sim.SignInAttempts || i.at.Before(since) || !i.at.Before(until) || client["platform_name"] == nil ||
			!slices.Contains([]any{"success", "firewall_reported_success"}, i.event["category"]) {
			continue
		}
		pair := fmt.Sprintf("%s › %s", user["email"], client["platform_name"])
		if at, ok := want[pair]; !ok || millis(i.at) < at {
			want[pair] = millis(i.at)
		}
	}
	table := answers["Sign-in attempts/new-devices"].Answer
	require.NotEmpty(t, table.Rows)
	assert.Len(t, table.Rows, min(len(want), 200))
	for n, row := range table.Rows {
		key := as[string](t, row[0])
		assert.Equal(t, want[key], table.find(t, key)["First seen"], key)
		assert.False(t, n > 0 && as[int](t, row[1]) > as[int](t, table.Rows[n-1][1]), "the newest come first")
	}
}

// testDelays compares the delays in the table of the collection's health, and requires a row for a silent event type.
func testDelays(t *testing.T, node *ostest.Node, a *account, answers map[string]panelAnswer) {
	var delays []int
	for _, i := range a.items {
		if i.typ == sim.ItemUsages && !i.at.Before(since) && i.at.Before(until) {
			delays = append(delays, i.delay())
		}
	}
	slices.Sort(delays)
	row := answers["Overview/health"].Answer.find(t, "Item usages")
	assert.InDelta(t, delays[len(delays)/2], row["Median delay"], 1)
	assert.InEpsilon(t, delays[len(delays)*95/100], row["95 % within"], 0.1)

	health := answers["Overview/health"]
	nobody := asker{t, node, object{"match_phrase": object{"user.email": "nobody@example.net"}}}
	silent := nobody.ask(health.Dashboard, health.Panel)
	require.Len(t, silent.Rows, 3)
	for _, row := range silent.Rows {
		assert.Equal(t, 0, row[1], row)
	}
}

// testControl sets the control for the user on every dashboard: each count of all events is of this user's events only.
func testControl(t *testing.T, node *ostest.Node, a *account) {
	asks := asker{t, node, object{"match_phrase": object{"user.email": victim}}}
	mine := func(typ sim.EventType, who string) int {
		return a.inWeek(typ, since, until, func(e object) bool { p, _ := e[who].(object); return p["email"] == victim })
	}
	for name, want := range map[string]int{
		"Overview/over-time":         mine(sim.SignInAttempts, "target_user") + mine(sim.ItemUsages, "user") + mine(sim.AuditEvents, "actor_details"),
		"Sign-in attempts/over-time": mine(sim.SignInAttempts, "target_user"),
		"Item usages/over-time":      mine(sim.ItemUsages, "user"),
	} {
		require.Positive(t, want, name)
		for _, d := range boards.All() {
			for _, p := range d.Panels() {
				if d.Name+"/"+p.ID == name {
					assert.Equal(t, want, asks.ask(d, p).Total, name)
				}
			}
		}
	}
}

// testWatched sets the control for the item's id: the table has this item only.
func testWatched(t *testing.T, node *ostest.Node, answers map[string]panelAnswer) {
	watched := answers["Item usages/watched"]
	item, _, _ := strings.Cut(as[string](t, watched.Answer.Rows[0][0]), " › ")
	asks := asker{t, node, object{"match_phrase": object{"onepassword.item_uuid": item}}}
	rows := asks.ask(watched.Dashboard, watched.Panel).Rows
	require.NotEmpty(t, rows)
	for _, row := range rows {
		assert.True(t, strings.HasPrefix(as[string](t, row[0]), item+" › "), row[0])
	}
	found := false
	for _, c := range watched.Dashboard.Controls {
		found = found || c.Field == "onepassword.item_uuid"
	}
	assert.True(t, found, "there is a control for the item's id")
}

// testTwoCountries counts a second time, from the events as the API sends them, who succeeded from two countries within
// the same three hours.
func testTwoCountries(t *testing.T, a *account, answers map[string]panelAnswer) {
	type key struct {
		who  string
		from int
	}
	want := make(map[key]map[any]bool)
	for _, i := range a.items {
		user, _ := i.event["target_user"].(object)
		client, _ := i.event["client"].(object)
		location, _ := i.event["location"].(object)
		if i.typ != sim.SignInAttempts || i.at.Before(since) || !i.at.Before(until) || client == nil || location["country"] == nil ||
			!slices.Contains([]any{"success", "firewall_reported_success"}, i.event["category"]) {
			continue
		}
		k := key{fmt.Sprint(user["email"]), millis(i.at.Truncate(3 * time.Hour))}
		if want[k] == nil {
			want[k] = make(map[any]bool)
		}
		want[k][location["country"]] = true
	}
	table := answers["Sign-in attempts/two-countries"].Answer
	column := slices.Index(table.Columns, "Countries")
	several := 0
	for _, row := range table.Rows {
		k := key{as[string](t, row[0]), as[int](t, row[1])}
		if n := as[int](t, row[column]); n > 1 {
			several++
			assert.Len(t, want[k], n, "%v", k)
		}
	}
	assert.Positive(t, several, "somebody was in two countries at once")
}
