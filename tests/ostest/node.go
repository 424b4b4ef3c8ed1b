// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A node's life: started, found ready, asked, and cleared away.

package ostest

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"onepasswordbeat/tests/engine"
)

//go:embed Start.java
var launcher []byte

// How long things may take. A download of 60 MB is the slowest.
const (
	provideTimeout = 10 * time.Minute
	startTimeout   = 2 * time.Minute
	requestTimeout = time.Minute
	pollInterval   = 50 * time.Millisecond
)

// heap bounds the node's memory. The JVM needs about as much again outside of it.
const heap = "512m"

// log4j logs to the standard output alone: one log, which a failing test shows the end of.
const log4j = `status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%-25c{1.}] %m%n%throwable{10}
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
`

// Node is a running OpenSearch. Its methods may be called concurrently.
type Node struct {
	dir    string
	url    string
	proc   *engine.Process
	client *http.Client
}

// Start runs a node for the length of a test, and skips the test where that is impossible (see the package's description) or the tests are short ones.
func Start(t testing.TB) *Node {
	t.Helper()
	if testing.Short() {
		t.Skip("starts an OpenSearch node; left out of short tests")
	}
	n, err := start(t.Context(), nil)
	engine.Require(t, err, engine.CI())
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(n.describe())
		}
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// start runs a node until Close, with more settings of opensearch.yml by their full keys. The context ends the start, not the node.
func start(ctx context.Context, more map[string]any) (*Node, error) {
	provideCtx, cancel := context.WithTimeout(ctx, provideTimeout)
	defer cancel()
	dist, err := provide(provideCtx)
	if err != nil {
		return nil, err
	}
	n := &Node{client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}, Timeout: requestTimeout}}
	if err := n.makeDir(more); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	if err := n.launch(ctx, dist); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

