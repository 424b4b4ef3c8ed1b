// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !oss

// A component's life.

package agent_test

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/elastic/elastic-agent-client/v7/pkg/proto"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/tests/beattest"
	"onepasswordbeat/tests/bulktest"
)

// M is a part of a policy.
type M = beattest.M

const (
	// soon is for what happens within moments on an idle machine.
	soon = 60 * time.Second
	// stopMost is the most that a stop may take: shutdown_timeout (5 s) and some seconds.
	stopMost = 20 * time.Second
	// each is the backlog of an event type.
	each = 500
)

var eventTypes = []string{"audit_events", "item_usages", "signin_attempts"}

func TestMain(m *testing.M) {
	os.Exit(beattest.Main(m)) //nolint:forbidigo // the end of every TestMain
}

// account is a 1Password account and its token.
type account struct {
	*eventsapitest.Server
	token string
}

// api is an account with a backlog.
func api(t *testing.T, seed int64, n int) account {
	t.Helper()
	srv := eventsapitest.StartTB(t, eventsapitest.Config{Seed: seed, Backlog: eventsapitest.Each(n)})
	return account{srv, srv.Token()}
}

// stream is a stream of a policy.
func stream(eventType string, more M) M {
	s := M{"id": "stream-" + eventType, "data_stream": M{"dataset": "1password." + eventType, "type": "logs"}}
	for k, v := range more {
		s[k] = v
	}
	return s
}

// input is an input of a policy with a stream for each event type.
func input(id, url, token string, more M) M {
	in := M{
		"id": id, "type": "onepassword", "use_output": "default", "data_stream": M{"namespace": "test"},
		"url": url, "token": token, "interval": "1s", "limit": 100, "initial_interval": "480h",
	}
	var streams []any
	for _, t := range eventTypes {
		streams = append(streams, stream(t, M{"id": id + "-" + t}))
	}
	in["streams"] = streams
	for k, v := range more {
		in[k] = v
	}
	return in
}

func elasticsearch(es *bulktest.Server) M {
	return M{"type": "elasticsearch", "hosts": []any{es.URL}, "backoff": M{"init": "100ms", "max": "500ms"}, "queue.mem.flush.timeout": "200ms"}
}

// component is a started component.
type component struct {
	*beattest.Beat
	control *control
	home    *beattest.Home
	data    string // folder of its data, of its own for each output of another name
}

// specification is what Elastic Agent reads of specs/onepasswordbeat.spec.yml.
type specification struct {
	Version int `yaml:"version"`
	Inputs  []struct {
		Name        string   `yaml:"name"`
		Description string   `yaml:"description"`
		Platforms   []string `yaml:"platforms"`
		Outputs     []string `yaml:"outputs"`
		Command     struct {
			Args     []string      `yaml:"args"`
			Period   time.Duration `yaml:"restart_monitoring_period"`
			Restarts int           `yaml:"maximum_restarts_per_period"`
			Timeouts struct {
				Restart time.Duration `yaml:"restart"`
			} `yaml:"timeouts"`
		} `yaml:"command"`
	} `yaml:"inputs"`
}

func readSpecification(t *testing.T) specification {
	t.Helper()
	var spec specification
	strict := yaml.NewDecoder(bytes.NewReader(readFile(t, "../../specs/onepasswordbeat.spec.yml")))
	strict.KnownFields(true)
	require.NoError(t, strict.Decode(&spec))
	require.Len(t, spec.Inputs, 1)
	return spec
}

// variable is a reference with a default, as Elastic Agent resolves it.
var variable = regexp.MustCompile(`\$\{\w+:(\w+)\}`)

// args are those of the specification and what Elastic Agent adds: the data path
// and the socket that it scrapes.
func args(t *testing.T, home *beattest.Home, data string) []string {
	t.Helper()
	var list []string
	for _, arg := range readSpecification(t).Inputs[0].Command.Args {
		list = append(list, variable.ReplaceAllString(arg, "$1"))
	}
	return append(list, "-E", "http.enabled=true", "-E", "http.host=unix://"+home.Path("http.sock"),
		"--path.data", home.Path(data), "--path.logs", home.Path("logs"))
}

