// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What lies in the folder of -data.

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// tokenVariable holds the token in the beat's environment: a command line is seen by all.
const tokenVariable = "ONEPASSWORD_EVENTS_TOKEN"

// away is how long, at most, the simulated account lives on between two runs. A demo
// that was stopped for a month would else begin with a month's events.
const away = 10 * time.Minute

// account is the simulated account: the same values serve the same events again.
type account struct {
	Seed    int64     `json:"seed"`
	Backlog int       `json:"backlog"` // past events of each type
	Live    float64   `json:"live"`    // new events of each type a second
	Epoch   time.Time `json:"epoch"`   // end of the backlog, start of live events
}

// settings are the account's without its epoch.
func (a account) settings() account {
	a.Epoch = time.Time{}
	return a
}

// folder is an open folder of -data.
type folder struct {
	dir     string // absolute
	name    string // as the user wrote it
	account account
}

// openFolder opens a folder, and makes it with these settings at the first run. known
// tells that there was a run before.
func openFolder(name string, first account) (f folder, known bool, err error) {
	f = folder{name: name}
	if f.dir, err = filepath.Abs(name); err != nil {
		return f, false, err
	}
	if err := os.MkdirAll(f.events(), 0o700); err != nil {
		return f, false, err
	}
	raw, err := os.ReadFile(f.file("account.json"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.account = first
		f.account.Epoch = time.Now().UTC()
		return f, false, f.save()
	case err != nil:
		return f, false, err
	}
	if err := json.Unmarshal(raw, &f.account); err != nil || f.account.Epoch.IsZero() {
		return f, false, fmt.Errorf("%s can't be read, remove %s to begin anew", f.shown("account.json"), name)
	}
	if pause := time.Since(f.lastEvent()); pause > away {
		f.account.Epoch = f.account.Epoch.Add(pause - away)
	}
	return f, true, f.save()
}

// lastEvent is when an earlier run wrote its last event.
func (f folder) lastEvent() time.Time {
	last := f.account.Epoch
	entries, _ := os.ReadDir(f.events())
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.ModTime().After(last) {
			last = info.ModTime()
		}
	}
	return last
}

func (f folder) save() error {
	raw, err := json.MarshalIndent(f.account, "", "  ")
	if err != nil {
		return err
	}
	temporary := f.file("account.json.new")
	if err := os.WriteFile(temporary, append(raw, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, f.file("account.json"))
}

func (f folder) file(name string) string  { return filepath.Join(f.dir, name) }
func (f folder) shown(name string) string { return filepath.Join(f.name, name) }
func (f folder) events() string           { return f.file("events") }
func (f folder) home() string             { return f.file("beat") }
func (f folder) config() string           { return f.file("onepasswordbeat.yml") }

// configuration is the beat's. Its files are never rotated away while they can be
// counted; a run begins a new one.
const configuration = `# Written by the demo at every start.
onepasswordbeat.inputs:
  - type: onepassword
    id: demo
    url: URL
    token: "${TOKEN}"
    interval: 1s
    initial_interval: 2880h
    limit: 250
output.file:
  path: EVENTS
  filename: events
  number_of_files: 1024
  rotate_every_kb: 1048576
`

func (f folder) writeConfig(url string) error {
	quoted, err := json.Marshal(f.events()) // JSON's strings are YAML's
	if err != nil {
		return err
	}
	text := strings.NewReplacer("URL", url, "TOKEN", tokenVariable, "EVENTS", string(quoted)).Replace(configuration)
	return os.WriteFile(f.config(), []byte(text), 0o600)
}
