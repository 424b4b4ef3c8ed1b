// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The whole path, from the API to documents in an index with the package's pipelines: what the beat and Filebeat's cel
// input cost, shipper and engine together.

package cel

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/module"
	"onepasswordbeat/tests/beattest"
	"onepasswordbeat/tests/ostest"
)

// Events of each type: PATHEVENTS. The first runs warm the engine up and do not count.
const (
	pathEvents   = 20_000
	pathWarmUps  = 2
	pathPatience = 10 * time.Minute
)

// cost is the CPU time of one run, per event.
type cost struct{ shipper, engine time.Duration }

// BenchmarkPath runs the shippers in turn, against the same engine: cel, the beat, and the beat past the pipelines, whose
// engine time is that of indexing alone. -benchtime 3x is three turns.
func BenchmarkPath(b *testing.B) {
	each := pathEvents
	if text := os.Getenv("PATHEVENTS"); text != "" {
		n, err := strconv.Atoi(text)
		require.NoError(b, err)
		each = n
	}
	p := &path{b: b, node: ostest.Start(b), each: each}
	ostest.Install(b, p.node)
	p.url = p.front()
	names := []string{"cel", "beat", "unpiped"}
	shippers := map[string]shipper{"cel": p.cel, "beat": p.beat, "unpiped": p.unpiped}
	sums := map[string]cost{}
	turn := func() {
		for _, name := range names {
			c := p.run(name, shippers[name])
			sums[name] = cost{sums[name].shipper + c.shipper, sums[name].engine + c.engine}
		}
	}
	for range pathWarmUps {
		turn()
	}
	clear(sums)
	for b.Loop() {
		turn()
	}
	for name, c := range sums {
		report := func(part string, took time.Duration) {
			b.ReportMetric(float64((took/time.Duration(b.N)).Nanoseconds())/1e3, "µs/event-"+name+"-"+part)
		}
		report("shipper", c.shipper)
		report("engine", c.engine)
		report("sum", c.shipper+c.engine)
	}
	indexing := sums["unpiped"].engine
	without := func(c cost) float64 { return float64(c.shipper + c.engine - indexing) }
	b.ReportMetric(float64(sums["beat"].shipper+sums["beat"].engine)/float64(sums["cel"].shipper+sums["cel"].engine), "beat/cel")
	b.ReportMetric(without(sums["beat"])/without(sums["cel"]), "beat/cel-without-indexing")
	b.ReportMetric(0, "ns/op")
}

// shipper makes the process that collects from an API.
type shipper func(api *eventsapitest.Server, home string) *exec.Cmd

// path is an engine, and a front that shippers take for Elasticsearch.
type path struct {
	b    *testing.B
	node *ostest.Node
	url  string
	each int
}

// front passes requests on to the engine. It answers itself what OpenSearch answers in another way: its version and license.
func (p *path) front() string {
	target, err := url.Parse(p.node.URL())
	require.NoError(p.b, err)
	proxy := httputil.NewSingleHostReverseProxy(target)
	mux := http.NewServeMux()
	say := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("X-Elastic-Product", "Elasticsearch")
			_, _ = io.WriteString(w, text)
		}
	}
	mux.HandleFunc("GET /{$}", say(`{"name":"bench","cluster_uuid":"bench","version":{"number":"9.99.0","build_flavor":"default"},"tagline":"You Know, for Search"}`))
	mux.HandleFunc("GET /_license", say(`{"license":{"status":"active","uid":"bench","type":"basic"}}`))
	mux.Handle("/", proxy)
	srv := httptest.NewServer(mux)
	p.b.Cleanup(srv.Close)
	return srv.URL
}

// run has a shipper collect all events into empty data streams, and returns what that cost per event.
func (p *path) run(name string, start shipper) cost {
	p.b.Helper()
	for _, m := range module.All() {
		p.node.Do(p.b, http.MethodDelete, "/_data_stream/"+ostest.Stream(m.Name), nil, nil)
	}
	api := eventsapitest.StartTB(p.b, eventsapitest.Config{Seed: 3, Backlog: eventsapitest.Each(p.each), KeepRequests: 1})
	defer func() { require.NoError(p.b, api.Close()) }()
	before := p.engine()
	want := p.each * len(module.All())
	cmd := start(api, p.b.TempDir())
	log := &beattest.Log{}
	cmd.Stderr = log
	require.NoError(p.b, cmd.Start())
	defer func() { _ = cmd.Process.Kill() }() // if it was not stopped below
	reached := p.reached(want)
	require.NoError(p.b, cmd.Process.Signal(syscall.SIGTERM))
	_ = cmd.Wait() // Filebeat's exit code after a signal does not matter
	require.True(p.b, reached, "%s: %d of %d events were indexed; its log:\n%s", name, p.indexed(), want, log.Tail(20))
	after := p.engine()
	n := time.Duration(want)
	return cost{
		shipper: (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()) / n,
		engine:  (after - before) / n,
	}
}

