// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The simulated account, which lives on between runs, and the beat's configuration.

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
)

// away is how long, at most, the account lives on between two runs. Without it, a demo that was stopped for a month would
// start with a month's events.
const away = 10 * time.Minute

// account is what an account is made of: the same values serve the same events again.
type account struct {
	Seed    int64     `json:"seed"`
	Backlog int       `json:"backlog"` // past events of each type
	Live    float64   `json:"live"`    // new events of each type per second
	Epoch   time.Time `json:"epoch"`   // end of the backlog, start of live events
}

// openAccount reads the account of earlier runs from a folder, or stores the first one there. known reports an earlier run.
func openAccount(dir string, first account) (a account, known bool, err error) {
	file := filepath.Join(dir, "account.json")
	raw, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		first.Epoch = time.Now().UTC()
		return first, false, first.save(file)
	case err != nil:
		return a, false, err
	}
	if err := json.Unmarshal(raw, &a); err != nil || a.Epoch.IsZero() {
		return a, false, fmt.Errorf("cannot read %s; remove %s to start over", file, dir)
	}
	if pause := time.Since(lastWrite(dir, a.Epoch)); pause > away {
		a.Epoch = a.Epoch.Add(pause - away)
	}
	return a, true, a.save(file)
}

// lastWrite is when the beat last wrote a document, or after.
func lastWrite(dir string, after time.Time) time.Time {
	entries, _ := os.ReadDir(filepath.Join(dir, "events")) // none before the first run
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.ModTime().After(after) {
			after = info.ModTime()
		}
	}
	return after
}

func (a account) save(file string) error {
	raw, err := json.MarshalIndent(a, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(raw, '\n'), 0o600)
}

// serve starts the simulator. It answers after 300 ms, about as fast as the real API.
func (a account) serve(ctx context.Context) (*eventsapitest.Server, error) {
	slow, err := eventsapitest.ParseFault("slow:300ms")
	if err != nil {
		return nil, err
	}
	sim, err := eventsapitest.New(eventsapitest.Config{
		Seed: a.Seed, Epoch: a.Epoch, BacklogSpan: 24 * time.Hour,
		Backlog: eventsapitest.Each(a.Backlog), Live: eventsapitest.Each(a.Live),
		Faults: []eventsapitest.Chance{{P: 1, Fault: slow}},
	})
	if err != nil {
		return nil, err
	}
	return sim.Start(ctx, "127.0.0.1:0")
}

// configuration is the beat's. Its files are not rotated away while they are counted.
const configuration = `# Written by the demo at each start.
onepasswordbeat.inputs:
  - type: onepassword
    id: demo
    url: <URL>
    token: "${ONEPASSWORD_EVENTS_TOKEN}"
    interval: 1s
    initial_interval: 2870h
    limit: 250
output.file:
  path: <EVENTS>
  filename: events
  number_of_files: 1024
  rotate_every_kb: 1048576
`

// configure writes the beat's configuration and returns its path.
func configure(dir, url string) (string, error) {
	events, err := json.Marshal(filepath.Join(dir, "events")) // JSON's strings are YAML's
	if err != nil {
		return "", err
	}
	text := strings.NewReplacer("<URL>", url, "<EVENTS>", string(events)).Replace(configuration)
	file := filepath.Join(dir, "onepasswordbeat.yml")
	return file, os.WriteFile(file, []byte(text), 0o600)
}
