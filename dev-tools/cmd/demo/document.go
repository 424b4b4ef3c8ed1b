// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The documents that the beat writes: following its files, and a document as a line.

package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// document holds what a line shows of an ECS document.
type document struct {
	Time     time.Time `json:"@timestamp"`
	Metadata struct {
		ID string `json:"_id"`
	} `json:"@metadata"`
	Message string `json:"message"`
	Event   struct {
		Dataset string `json:"dataset"`
		Action  string `json:"action"`
		Outcome string `json:"outcome"`
	} `json:"event"`
	User struct {
		Name  string `json:"name"`
		Email string `json:"email"`
		ID    string `json:"id"`
	} `json:"user"`
	Source struct {
		Geo struct {
			City    string `json:"city_name"`
			Country string `json:"country_iso_code"`
		} `json:"geo"`
	} `json:"source"`
	raw []byte
}

func (d document) String() string {
	place := strings.Trim(d.Source.Geo.City+", "+d.Source.Geo.Country, ", ")
	who := cmp.Or(d.User.Name, d.User.Email, d.User.ID, "-")
	return fmt.Sprintf("%s  %-10s  %-21.21s  %-7s  %-19.19s  %-18.18s  %.90s",
		d.Time.Local().Format(time.TimeOnly), shortName(d.Event.Dataset), d.Event.Action, d.Event.Outcome, who, place, d.Message)
}

// indented is the whole document without what only the output reads.
func (d document) indented() string {
	var all map[string]any
	if err := json.Unmarshal(d.raw, &all); err != nil {
		return err.Error()
	}
	delete(all, "@metadata")
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("    ", "  ")
	_ = enc.Encode(all) // it came from JSON
	return "    " + strings.TrimSpace(b.String())
}

// feed follows every file of a folder. A line counts when it is complete: a beat that was killed may leave half a line,
// and sends that event again.
type feed struct {
	dir    string
	offset map[string]int64 // bytes read, by file
}

// read passes each new document to take.
func (f *feed) read(take func(document)) error {
	files, err := filepath.Glob(filepath.Join(f.dir, "*"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := f.readFile(file, take); err != nil {
			return err
		}
	}
	return nil
}

func (f *feed) readFile(name string, take func(document)) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	if _, err := file.Seek(f.offset[name], io.SeekStart); err != nil {
		return err
	}
	lines := bufio.NewReaderSize(file, 256<<10)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		f.offset[name] += int64(len(line))
		d := document{raw: line}
		if err := json.Unmarshal(line, &d); err != nil || d.Metadata.ID == "" {
			return fmt.Errorf("%s has a line that is not an event: %.80q", name, line)
		}
		take(d)
	}
}
