// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What the file and console outputs wrote.

package beattest

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
)

const (
	stdoutName = "stdout.ndjson"
	outputName = "output"
)

// Event is an event as an output in JSON has it.
type Event struct {
	Meta struct {
		ID string `json:"_id"`
	} `json:"@metadata"`
	Timestamp string `json:"@timestamp"`
	Event     struct {
		ID       string `json:"id"`
		Dataset  string `json:"dataset"`
		Original string `json:"original"`
		Kind     string `json:"kind"`
	} `json:"event"`
	Error struct {
		Message string `json:"message"`
	} `json:"error"`
	Raw json.RawMessage `json:"-"`
}

// FileOutput writes events to files in the home.
func FileOutput(h *Home) M {
	return M{"file": M{"path": h.Path(outputName), "filename": "events", "rotate_every_kb": 1 << 20, "number_of_files": 1000}}
}

// ConsoleOutput writes events to standard output, which the home keeps in a file.
func ConsoleOutput() M { return M{"console": M{}} }

// Events reads what the file output has written, in all runs. A line that was
// cut off is left out.
func (h *Home) Events() []Event {
	h.tb.Helper()
	files, err := filepath.Glob(h.Path(outputName, "*"))
	if err != nil {
		h.tb.Fatal(err)
	}
	var all []Event
	for _, name := range files {
		all = append(all, h.readEvents(name)...)
	}
	return all
}

// ConsoleEvents reads what the console output has written.
func (h *Home) ConsoleEvents() []Event { return h.readEvents(h.Path(stdoutName)) }

func (h *Home) readEvents(name string) []Event {
	raw, err := os.ReadFile(name)
	if err != nil {
		return nil // not there yet, or rotated away this moment
	}
	var list []Event
	for line := range bytes.Lines(raw) {
		var e Event
		if json.Unmarshal(line, &e) == nil {
			e.Raw = line
			list = append(list, e)
		}
	}
	return list
}