func start(t *testing.T) *component {
	t.Helper()
	c := &component{control: newControl(t), home: beattest.NewHome(t), data: "data"}
	c.restart(t)
	return c
}

// restart starts the process as Elastic Agent does after its end.
func (c *component) restart(t *testing.T) {
	t.Helper()
	c.home.Stdin = c.control.stdin()
	c.Beat = c.home.StartQuiet(args(t, c.home, c.data)...)
}

// waitState waits for the state of an input's unit.
func (c *component) waitState(t *testing.T, input string, want proto.State) seen {
	t.Helper()
	var last seen
	defer func() {
		if t.Failed() {
			t.Logf("unit of %s: %+v\nhistory: %s", input, last, strings.Join(c.control.history, "\n"))
		}
	}()
	c.Until(soon, input+" is "+want.String(), func() bool {
		last = c.control.inputSeen(input)
		return last.State == want
	})
	return last
}

// waitDelivered waits until all events of an account arrived.
func (c *component) waitDelivered(t *testing.T, srv account, servers ...*bulktest.Server) {
	t.Helper()
	c.Until(soon, "every event has arrived", func() bool { return missing(srv.Account, servers...) == 0 })
}

// missing counts the events of an account that no server has.
func missing(a *eventsapitest.Account, servers ...*bulktest.Server) int {
	var got [][]string
	for _, es := range servers {
		got = append(got, es.IDs())
	}
	return beattest.Missing(beattest.Expected(a), got...)
}

// TestStartAndStop: a policy is run, its events carry what Elastic Agent adds, and
// a stop is orderly.
func TestStartAndStop(t *testing.T) {
	t.Parallel()
	srv, es := api(t, 1, each), bulktest.Start(t)
	c := start(t)
	c.control.apply(policy{output: elasticsearch(es), inputs: []M{input("acme", srv.URL, srv.token, nil)}})
	c.waitDelivered(t, srv, es)
	unit := c.waitState(t, "acme", proto.State_HEALTHY)
	c.Until(soon, "each stream is healthy", func() bool {
		unit = c.control.inputSeen("acme")
		return len(unit.Streams) == 3 && !slices.ContainsFunc(eventTypes, func(e string) bool { return unit.Streams["acme-"+e].Status != "HEALTHY" })
	})
	assert.Equal(t, proto.State_HEALTHY, c.control.unitSeen(outputUnit).State)

	indices := es.Docs()
	require.Len(t, indices, 3)
	for _, e := range eventTypes {
		docs := indices["logs-1password."+e+"-test"]
		require.NotEmpty(t, docs, e)
		var doc struct {
			DataStream   struct{ Type, Dataset, Namespace string } `json:"data_stream"`
			Event        struct{ Dataset string }                  `json:"event"`
			Agent        struct{ ID, Version, Type string }        `json:"agent"`
			Input        struct{ Type string }                     `json:"input"`
			ElasticAgent struct{ ID, Version string }              `json:"elastic_agent"`
			Host         *struct{ Name string }                    `json:"host"`
		}
		require.NoError(t, json.Unmarshal(docs[0].Source, &doc))
		assert.Equal(t, "1password."+e, doc.DataStream.Dataset)
		assert.Equal(t, "1password."+e, doc.Event.Dataset)
		assert.Equal(t, "test", doc.DataStream.Namespace)
		assert.Equal(t, "logs", doc.DataStream.Type)
		assert.Equal(t, agentInfo().GetId(), doc.Agent.ID)
		assert.Equal(t, agentInfo().GetId(), doc.ElasticAgent.ID)
		assert.Equal(t, "9.5.0", doc.Agent.Version, "the version is the agent's")
		assert.Equal(t, "9.5.0", doc.ElasticAgent.Version)
		assert.Equal(t, "onepassword", doc.Input.Type)
		assert.Equal(t, "create", docs[0].Op)
	}
	for _, request := range es.Requests() {
		assert.NotRegexp(t, "^(PUT|POST) ", request, "the indices are set up by others")
	}
	var stats struct {
		Libbeat struct {
			Output struct {
				Events struct{ Acked int }
			}
		}
	}
	c.Until(soon, "what Elastic Agent's monitoring reads counts the events", func() bool {
		return c.Get("/stats", &stats) == nil && stats.Libbeat.Output.Events.Acked == 3*each
	})
	for _, e := range eventTypes {
		assert.Contains(t, c.InputMetrics(), "acme-"+e+"::"+e)
	}
	assert.NotContains(t, c.Log.Text(), srv.token)
	code, _ := c.Terminate(stopMost)
	assert.Zero(t, code)
}

