// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The image, run as Kubernetes runs it: read-only, without root, without capabilities.

package tests

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// podman runs containers with storage of its own, removed at the end of the test.
type podman struct {
	t       *testing.T
	storage string
}

func newPodman(t *testing.T) podman {
	t.Helper()
	need(t, true, "podman", "runc")
	dir, err := os.MkdirTemp("", "opb-podman-") //nolint:usetesting // its path has to be short
	require.NoError(t, err)
	p := podman{t, dir}
	t.Cleanup(func() {
		_, _ = p.try("rm", "--all", "--force")
		_, _ = p.try("rmi", "--all", "--force")
		_ = os.RemoveAll(dir)
	})
	return p
}

func (p podman) arguments(args []string) []string {
	return append([]string{
		"--root", filepath.Join(p.storage, "root"), "--runroot", filepath.Join(p.storage, "run"), "--storage-driver", "vfs",
		"--cgroup-manager", "cgroupfs", "--events-backend", "file", "--runtime", "runc",
	}, args...)
}

func (p podman) try(args ...string) (string, error) {
	return try(p.t, "", "podman", p.arguments(args)...)
}

func (p podman) run(args ...string) string {
	p.t.Helper()
	return run(p.t, "", "podman", p.arguments(args)...)
}

// hardened is how a container runs here.
func hardened(args ...string) []string {
	return append([]string{
		"run", "--ulimit", "nofile=10000:10000", "--ulimit", "nproc=4096:4096", "--network=host", "--read-only",
		"--read-only-tmpfs=false", "--cap-drop=all", "--security-opt=no-new-privileges",
	}, args...)
}

const imageHome = "/usr/share/onepasswordbeat"

// TestImageRunsHardenedAndContinues: a container collects, ends in time, and a second one on the same volume goes on
// where it ended.
func TestImageRunsHardenedAndContinues(t *testing.T) {
	p := newPodman(t)
	p.run("load", "-i", artefact(t, "onepasswordbeat-[0-9]*-docker-image-linux-"+runtime.GOARCH+".tar"))
	image := "localhost/onepasswordbeat:" + version(t)
	if _, err := p.try("image", "exists", image); err != nil {
		image = "docker.io/library/onepasswordbeat:" + version(t)
	}
	var inspected []struct{ Config struct{ User string } }
	require.NoError(t, json.Unmarshal([]byte(p.run("image", "inspect", image)), &inspected))
	assert.Equal(t, "65532:65532", inspected[0].Config.User)

	// The configuration of the image takes everything from its environment.
	s := startSimulator(t, "-backlog", "200", "-live", "2")
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o755))
	token := filepath.Join(dir, "token")
	require.NoError(t, os.WriteFile(token, []byte(s.Token+"\n"), 0o444))
	volume := filepath.Join(dir, "data")
	require.NoError(t, os.Mkdir(volume, 0o750))
	require.NoError(t, os.Chown(volume, 65532, 65532))
	out, err := p.try(hardened("--rm", "-v", token+":/run/secrets/onepassword_events_token:ro", "-v", volume+":"+imageHome+"/data",
		"-e", "ELASTICSEARCH_HOSTS=https://a.invalid:9200,https://b.invalid:9200", "-e", "ELASTICSEARCH_API_KEY=id:key", image, "test", "output")...)
	require.Error(t, err, "there is no such server")
	assert.Contains(t, out, "elasticsearch: https://a.invalid:9200...\n", "the hosts are a list; the test ends with the first that fails")
	assert.Contains(t, out, "dns lookup")

	config := filepath.Join(dir, "onepasswordbeat.yml")
	port := freePort(t)
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `
onepasswordbeat.inputs:
  - {type: onepassword, id: acme, url: %q, token_file: /run/secrets/onepassword_events_token, interval: 1s}
output.file: {path: %s/data/events, filename: events}
http: {enabled: true, host: 0.0.0.0, port: %d}
`, s.URL, imageHome, port), 0o644))
	c := container{p, port, volume, hardened("-d", "-v", token+":/run/secrets/onepassword_events_token:ro",
		"-v", config+":"+imageHome+"/onepasswordbeat.yml:ro", "-v", volume+":"+imageHome+"/data", image)}

	first := c.collect(600)
	second := c.collect(first + 3)
	assert.Greater(t, second, first)
}

// container is how the beat runs in one.
type container struct {
	podman
	port   int
	volume string
	args   []string
}

// collect runs a container until there are more than that many events, has its probes answer, ends it, and returns
// how many different events there are. No event may be there twice.
func (c container) collect(more int) int {
	c.t.Helper()
	id := strings.TrimSpace(c.run(c.args...))
	defer func() {
		if c.t.Failed() {
			logs, _ := c.try("logs", id)
			c.t.Log(logs)
		}
		_, _ = c.try("rm", "--force", id)
	}()
	for path, want := range map[string]string{"/healthz": "ok", "/readyz": "ok", "/metrics": "onepasswordbeat_events_acked_total"} {
		until(c.t, 30*time.Second, path+" answers", func() bool { return strings.Contains(c.get(path), want) })
	}
	until(c.t, time.Minute, fmt.Sprintf("more than %d events", more), func() bool { return len(c.events()) > more })
	c.run("kill", "--signal", "TERM", id)
	ended := make(chan string, 1)
	go func() {
		code, _ := c.try("wait", id)
		ended <- strings.TrimSpace(code)
	}()
	timer := time.NewTimer(20 * time.Second) // the grace period by default: shutdown_timeout and 15 s
	defer timer.Stop()
	select {
	case code := <-ended:
		assert.Equal(c.t, "0", code)
	case <-timer.C:
		c.t.Error("SIGTERM did not end the container in time")
		c.run("kill", id)
		<-ended
	}
	seen := map[string]bool{}
	for _, event := range c.events() {
		assert.False(c.t, seen[event], "%s is there twice", event)
		seen[event] = true
	}
	return len(seen)
}

func (c container) get(path string) string {
	resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d%s", c.port, path)) //nolint:noctx // a probe of a container of our own
	if err != nil {
		return ""
	}
	defer func() { _ = resp.Body.Close() }()
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusOK {
		return ""
	}
	return string(body)
}

// events are the ids of the events that the file output wrote.
func (c container) events() []string {
	files, err := filepath.Glob(filepath.Join(c.volume, "events", "*.ndjson"))
	require.NoError(c.t, err)
	var ids []string
	for _, name := range files {
		f, err := os.Open(name)
		require.NoError(c.t, err)
		for lines := bufio.NewReader(f); ; {
			line, err := lines.ReadBytes('\n')
			if err != nil {
				break // the rest of a line is being written
			}
			var event struct {
				Meta struct {
					ID string `json:"_id"`
				} `json:"@metadata"`
			}
			require.NoError(c.t, json.Unmarshal(line, &event))
			ids = append(ids, event.Meta.ID)
		}
		_ = f.Close()
	}
	return ids
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed at once
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert,errcheck // a TCP listener
}
