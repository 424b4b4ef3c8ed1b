// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A Filebeat with the cel input, between the simulator and a bulk endpoint.

package cel

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/elastic/elastic-agent-libs/paths"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/module"
	"onepasswordbeat/tests/beattest"
	"onepasswordbeat/tests/bulktest"
)

// binary is Filebeat with the cel input.
var binary string

func TestMain(m *testing.M) {
	os.Exit(withFilebeat(m.Run)) //nolint:forbidigo // the end of every TestMain
}

// withFilebeat builds the binary, runs the tests and removes it.
func withFilebeat(run func() int) int {
	dir, err := os.MkdirTemp("", "onepasswordbeat-cel-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	paths.Paths.Logs = filepath.Join(dir, "logs") // the input rejects a request tracer elsewhere
	binary = filepath.Join(dir, "filebeat")
	build := exec.CommandContext(context.Background(), "go", "build", "-o", binary, "onepasswordbeat/tests/cel/filebeat")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build Filebeat:", err)
		return 1
	}
	return run()
}

// patience is how long a test waits for what will certainly happen.
const patience = 30 * time.Second

// all reaches back to every event of the simulator.
const all = "2880h"

// rig is a simulator, an endpoint, and a Filebeat that is started between them, maybe
// several times.
type rig struct {
	t      *testing.T
	api    *eventsapitest.Server
	es     *bulktest.Server
	stream string                  // of the package
	typ    eventsapitest.EventType // the same in the simulator
	home   string
	config M // of the input
	output M // further settings of the output
	debug  bool
}

// newRig renders the stream with these variables, besides fast ones.
func newRig(t *testing.T, stream string, sim eventsapitest.Config, set M) *rig {
	t.Helper()
	t.Parallel()
	api := eventsapitest.StartTB(t, sim)
	m, ok := module.ByName(stream)
	require.True(t, ok)
	vars := M{"url_override": api.URL, "token": api.Token(), "initial_interval": all, "interval": "100ms"}
	for name, value := range set {
		vars[name] = value
	}
	r := &rig{
		t: t, api: api, es: bulktest.Start(t), stream: stream, typ: eventsapitest.EventType(m.Path), home: t.TempDir(),
		config: agent(celInput, stream, render(t, celInput, stream, vars)),
	}
	state := r.config["state"].(M) //nolint:errcheck // the template's
	state["rejected_own"], state["rejected_other"] = "50ms", "24h"
	delete(r.config, "resource.rate_limit") // the tests of 20 requests would take 10 s
	r.pauses(0.3)
	return r
}

// pauses replaces the seconds to wait after an error.
func (r *rig) pauses(seconds float64) {
	state := r.config["state"].(M) //nolint:errcheck // the template's
	state["waits"] = []any{seconds, seconds, seconds, seconds, seconds}
}

// index is the data stream that documents go to.
func (r *rig) index() string { return "logs-1password." + r.stream + "-default" }

// filebeat is a running process.
type filebeat struct {
	*rig
	log  *beattest.Log
	cmd  *exec.Cmd
	done chan struct{}
}

// start starts Filebeat in the rig's home, where its registry is.
func (r *rig) start() *filebeat {
	r.t.Helper()
	output := M{"hosts": []any{r.es.URL}, "compression_level": 0, "backoff.init": "50ms", "backoff.max": "100ms"}
	for key, value := range r.output {
		output[key] = value
	}
	file := filepath.Join(r.home, "filebeat.yml")
	level := "info"
	if r.debug {
		level = "debug"
	}
	require.NoError(r.t, os.WriteFile(file, toJSON(r.t, M{
		"filebeat.inputs":           []any{r.config},
		"filebeat.registry.flush":   "0s",
		"filebeat.shutdown_timeout": "5s",
		"output.elasticsearch":      output,
		"queue.mem.flush.timeout":   "0s",
		"setup.template.enabled":    false,
		"setup.ilm.enabled":         false,
		"logging.level":             level,
		"logging.metrics.enabled":   false,
	}), 0o600))
	f := &filebeat{rig: r, log: &beattest.Log{}, done: make(chan struct{})}
	f.cmd = exec.Command(binary, "run", "-e", "-c", file, //nolint:noctx // ended by Cleanup
		"--path.home", r.home, "--path.data", filepath.Join(r.home, "data"), "--path.logs", filepath.Join(r.home, "logs"))
	f.cmd.Dir, f.cmd.Stderr, f.cmd.SysProcAttr = r.home, f.log, dieWithTest()
	started := make(chan error)
	go f.run(started)
	require.NoError(r.t, <-started)
	r.t.Cleanup(func() {
		f.kill()
		if r.t.Failed() {
			r.t.Logf("Filebeat's log, its last lines:\n%s", f.log.Tail(30))
		}
	})
	return f
}