// TestSpecification: what an Elastic Agent of 8.18 or later takes.
func TestSpecification(t *testing.T) {
	t.Parallel()
	spec := readSpecification(t)
	assert.Equal(t, 2, spec.Version)
	assert.Equal(t, "onepassword", spec.Inputs[0].Name)
	assert.Equal(t, []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64", "container/amd64", "container/arm64"}, spec.Inputs[0].Platforms)
	assert.Equal(t, []string{"elasticsearch", "kafka", "logstash", "redis"}, spec.Inputs[0].Outputs)
	assert.NotEmpty(t, spec.Inputs[0].Description)
	command := spec.Inputs[0].Command
	assert.Equal(t, 1, command.Restarts)
	assert.Equal(t, 5*time.Second, command.Period)
	assert.Equal(t, time.Second, command.Timeouts.Restart)
	assert.Zero(t, len(command.Args)%2)
	for i := 0; i < len(command.Args); i += 2 {
		assert.Equal(t, "-E", command.Args[i])
		assert.Contains(t, command.Args[i+1], "=")
	}
}

// TestPolicyOfTheDocumentation works as it is written there, but for addresses and
// secrets.
func TestPolicyOfTheDocumentation(t *testing.T) {
	t.Parallel()
	page := string(readFile(t, "../../docs/elastic-agent.md"))
	_, page, found := strings.Cut(page, "```yaml\n")
	require.True(t, found)
	block, _, _ := strings.Cut(page, "```")
	var doc struct {
		Outputs map[string]M `yaml:"outputs"`
		Inputs  []M          `yaml:"inputs"`
	}
	require.NoError(t, yaml.Unmarshal([]byte(block), &doc))
	require.Len(t, doc.Inputs, 1)
	in, out := doc.Inputs[0], doc.Outputs["default"]

	srv, es := api(t, 14, each), bulktest.Start(t)
	in["url"], in["token"], in["initial_interval"] = srv.URL, srv.token, "480h"
	out["hosts"] = []any{es.URL}
	delete(out, "api_key")
	c := start(t)
	c.control.apply(policy{output: out, inputs: []M{in}})
	c.waitDelivered(t, srv, es)
	name, _ := in["id"].(string)
	assert.Len(t, c.waitState(t, name, proto.State_HEALTHY).Streams, 3)
	assert.Zero(t, c.Log.Count("unknown settings"))
}

// TestFleetPolicy runs what Fleet renders of the package, but for addresses and
// secrets.
func TestFleetPolicy(t *testing.T) {
	t.Parallel()
	var in M
	require.NoError(t, json.Unmarshal(readFile(t, "../../cmd/agent/testdata/fleet.in.json"), &in))
	srv, es := api(t, 15, each), bulktest.Start(t)
	streams, _ := in["streams"].([]any)
	for _, v := range streams {
		s, _ := v.(map[string]any)
		s["url"], s["token"], s["initial_interval"] = srv.URL, srv.token, "480h"
		delete(s, "proxy_url")
	}
	c := start(t)
	c.control.apply(policy{output: elasticsearch(es), inputs: []M{in}})
	c.waitDelivered(t, srv, es)
	name, _ := in["id"].(string)
	assert.Len(t, c.waitState(t, name, proto.State_HEALTHY).Streams, 3)
	assert.Equal(t, srv.Total(eventsapitest.AuditEvents), es.Count("logs-1password.audit_events-production"))
	assert.Zero(t, c.Log.Count("unknown settings"))
	var doc struct {
		Tags   []string
		Labels struct{ Team string }
		Event  struct{ Original string }
	}
	require.NoError(t, json.Unmarshal(es.Docs()["logs-1password.audit_events-production"][0].Source, &doc))
	assert.Contains(t, doc.Tags, "forwarded")
	assert.Contains(t, doc.Tags, "identity")
	assert.Equal(t, "identity", doc.Labels.Team, "the policy's own processors run")
	assert.NotEmpty(t, doc.Event.Original)
}

// TestTextOfAPolicy: what the Agent has put in for its variables stays text, whatever it looks like.
func TestTextOfAPolicy(t *testing.T) {
	t.Parallel()
	srv, es := api(t, 16, each), bulktest.Start(t)
	c := start(t)
	c.control.apply(policy{output: elasticsearch(es), inputs: []M{input("00042", srv.URL, srv.token, M{
		"data_stream": M{"namespace": "00042"}, "tags": []any{"on", "0x10"}, "fields": M{"site": "1e3"}, "event_types": []any{"audit_events"},
	})}})
	c.Until(soon, "events are in the namespace of the policy", func() bool {
		return es.Count("logs-1password.audit_events-00042") == srv.Total(eventsapitest.AuditEvents)
	})
	var doc struct {
		Tags   []string
		Fields struct{ Site any }
		Stream struct{ Namespace any } `json:"data_stream"`
	}
	require.NoError(t, json.Unmarshal(es.Docs()["logs-1password.audit_events-00042"][0].Source, &doc))
	assert.Subset(t, doc.Tags, []string{"on", "0x10"})
	assert.Equal(t, "1e3", doc.Fields.Site)
	assert.Equal(t, "00042", doc.Stream.Namespace)
}

// starts counts how often inputs were started.
func (c *component) starts() int { return c.Log.Count("Input 'onepassword' starting") }

// TestWrongPolicy: what is wrong is a Failed unit that says what to do, and the
// others go on, untouched by it and by its repair.
func TestWrongPolicy(t *testing.T) {
	t.Parallel()
	good, es := api(t, 2, each), bulktest.Start(t)
	c := start(t)
	healthy := input("good", good.URL, good.token, nil)
	wrong := map[string]struct {
		settings M
		says     []string
	}{
		"limit":     {input("limit", good.URL, "opaque", M{"limit": 5000}), []string{"limit: 5000 is out of range", "write for example limit: 1000"}},
		"token":     {input("token", good.URL, "", nil), []string{"token: it is missing", "Events Reporting"}},
		"unread":    {input("unread", good.URL, "opaque", M{"tags": []any{"${unfinished"}}), []string{"invalid policy: tags: unresolved or malformed variable"}},
		"missing":   {input("missing", good.URL, "opaque", M{"tags": []any{"${no.such.variable}"}}), []string{"invalid policy: tags: unresolved or malformed variable"}},
		"procs":     {input("procs", good.URL, "opaque", M{"processors": []any{M{"no_such_processor": M{}}}}), []string{"invalid policy: processors: ", "no_such_processor"}},
		"namespace": {input("namespace", good.URL, "opaque", M{"data_stream": M{"namespace": "Not-Valid"}}), []string{"namespace: ", "upper case"}},
		"dataset": {input("dataset", good.URL, "opaque", M{"streams": []any{stream("audit_events", M{"data_stream": M{"dataset": "acme.other"}})}}),
			[]string{`event_types: unknown event type "acme.other": choose from audit_events`}},
		"proxy": {input("proxy", good.URL, "opaque", M{"proxy_url": "proxy.example.com:3128"}), []string{"invalid policy: proxy_url: it has no scheme or no host"}},
		"ca":    {input("ca", good.URL, "opaque", M{"ssl": M{"certificate_authorities": []any{"/nowhere/ca.pem"}}}), []string{"ssl"}},
	}
	inputs := []M{healthy}
	for _, w := range wrong {
		inputs = append(inputs, w.settings)
	}
	c.control.apply(policy{output: elasticsearch(es), inputs: inputs})
	for name, w := range wrong {
		unit := c.waitState(t, name, proto.State_FAILED)
		for _, part := range w.says {
			assert.Contains(t, unit.Message, part, name)
		}
	}
	c.waitState(t, "good", proto.State_HEALTHY)
	c.waitDelivered(t, good, es)
	assert.Equal(t, proto.State_HEALTHY, c.control.unitSeen(outputUnit).State)
	c.Until(soon, "three streams have started", func() bool { return c.starts() == 3 })

	c.control.apply(policy{output: elasticsearch(es), inputs: []M{healthy, input("limit", good.URL, good.token, M{"limit": 50})}})
	c.waitState(t, "limit", proto.State_HEALTHY)
	c.Until(soon, "three more streams have started", func() bool { return c.starts() == 6 })
	c.waitState(t, "good", proto.State_HEALTHY)
}

// TestHealth: a rejected token degrades its own unit only, a new reason in the same
// state arrives, and it heals.
func TestHealth(t *testing.T) {
	t.Parallel()
	one, other, es := api(t, 3, each), api(t, 4, each), bulktest.Start(t)
	c := start(t)
	p := policy{output: elasticsearch(es), inputs: []M{input("one", one.URL, one.token, nil), input("other", other.URL, other.token, nil)}}
	c.control.apply(p)
	c.waitDelivered(t, one, es)
	c.waitDelivered(t, other, es)
	c.waitState(t, "one", proto.State_HEALTHY)

	reason := func(part string) {
		t.Helper()
		c.Until(soon, "a reason with "+part, func() bool {
			unit := c.control.inputSeen("one")
			return unit.State == proto.State_DEGRADED && strings.Contains(unit.Message, part) && strings.Contains(unit.Streams["one-audit_events"].Error, part)
		})
	}
	one.SetFaults(eventsapitest.Chance{P: 1, Fault: eventsapitest.HTTPStatus(503)})
	reason("503")
	one.SetFaults(eventsapitest.Chance{P: 1, Fault: eventsapitest.HTTPStatus(500)})
	reason("500")
	one.SetFaults()
	c.waitState(t, "one", proto.State_HEALTHY)
	one.Revoke(one.token)
	reason("401")
	assert.Equal(t, proto.State_HEALTHY, c.control.inputSeen("other").State)

	// A stream's trouble is its own: the new token lacks one event type.
	fresh := one.Token(eventsapitest.WithExpiry(time.Now().Add(1000*time.Hour)), eventsapitest.WithFeatures(eventsapitest.AuditEvents, eventsapitest.ItemUsages))
	p.inputs[0] = input("one", one.URL, fresh, nil)
	c.control.apply(p)
	c.Until(soon, "one stream is degraded", func() bool {
		s := c.control.inputSeen("one").Streams
		return s["one-audit_events"].Status == "HEALTHY" && s["one-item_usages"].Status == "HEALTHY" && s["one-signin_attempts"].Status == "DEGRADED"
	})
	assert.Contains(t, c.control.inputSeen("one").Message, "signin_attempts")
	p.inputs[0] = input("one", one.URL, one.Token(eventsapitest.WithExpiry(time.Now().Add(2000*time.Hour))), nil)
	c.control.apply(p)
	c.waitState(t, "one", proto.State_HEALTHY)
}

// TestOutputChange: in the middle of a backlog another output is configured; the
// component ends, is started again, and nothing is lost.
func TestOutputChange(t *testing.T) {
	t.Parallel()
	srv, first, second := api(t, 5, 4000), bulktest.Start(t), bulktest.Start(t)
	first.SetFault(bulktest.Slow(500 * time.Millisecond)) // libbeat waits a second before it applies a change
	c := start(t)
	p := policy{output: elasticsearch(first), inputs: []M{input("acme", srv.URL, srv.token, nil)}}
	c.control.apply(p)
	c.Until(soon, "some events have arrived", func() bool { return first.Count("") > 500 })
	p.output = elasticsearch(second)
	c.control.apply(p)
	assert.Zero(t, c.Wait(stopMost), "Elastic Agent starts it again")
	require.NotZero(t, missing(srv.Account, first), "the change came in the middle")
	c.restart(t)
	c.waitDelivered(t, srv, first, second)
	c.waitState(t, "acme", proto.State_HEALTHY)
}

// TestOutputOfAnotherName is another component, which goes on where its registry,
// copied as the documentation says, ends.
func TestOutputOfAnotherName(t *testing.T) {
	t.Parallel()
	srv, first, second := api(t, 16, each), bulktest.Start(t), bulktest.Start(t)
	c := start(t)
	p := policy{output: elasticsearch(first), inputs: []M{input("acme", srv.URL, srv.token, nil)}}
	c.control.apply(p)
	c.waitDelivered(t, srv, first)
	c.Until(soon, "the last cursors are stored", func() bool { return c.InputSum("events_acked_total") == 3*each })
	code, _ := c.Terminate(stopMost)
	require.Zero(t, code)

	c.data = "other"
	require.NoError(t, os.CopyFS(c.home.Path("other", "registry"), os.DirFS(c.home.Path("data", "registry"))))
	p.output = elasticsearch(second)
	c.control.apply(p)
	c.restart(t)
	c.waitState(t, "acme", proto.State_HEALTHY)
	before := srv.Total(eventsapitest.SignInAttempts)
	srv.Publish(eventsapitest.SignInAttempts, newer(t, srv))
	c.waitDelivered(t, srv, first, second)
	assert.Equal(t, before+1, srv.Total(eventsapitest.SignInAttempts))
	assert.Equal(t, 1, second.Count(""), "nothing else was fetched again")
}

// newer is a sign-in attempt that happened now.
func newer(t *testing.T, srv account) json.RawMessage {
	t.Helper()
	var e map[string]any
	require.NoError(t, json.Unmarshal(srv.Event(eventsapitest.SignInAttempts, 0), &e))
	e["uuid"], e["timestamp"] = "NEWEREVENT00000000000000AA", time.Now().UTC().Format(time.RFC3339)
	raw, err := json.Marshal(e)
	require.NoError(t, err)
	return raw
}

// TestKill: a kill in the middle of a backlog loses nothing.
func TestKill(t *testing.T) {
	t.Parallel()
	srv, es := api(t, 6, 4000), bulktest.Start(t)
	es.SetFault(bulktest.Slow(50 * time.Millisecond))
	c := start(t)
	c.control.apply(policy{output: elasticsearch(es), inputs: []M{input("acme", srv.URL, srv.token, nil)}})
	c.Until(soon, "some events have arrived", func() bool { return es.Count("") > 500 })
	c.Kill()
	es.SetFault(nil)
	require.NotZero(t, missing(srv.Account, es), "the kill came in the middle")
	c.restart(t)
	c.waitDelivered(t, srv, es)
	c.waitState(t, "acme", proto.State_HEALTHY)
}

// TestCheckinLoss: an agent that is away stops nothing, and is told everything
// when it is back.
func TestCheckinLoss(t *testing.T) {
	t.Parallel()
	live := eventsapitest.StartTB(t, eventsapitest.Config{Seed: 7, Backlog: eventsapitest.Each(each), Live: eventsapitest.Each(20.0)})
	srv, es := account{live, live.Token()}, bulktest.Start(t)
	c := start(t)
	c.control.apply(policy{output: elasticsearch(es), inputs: []M{input("acme", srv.URL, srv.token, nil)}})
	c.waitState(t, "acme", proto.State_HEALTHY)
	c.control.cut()
	before := es.Count("")
	c.Until(soon, "events go on", func() bool { return es.Count("") > before+200 })
	checkins := c.control.checkinCount()
	srv.SetFaults(eventsapitest.Chance{P: 1, Fault: eventsapitest.HTTPStatus(503)})
	c.WaitLog("Degraded", soon)
	assert.Equal(t, checkins, c.control.checkinCount())
	c.control.serve()
	assert.Contains(t, c.waitState(t, "acme", proto.State_DEGRADED).Message, "503")
	srv.SetFaults()
	c.waitState(t, "acme", proto.State_HEALTHY)
}

// TestStopFromTheAgent: a component whose output is to stop ends in its orderly
// way. Whether a last checkin says Stopping is a race inside the Agent's client,
// which is cancelled in the same moment.
func TestStopFromTheAgent(t *testing.T) {
	t.Parallel()
	srv, es := api(t, 8, each), bulktest.Start(t)
	c := start(t)
	p := policy{output: elasticsearch(es), inputs: []M{input("acme", srv.URL, srv.token, nil), input("two", srv.URL, srv.token, nil)}}
	c.control.apply(p)
	c.waitState(t, "acme", proto.State_HEALTHY)
	c.waitDelivered(t, srv, es)
	p.state = proto.State_STOPPED
	c.control.apply(p)
	assert.Zero(t, c.Wait(stopMost))
	assert.NotContains(t, c.Log.Text(), "panic")
}

// TestDiagnostics show our state and no token.
func TestDiagnostics(t *testing.T) {
	t.Parallel()
	srv, es := api(t, 9, each), bulktest.Start(t)
	c := start(t)
	in := input("acme", srv.URL, srv.token, M{"proxy_headers": M{"X-Secret": "hunter2"}, "tags": []any{"see " + srv.token}})
	c.control.apply(policy{output: M{"type": "elasticsearch", "hosts": []any{es.URL}, "username": "u", "password": "hunter2"}, inputs: []M{in}})
	c.waitDelivered(t, srv, es)
	c.waitState(t, "acme", proto.State_HEALTHY)
	srv.SetFaults(eventsapitest.Chance{P: 1, Fault: eventsapitest.HTTPStatus(503)})
	c.waitState(t, "acme", proto.State_DEGRADED)
	files := c.control.diagnose("acme")
	for name, content := range files {
		assert.NotContains(t, content, srv.token, name)
		assert.NotContains(t, content, "hunter2", name)
		for _, stored := range c.home.Registry() {
			assert.NotContains(t, content, stored.Cursor, name)
		}
	}
	var state struct {
		EventTypes []struct {
			Input     string `json:"input"`
			EventType string `json:"event_type"`
			Health    struct{ State, Message string }
			Errors    []struct{ Message string } `json:"last_errors"`
			Stored    struct {
				Account string `json:"account"`
				Cursor  string `json:"cursor_sha256"`
			}
			Budget struct{ Windows []struct{ Available int } } `json:"rate_budget"`
		} `json:"event_types"`
	}
	require.NoError(t, json.Unmarshal([]byte(files["onepassword.json"]), &state), files["onepassword.json"])
	require.Len(t, state.EventTypes, 3)
	first := state.EventTypes[0]
	assert.Equal(t, "acme-audit_events", first.Input)
	assert.Equal(t, "audit_events", first.EventType)
	assert.Equal(t, srv.ID(), first.Stored.Account)
	assert.NotEmpty(t, first.Stored.Cursor)
	assert.Len(t, first.Budget.Windows, 2)
	assert.Contains(t, files["beat-rendered-config.yml"], "dataset: 1password.audit_events")
	assert.Contains(t, files["beat-rendered-config.yml"], "[redacted]")
	assert.Contains(t, files["input_metrics.json"], "acme-audit_events::audit_events")
}

// TestOneBudget: streams with one token, of two inputs, share its budget.
func TestOneBudget(t *testing.T) {
	t.Parallel()
	srv, es := api(t, 17, 10), bulktest.Start(t)
	c := start(t)
	budget := M{"rate_limit": M{"requests_per_minute": 0, "requests_per_hour": 60}} // six at once, then one a minute
	c.control.apply(policy{output: elasticsearch(es), inputs: []M{
		input("one", srv.URL, srv.token, budget), input("two", srv.URL, srv.token, budget),
	}})
	requests := func() (n int) {
		for _, typ := range eventsapitest.Types() {
			n += srv.Stats().Count(typ)
		}
		return n
	}
	c.Until(soon, "the budget is spent", func() bool { return requests() >= 6 })
	var state struct {
		EventTypes []struct {
			Budget struct{ Windows []struct{ Available int } } `json:"rate_budget"`
		} `json:"event_types"`
	}
	require.NoError(t, json.Unmarshal([]byte(c.control.diagnose("one")["onepassword.json"]), &state))
	require.Len(t, state.EventTypes, 6)
	for _, s := range state.EventTypes {
		require.Len(t, s.Budget.Windows, 1)
		assert.LessOrEqual(t, s.Budget.Windows[0].Available, 0)
	}
	assert.LessOrEqual(t, requests(), 7)
}

// TestChange: streams come and go, settings change, the log level too; what is the
// same goes on without a restart.
func TestChange(t *testing.T) {
	t.Parallel()
	srv, es := api(t, 10, each), bulktest.Start(t)
	c := start(t)
	in := func(names ...string) M {
		var streams []any
		for _, n := range names {
			streams = append(streams, stream(n, nil))
		}
		return input("acme", srv.URL, srv.token, M{"streams": streams, "policy": M{"revision": len(names)}})
	}
	p := policy{output: elasticsearch(es), inputs: []M{in("audit_events")}}
	c.control.apply(p)
	c.Until(soon, "audit events have arrived", func() bool {
		return es.Count("logs-1password.audit_events-test") == srv.Total(eventsapitest.AuditEvents)
	})
	p.inputs = []M{in("audit_events", "item_usages", "signin_attempts")}
	c.control.apply(p)
	c.waitDelivered(t, srv, es)
	c.Until(soon, "each stream has started", func() bool { return c.starts() >= 3 })
	assert.Equal(t, 3, c.starts(), "the first stream was not restarted")
	c.Until(soon, "three streams are healthy", func() bool {
		unit := c.control.inputSeen("acme")
		return unit.State == proto.State_HEALTHY && len(unit.Streams) == 3 && unit.Streams["stream-item_usages"].Status == "HEALTHY"
	})

	p.level = proto.UnitLogLevel_DEBUG
	c.control.apply(p)
	c.Until(soon, "debug lines", func() bool {
		return slices.ContainsFunc(c.Log.Lines(), func(l beattest.Line) bool { return l.Level == "debug" })
	})
	p.inputs = []M{in("audit_events", "item_usages")}
	c.control.apply(p)
	c.Until(soon, "a stream is gone", func() bool { return len(c.InputMetrics()) == 4 && len(c.control.inputSeen("acme").Streams) == 2 })
	assert.Equal(t, 3, c.starts())
	assert.Zero(t, es.Stats().Conflicts, "nothing was fetched twice")
	assert.NotContains(t, c.Log.Text(), srv.token)
}

// TestWithoutStreams: an input without streams has one for each event type.
func TestWithoutStreams(t *testing.T) {
	t.Parallel()
	srv, es := api(t, 11, each), bulktest.Start(t)
	c := start(t)
	in := input("acme", srv.URL, srv.token, nil)
	delete(in, "streams")
	c.control.apply(policy{output: elasticsearch(es), inputs: []M{in}})
	c.waitDelivered(t, srv, es)
	assert.Len(t, es.Docs(), 3)
	srv.SetFaults(eventsapitest.Chance{P: 1, Fault: eventsapitest.HTTPStatus(503).For(eventsapitest.AuditEvents)})
	unit := c.waitState(t, "acme", proto.State_DEGRADED)
	assert.Equal(t, "DEGRADED", unit.Streams["acme-audit_events"].Status)
	assert.Equal(t, "HEALTHY", unit.Streams["acme-item_usages"].Status)
}

// TestTwoAccounts: each has its own cursors; one id twice is rejected.
func TestTwoAccounts(t *testing.T) {
	t.Parallel()
	one, two, es := api(t, 12, each), api(t, 13, each), bulktest.Start(t)
	c := start(t)
	p := policy{output: elasticsearch(es), inputs: []M{input("one", one.URL, one.token, nil)}}
	c.control.apply(p)
	c.waitDelivered(t, one, es)
	twice := input("twice", two.URL, two.token, M{"streams": []any{stream("audit_events", M{"id": "one-audit_events"})}})
	p.inputs = append(p.inputs, input("two", two.URL, two.token, nil), twice)
	c.control.apply(p)
	c.waitDelivered(t, two, es)
	assert.Contains(t, c.waitState(t, "twice", proto.State_FAILED).Message, `with the same id "one-audit_events"`)
	c.waitState(t, "one", proto.State_HEALTHY)
	c.waitState(t, "two", proto.State_HEALTHY)
	assert.Len(t, beattest.Expected(one.Account), 3*each)
	assert.Equal(t, 6*each, es.Count(""))

	// An input that leaves the policy is stopped first, and then forgotten.
	p.stopped = []string{"two"}
	c.control.apply(p)
	c.waitState(t, "two", proto.State_STOPPED)
	p.inputs = []M{p.inputs[0]}
	c.control.apply(p)
	c.Until(soon, "only one is left", func() bool { return c.control.inputSeen("two").State == -1 })
	c.waitState(t, "one", proto.State_HEALTHY)
	assert.Equal(t, 7, c.starts(), "no stream of the first input was restarted")
}
