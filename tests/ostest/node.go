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
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"onepasswordbeat/tests/engine"
)

//go:embed Start.java
var launcher []byte

// How long things may take. A download of 60 MB is the slowest.
const (
	provideTimeout = 10 * time.Minute
	requestTimeout = time.Minute
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
	server *engine.Server
	url    string
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
	n.server.EndWith(t, n.Close)
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
	if n.server, err = engine.NewServer(name+" "+Version, "config", "logs", "tmp"); err != nil {
		return err
	}
	settings := map[string]any{
		"cluster.name":   "ostest",
		"node.name":      "ostest",
		"path.data":      n.server.Path("data"),
		"path.logs":      n.server.Path("logs"),
		"discovery.type": "single-node",
		"network.host":   "127.0.0.1",
		"http.port":      0, // the kernel's choice, which the node writes to a file
		"transport.port": 0,
		"node.portsfile": true,
		// A rather full disk of the machine must not reject a test's documents.
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
		if err := os.WriteFile(n.server.Path(name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// launch starts the server and returns when it answers.
func (n *Node) launch(ctx context.Context, dist *distribution) error {
	cmd := exec.Command(filepath.Join(dist.javaHome, "bin", "java"), //nolint:noctx // lives until it is killed, longer than a start's context
		"-Xms"+heap, "-Xmx"+heap, "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError", "-XX:ErrorFile="+n.server.Path("hs_err.log"),
		"-Djava.io.tmpdir="+n.server.Path("tmp"), "-Dlog4j2.configurationFile="+n.server.Path("log4j2.properties"),
		"-cp", filepath.Join(dist.lib, "*"), n.server.Path("Start.java"), n.server.Dir)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + n.server.Dir, "LC_ALL=C.UTF-8"}
	return n.server.Launch(ctx, cmd, nil, func(ctx context.Context, address string) error {
		n.url = "http://" + address
		return engine.Healthy(n.exchange(ctx, http.MethodGet, engine.HealthPath, nil))
	})
}

// Close kills the node and removes everything of it. It may be called twice.
func (n *Node) Close() error {
	n.client.CloseIdleConnections()
	if n.server == nil {
		return nil
	}
	return n.server.Close()
}

// URL is where clients reach the node, without a slash at its end.
func (n *Node) URL() string { return n.url }

// Do sends a request and returns the status of the answer, whatever it is; the answer is decoded into into, with numbers as json.Number where that is an any or a map, unless
// into is nil. A body of type string or []byte is sent as it is, nil is an empty body, and anything else is encoded as JSON. A path with special characters must be escaped already.
// The test fails, with the end of the node's log, when the node does not answer.
func (n *Node) Do(t testing.TB, method, path string, body, into any) (status int) {
	t.Helper()
	status, answer, err := n.exchange(t.Context(), method, path, body)
	if err != nil {
		t.Fatal(n.server.Explain(err))
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