// run starts the process and waits for its end in one thread: the kernel kills it when
// the thread that started it ends.
func (f *filebeat) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := f.cmd.Start()
	started <- err
	if err == nil {
		_ = f.cmd.Wait()
		close(f.done)
	}
}

// kill ends the process as a power cut does.
func (f *filebeat) kill() {
	_ = f.cmd.Process.Kill()
	<-f.done
}

// stop ends the process in its orderly way.
func (f *filebeat) stop() {
	f.t.Helper()
	require.NoError(f.t, f.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case <-f.done:
	case <-time.After(patience):
		f.t.Fatal("Filebeat does not stop")
	}
}

// until waits for a condition.
func (f *filebeat) until(what string, condition func() bool) {
	f.t.Helper()
	beattest.Until(f.t, patience, what, func() bool {
		select {
		case <-f.done:
			f.t.Fatalf("Filebeat ended while the test waited for: %s", what)
			return false
		default:
			return condition()
		}
	})
}

// says waits for an error in the log.
func (f *filebeat) says(text string) {
	f.t.Helper()
	f.until(fmt.Sprintf("an error with %q", text), func() bool { return len(f.errors(text)) > 0 })
}

// errors are the messages of errors that the program returned.
func (f *filebeat) errors(text string) []string {
	var found []string
	for _, line := range f.log.Lines() {
		if line.Message != "single event object returned by evaluation" {
			continue
		}
		said, _ := line.Fields["error"].(map[string]any)
		if message, _ := said["message"].(string); strings.Contains(message, text) {
			found = append(found, message)
		}
	}
	return found
}

// complete waits until every event is there, and checks that nothing else is.
func (f *filebeat) complete() {
	f.t.Helper()
	want := map[string]bool{}
	f.until("all events at the output", func() bool {
		for _, uuid := range f.api.UUIDs(f.typ, time.Time{}) {
			want[uuid] = true
		}
		return f.es.Count("") >= len(want)
	})
	f.documents(want)
}

// documents checks the documents: each an item, under its uuid, created.
func (r *rig) documents(want map[string]bool) {
	r.t.Helper()
	m, _ := module.ByName(r.stream)
	got := map[string]bool{}
	for index, docs := range r.es.Docs() {
		assert.Equal(r.t, r.index(), index)
		for _, doc := range docs {
			got[doc.ID] = true
			require.Equal(r.t, "create", doc.Op)
			var fields M
			require.NoError(r.t, json.Unmarshal(doc.Source, &fields))
			message, _ := fields["message"].(string)
			event, _, err := m.Map([]byte(message))
			require.NoError(r.t, err)
			require.Equal(r.t, doc.ID, event.Meta["_id"], "the beat has another _id")
			require.NotContains(r.t, fields, "onepassword_id")
			require.NotContains(r.t, fields, "error")
			require.NotContains(r.t, fields, "host")
		}
	}
	assert.Equal(r.t, want, got)
	assert.Zero(r.t, r.es.Stats().Overwrite)
}

// requests are those for the rig's event type so far.
func (r *rig) requests() []eventsapitest.Request {
	var list []eventsapitest.Request
	for _, request := range r.api.Requests() {
		if request.Type == r.typ {
			list = append(list, request)
		}
	}
	return list
}

// stored is what the registry's log has of the input.
type stored struct {
	TTL    time.Duration `json:"ttl"`
	Cursor struct {
		Server string `json:"server"`
		Next   string `json:"next"`
		Start  string `json:"start"`
		Last   string `json:"last"`
	} `json:"cursor"`
}

// stored is the last entry; an empty one if there is none.
func (r *rig) stored() (last stored) {
	raw, err := os.ReadFile(filepath.Join(r.home, "data", "registry", "filebeat", "log.json"))
	if err != nil {
		return last
	}
	for line := range bytes.Lines(raw) {
		var entry struct {
			V stored `json:"v"`
		}
		if json.Unmarshal(line, &entry) == nil && entry.V.Cursor.Start != "" {
			last = entry.V
		}
	}
	return last
}
