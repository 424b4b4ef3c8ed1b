// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A beat's home: its configuration, data, logs and output.

package beattest

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// M is a part of a configuration.
type M = map[string]any

// Config is a configuration file. Top-level keys of More are added to it, or
// replace what is there.
type Config struct {
	Inputs []M
	Output M // {"file": {...}}, {"elasticsearch": {...}}, ...
	More   M
}

// Home is the folder of one beat: --path.home.
type Home struct {
	Dir string
	Env []string // NAME=value, added to the environment of its processes

	Stdin []byte // what its beats read from standard input; nil is nothing

	tb     testing.TB
	binary string
	runs   int
}

// NewHome makes an empty home. It is removed at the end of the test.
func NewHome(tb testing.TB) *Home {
	tb.Helper()
	// Not tb.TempDir: the name of the metrics' socket has 108 bytes at most.
	dir, err := os.MkdirTemp("", "opb-") //nolint:usetesting // see above
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	return &Home{Dir: dir, tb: tb, binary: Binary(tb)}
}

// In is the home as a subtest uses it: its beats end with the subtest.
func (h *Home) In(tb testing.TB) *Home {
	sub := *h
	sub.tb = tb
	return &sub
}

// Path is a path below the home.
func (h *Home) Path(elem ...string) string {
	return filepath.Join(append([]string{h.Dir}, elem...)...)
}

// ConfigFile is the configuration's path.
func (h *Home) ConfigFile() string { return h.Path("onepasswordbeat.yml") }

// Configure writes the configuration: as JSON, which is YAML. Metrics are served
// at a socket in the home.
func (h *Home) Configure(c Config) {
	h.tb.Helper()
	root := M{
		"onepasswordbeat.inputs": c.Inputs,
		"output":                 c.Output,
		"http.enabled":           true,
		"http.host":              "unix://" + h.socket(),
		"logging.metrics.period": "1h",
	}
	maps.Copy(root, c.More)
	raw, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		h.tb.Fatal(err)
	}
	h.Write("onepasswordbeat.yml", string(raw))
}

// Write writes a file below the home for its owner only.
func (h *Home) Write(name, content string) string {
	h.tb.Helper()
	path := h.Path(name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		h.tb.Fatal(err)
	}
	return path
}

// Replace writes a file as one that rotates a secret does: at once.
func (h *Home) Replace(name, content string) {
	h.tb.Helper()
	fresh := h.Write(name+".new", content)
	now := time.Now()
	if err := os.Chtimes(fresh, now, now); err != nil {
		h.tb.Fatal(err)
	}
	if err := os.Rename(fresh, h.Path(name)); err != nil {
		h.tb.Fatal(err)
	}
}

func (h *Home) socket() string { return h.Path("http.sock") }

// arguments of every command: this home and its configuration.
func (h *Home) arguments(args []string) []string {
	return append(args, "--path.home", h.Dir, "-c", h.ConfigFile())
}

// environment is this process's without what would configure a beat, and Env.
func (h *Home) environment() []string {
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + h.Dir, "TMPDIR=" + os.TempDir()}
	return append(env, h.Env...)
}
