// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// An ECS document, as a line and whole.

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// document is one line of the beat's output.
type document struct {
	id, dataset string
	time        time.Time
	fields
	raw []byte
}

// fields are those that a line shows.
type fields struct {
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
}

func parseDocument(line []byte) (document, error) {
	var head struct {
		Time     time.Time `json:"@timestamp"`
		Metadata struct {
			ID string `json:"_id"`
		} `json:"@metadata"`
		fields
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return document{}, err
	}
	if head.Metadata.ID == "" {
		return document{}, errors.New("it has no _id")
	}
	return document{id: head.Metadata.ID, dataset: head.Event.Dataset, time: head.Time, fields: head.fields, raw: bytes.Clone(line)}, nil
}

// line is the document on one line: time, type, action, outcome, who, where, message.
func (d document) line(s *screen) string {
	k := kindOf(d.dataset)
	outcome := fmt.Sprintf("%-7s", d.Event.Outcome)
	switch d.Event.Outcome {
	case "success":
		outcome = s.paint(green, outcome)
	case "failure":
		outcome = s.paint(red, outcome)
	}
	return fmt.Sprintf("%s  %s  %-21s  %s  %-19s  %-18s  %s",
		s.dim(d.time.Local().Format(time.TimeOnly)),
		s.paint(k.colour, fmt.Sprintf("%-10s", k.short)),
		shorten(d.Event.Action, 21),
		outcome,
		shorten(first(d.User.Name, d.User.Email, d.User.ID, "-"), 19),
		shorten(d.place(), 18),
		shorten(d.Message, 90))
}

func (d document) place() string {
	geo := d.Source.Geo
	return strings.Trim(geo.City+", "+geo.Country, ", ")
}

// documentWidth is up to where an object stays on one line.
const documentWidth = 110

// indented is the whole document, keys sorted and without what only the output reads.
// What fits on a line stays on it.
func (d document) indented() string {
	var all map[string]any
	if err := json.Unmarshal(d.raw, &all); err != nil {
		return err.Error()
	}
	delete(all, "@metadata")
	return "    " + layOut(all, "    ")
}

func layOut(value any, indent string) string {
	flat := compact(value)
	object, ok := value.(map[string]any)
	if !ok || len(indent)+len(flat) < documentWidth && !hasObject(object) {
		return flat
	}
	lines := make([]string, 0, len(object))
	deeper := indent + "  "
	for _, key := range slices.Sorted(maps.Keys(object)) {
		lines = append(lines, deeper+compact(key)+": "+layOut(object[key], deeper))
	}
	return "{\n" + strings.Join(lines, ",\n") + "\n" + indent + "}"
}

// compact is a value on one line. It came from JSON, so that it goes back to it.
func compact(value any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(value)
	return strings.TrimSpace(b.String())
}

func hasObject(object map[string]any) bool {
	for _, v := range object {
		if _, ok := v.(map[string]any); ok {
			return true
		}
	}
	return false
}

func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// shorten cuts a text to at most n characters.
func shorten(text string, n int) string {
	runes := []rune(text)
	if len(runes) <= n {
		return text
	}
	return string(runes[:n-1]) + "…"
}
