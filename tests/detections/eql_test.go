// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The EQL engine: Elastic's reference implementation in Python, brought by pip.

package detections

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"onepasswordbeat/tests/engine"
)

//go:embed requirements.txt
var requirements []byte

// eqlEngine is a running Python process that answers line by line.
type eqlEngine struct {
	in  *json.Encoder
	out *bufio.Scanner
}

// eqlEvent is an event for the engine: the fields that a query asks for, by dotted names.
type eqlEvent struct {
	ID     string         `json:"id"`
	Time   float64        `json:"time"` // seconds
	Fields map[string]any `json:"fields"`
}

// startEQL runs the engine until the end of the test, which is skipped where there is no Python, unless this is CI.
func startEQL(t *testing.T) *eqlEngine {
	t.Helper()
	python, lib, err := provideEQL(t.Context())
	engine.Require(t, err, engine.CI())
	cmd := exec.CommandContext(t.Context(), python, "engine.py")
	cmd.Env = append(os.Environ(), "PYTHONPATH="+lib, "PYTHONDONTWRITEBYTECODE=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _, _ = in.Close(), cmd.Wait() })
	scanner := bufio.NewScanner(out)
	scanner.Buffer(nil, 64<<20)
	return &eqlEngine{json.NewEncoder(in), scanner}
}

// provideEQL has pip install the engine once, with the hashes of requirements.txt checked.
func provideEQL(ctx context.Context) (python, lib string, err error) {
	missing := func(what string) error { return &engine.MissingError{Engine: "EQL", What: what} }
	if python, err = exec.LookPath("python3"); err != nil {
		return "", "", missing("python3 is not in PATH")
	}
	lib, err = engine.Provide("eql-1.0.1", func(work string) (string, error) {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
		defer cancel()
		if out, err := exec.CommandContext(ctx, python, "-m", "venv", filepath.Join(work, "venv")).CombinedOutput(); err != nil {
			return "", missing(fmt.Sprintf("python3 cannot make an environment (Debian: python3-venv): %s", engine.LastLines(string(out), 3)))
		}
		list, lib := filepath.Join(work, "requirements.txt"), filepath.Join(work, "lib")
		if err := os.WriteFile(list, requirements, 0o600); err != nil {
			return "", err
		}
		pip := exec.CommandContext(ctx, filepath.Join(work, "venv", "bin", "python"), "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--target", lib, "--requirement", list)
		if out, err := pip.CombinedOutput(); err != nil {
			return "", fmt.Errorf("pip could not bring eql: %w\n%s", err, engine.LastLines(string(out), 10))
		}
		return lib, nil
	})
	return python, lib, err
}

// run returns the ids of the events of each match. Events are in the order of their times.
func (e *eqlEngine) run(t *testing.T, query string, events []eqlEvent) [][]string {
	t.Helper()
	if events == nil {
		events = []eqlEvent{}
	}
	require.NoError(t, e.in.Encode(object{"query": query, "events": events}))
	require.True(t, e.out.Scan(), "the EQL engine ended: %v", e.out.Err())
	var answer struct {
		Matches [][]string
		Error   string
	}
	require.NoError(t, json.Unmarshal(e.out.Bytes(), &answer))
	require.Empty(t, answer.Error, query)
	return answer.Matches
}
