// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Stored cursors: as the command lists them, and as they lie on disk.

package beattest

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// StateRow is a line of `state list`.
type StateRow struct {
	Input, EventType, Account, Position, CursorAge, LastEvent string
}

var columnGap = regexp.MustCompile(`\s{2,}`)

// StateList runs `state list` and returns its rows by event type. It needs a
// home without a running beat, and one input.
func (h *Home) StateList() map[string]StateRow {
	h.tb.Helper()
	r := h.Command("state", "list")
	if r.Code != 0 {
		h.tb.Fatalf("state list: exit code %d\n%s", r.Code, r.All())
	}
	rows := map[string]StateRow{}
	lines := bufio.NewScanner(strings.NewReader(r.Stdout))
	for lines.Scan() {
		f := columnGap.Split(strings.TrimSpace(lines.Text()), -1)
		if len(f) == 6 && f[0] != "INPUT" {
			rows[f[1]] = StateRow{f[0], f[1], f[2], f[3], f[4], f[5]}
		}
	}
	return rows
}

// RegistryDir is the folder of the registry's files.
func (h *Home) RegistryDir() string { return h.Path("data", "registry", "onepasswordbeat") }

// Stored is a state as it lies on disk.
type Stored struct {
	Key       string `json:"_key"`
	Version   int    `json:"version"`
	Account   string `json:"account"`
	Cursor    string `json:"cursor"`
	StartTime string `json:"start_time"`
	LastEvent string `json:"last_event"`
}

// Registry reads the last checkpoint and the log behind it, also of a running beat, by
// event type. It is empty when there is none, or one is being written.
func (h *Home) Registry() map[string]Stored {
	byType := map[string]Stored{}
	add := func(s Stored) { byType[s.Key[strings.LastIndex(s.Key, ":")+1:]] = s }
	raw, err := os.ReadFile(filepath.Join(h.RegistryDir(), "active.dat"))
	if err != nil {
		return nil
	}
	checkpoint := filepath.Base(strings.TrimSpace(string(raw)))
	raw, err = os.ReadFile(filepath.Join(h.RegistryDir(), checkpoint))
	if err != nil {
		return nil
	}
	var list []Stored
	if json.Unmarshal(raw, &list) != nil {
		return nil
	}
	for _, s := range list {
		add(s)
	}
	number, err := strconv.ParseUint(strings.TrimSuffix(checkpoint, ".json"), 10, 64)
	if err != nil {
		return nil
	}
	h.readLog(number, add)
	return byType
}

// readLog reads what the registry's log holds behind the checkpoint.
func (h *Home) readLog(checkpoint uint64, add func(Stored)) {
	file, err := os.Open(filepath.Join(h.RegistryDir(), "log.json"))
	if err != nil {
		return
	}
	defer func() { _ = file.Close() }()
	for dec := json.NewDecoder(file); ; {
		var action struct {
			ID uint64 `json:"id"`
		}
		var set struct {
			K string
			V Stored
		}
		if dec.Decode(&action) != nil || dec.Decode(&set) != nil {
			return
		}
		if set.V.Key = set.K; action.ID > checkpoint {
			add(set.V)
		}
	}
}

// Cursors are the stored cursors by event type, "" where there is none.
func (h *Home) Cursors() map[string]string {
	cursors := map[string]string{}
	for t, s := range h.Registry() {
		cursors[t] = s.Cursor
	}
	return cursors
}