// indexed is how many documents were indexed. A search would cost the engine a refresh.
func (p *path) indexed() int {
	var answer struct {
		All struct {
			Primaries struct {
				Indexing struct {
					Total int `json:"index_total"`
				} `json:"indexing"`
			} `json:"primaries"`
		} `json:"_all"`
	}
	p.node.Do(p.b, http.MethodGet, "/logs-1password.*/_stats/indexing", nil, &answer)
	return answer.All.Primaries.Indexing.Total
}

// reached waits until all are indexed, and looks seldom: each look costs the engine CPU time.
func (p *path) reached(want int) bool {
	deadline := time.NewTimer(pathPatience)
	defer deadline.Stop()
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for p.indexed() < want {
		select {
		case <-tick.C:
		case <-deadline.C:
			return false
		}
	}
	return true
}

// engine is the CPU time of the engine's process so far.
func (p *path) engine() time.Duration {
	var answer struct {
		Nodes map[string]struct {
			Process struct {
				CPU struct {
					Millis int64 `json:"total_in_millis"`
				} `json:"cpu"`
			} `json:"process"`
		} `json:"nodes"`
	}
	p.node.Must(p.b, http.MethodGet, "/_nodes/stats/process", nil, &answer)
	for _, n := range answer.Nodes {
		return time.Duration(n.Process.CPU.Millis) * time.Millisecond
	}
	p.b.Fatal("no node has statistics")
	return 0
}

// output is the same for all, but for more.
func (p *path) output(more M) M {
	out := M{"hosts": []any{p.url}}
	maps.Copy(out, more)
	return out
}

// cel is Filebeat with the package's streams and no rate limit.
func (p *path) cel(api *eventsapitest.Server, home string) *exec.Cmd {
	var inputs []any
	for _, stream := range streams() {
		in := agent(celInput, stream, render(p.b, celInput, stream, M{"url_override": api.URL, "token": api.Token(), "initial_interval": all}))
		delete(in, "resource.rate_limit")
		inputs = append(inputs, in)
	}
	return p.command(binary, home, M{
		"filebeat.inputs": inputs, "output.elasticsearch": p.output(nil), "queue.mem.flush.timeout": "500ms",
		"setup.template.enabled": false, "setup.ilm.enabled": false, "logging.level": "warning", "logging.metrics.enabled": false,
	})
}

// beat is the beat with its defaults and no rate limit.
func (p *path) beat(api *eventsapitest.Server, home string) *exec.Cmd {
	return p.ours(api, home, nil)
}

// unpiped is the beat, whose documents pass no pipeline.
func (p *path) unpiped(api *eventsapitest.Server, home string) *exec.Cmd {
	return p.ours(api, home, M{"pipeline": "_none"})
}

func (p *path) ours(api *eventsapitest.Server, home string, output M) *exec.Cmd {
	return p.command(beattest.Binary(p.b), home, M{
		"onepasswordbeat.inputs": []any{beattest.Input(api.URL, api.Token(), beattest.M{"interval": "5s", "initial_interval": all})},
		"output.elasticsearch":   p.output(output), "queue.mem.flush.timeout": "500ms",
		"setup.template.enabled": false, "setup.ilm.enabled": false, "logging.level": "warning", "logging.metrics.enabled": false,
	})
}

func (p *path) command(program, home string, config M) *exec.Cmd {
	raw, err := json.MarshalIndent(config, "", "  ")
	require.NoError(p.b, err)
	file := filepath.Join(home, "beat.yml")
	require.NoError(p.b, os.WriteFile(file, raw, 0o600))
	cmd := exec.CommandContext(p.b.Context(), program, "run", "-e", "-c", file, "--path.home", home, "--path.data", filepath.Join(home, "data"), "--path.logs", filepath.Join(home, "logs"))
	cmd.Dir = home
	return cmd
}