// makeDir makes everything that the node reads and writes.
func (n *Node) makeDir(more map[string]any) (err error) {
	if n.dir, err = os.MkdirTemp("", "ostest-"); err != nil {
		return err
	}
	for _, d := range []string{"config", "logs", "tmp"} {
		if err := os.Mkdir(n.path(d), 0o700); err != nil {
			return err
		}
	}
	settings := map[string]any{
		"cluster.name":   "ostest",
		"node.name":      "ostest",
		"path.data":      n.path("data"),
		"path.logs":      n.path("logs"),
		"discovery.type": "single-node",
		"network.host":   "127.0.0.1",
		"http.port":      0, // the kernel's choice, which the node writes to a file
		"transport.port": 0,
		"node.portsfile": true,
		// A machine whose disk is rather full is no reason to refuse a test's documents.
		"cluster.routing.allocation.disk.threshold_enabled": false,
		// Nor is garbage that the JVM has not collected yet.
		"indices.breaker.total.use_real_memory": false,
	}
	maps.Copy(settings, more)
	yml, err := json.Marshal(settings) // which is YAML, too
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{"config/opensearch.yml": yml, "log4j2.properties": []byte(log4j), "Start.java": launcher} {
		if err := os.WriteFile(n.path(name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// launch starts the server and returns when it answers.
func (n *Node) launch(ctx context.Context, dist *distribution) error {
	log, err := os.OpenFile(n.path("node.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(filepath.Join(dist.javaHome, "bin", "java"), //nolint:noctx // lives until it is killed, longer than a start's context
		"-Xms"+heap, "-Xmx"+heap, "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError", "-XX:ErrorFile="+n.path("hs_err.log"),
		"-Djava.io.tmpdir="+n.path("tmp"), "-Dlog4j2.configurationFile="+n.path("log4j2.properties"),
		"-cp", filepath.Join(dist.lib, "*"), n.path("Start.java"), n.dir)
	cmd.Dir = n.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + n.dir, "LC_ALL=C.UTF-8"}
	cmd.Stdout, cmd.Stderr = log, log
	if n.proc, err = engine.StartProcess(cmd, nil); err != nil {
		n.proc = nil
		return fmt.Errorf("starting OpenSearch: %w", err)
	}
	if err := n.awaitReady(ctx); err != nil {
		return n.explain(err)
	}
	return nil
}

// awaitReady waits until the node answers that it is healthy, or has ended.
func (n *Node) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for last := "it has not opened its port"; ; {
		select {
		case <-n.proc.Done:
			return fmt.Errorf("the test node ended while it started: %w", n.proc.Err)
		case <-ctx.Done():
			return fmt.Errorf("the test node was not ready in time, %s: %w", last, ctx.Err())
		case <-tick.C:
		}
		ports, err := os.ReadFile(n.path("logs", "http.ports"))
		address, _, complete := strings.Cut(string(ports), "\n")
		if err != nil || !complete {
			continue
		}
		n.url = "http://" + address
		status, body, err := n.exchange(ctx, http.MethodGet, "/_cluster/health?wait_for_status=yellow&timeout=5s", nil)
		if err == nil && status == http.StatusOK {
			return nil
		}
		last = fmt.Sprintf("its health: status %d, %s, %v", status, body, err)
	}
}

// Close kills the node and removes everything of it. It may be called twice.
func (n *Node) Close() error {
	n.client.CloseIdleConnections()
	var errs []error
	if n.proc != nil {
		errs = append(errs, n.proc.Kill())
	}
	if n.dir != "" {
		errs = append(errs, os.RemoveAll(n.dir))
	}
	return errors.Join(errs...)
}

// URL is where clients reach the node, without a slash at its end.
func (n *Node) URL() string { return n.url }

// Do sends a request and returns the status of the answer, whatever it is; the answer is decoded into into, with numbers as json.Number where that is an any or a map, unless
// into is nil. A body of type string or []byte is sent as it is, nil is no body, and anything else is encoded as JSON. A path with special characters must be escaped already.
// The test fails, with the end of the node's log, when the node does not answer.
func (n *Node) Do(t testing.TB, method, path string, body, into any) (status int) {
	t.Helper()
	status, answer, err := n.exchange(t.Context(), method, path, body)
	if err != nil {
		t.Fatal(n.explain(err))
	}
	if into == nil {
		return status
	}
	d := json.NewDecoder(bytes.NewReader(answer))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		t.Fatalf("%s %s: status %d: %v in %s", method, path, status, err, answer)
	}
	return status
}

// Must is Do for a request that has to succeed.
func (n *Node) Must(t testing.TB, method, path string, body, into any) {
	t.Helper()
	var answer json.RawMessage
	if status := n.Do(t, method, path, body, &answer); status >= http.StatusMultipleChoices {
		t.Fatalf("%s %s: status %d: %.2000s", method, path, status, answer)
	}
	if into == nil {
		return
	}
	d := json.NewDecoder(bytes.NewReader(answer))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		t.Fatalf("%s %s: %v in %s", method, path, err, answer)
	}
}

// exchange is one request with its answer.
func (n *Node) exchange(ctx context.Context, method, path string, body any) (int, []byte, error) {
	var content []byte
	switch body := body.(type) {
	case nil:
	case string:
		content = []byte(body)
	case []byte:
		content = body
	default:
		var err error
		if content, err = json.Marshal(body); err != nil {
			return 0, nil, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, n.url+path, bytes.NewReader(content))
	if err != nil {
		return 0, nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json") // taken for bulk requests too
	}
	res, err := n.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	return res.StatusCode, answer, err
}

// path is a path below the node's directory.
func (n *Node) path(elem ...string) string { return filepath.Join(append([]string{n.dir}, elem...)...) }

// explain adds to an error what the reader needs to see of the node.
func (n *Node) explain(err error) error { return fmt.Errorf("%w\n%s", err, n.describe()) }

// describe says in which state the node is, with the end of its log.
func (n *Node) describe() string {
	state := "was not started"
	switch {
	case n.proc == nil:
	case n.proc.Running():
		state = fmt.Sprintf("is running as process %d", n.proc.PID)
	default:
		state = fmt.Sprintf("has ended: %v", n.proc.Err)
	}
	log, err := os.ReadFile(n.path("node.log"))
	if err != nil {
		log = []byte(err.Error())
	}
	return fmt.Sprintf("OpenSearch %s %s; the end of its log:\n%s", Version, state, engine.LastLines(string(log), 25))
}
