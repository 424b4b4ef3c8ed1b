// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A beat's log.

package beattest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
)

// Line is a line of the log: one JSON object, or plain text.
type Line struct {
	Number  int // from 0
	Raw     string
	Level   string         // "" for plain text
	Message string         // Raw for plain text
	Logger  string         // log.logger
	Fields  map[string]any // the whole object; nil for plain text
}

// Log collects what a beat writes to standard error. It is safe for concurrent use.
type Log struct {
	mu    sync.Mutex
	part  []byte // a line that has not ended
	lines []Line
}

// Write takes what the process wrote.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.part = append(l.part, p...)
	for {
		line, rest, ok := bytes.Cut(l.part, []byte("\n"))
		if !ok {
			return len(p), nil
		}
		l.lines = append(l.lines, parseLine(len(l.lines), string(line)))
		l.part = rest
	}
}

func parseLine(n int, raw string) Line {
	line := Line{Number: n, Raw: raw, Message: raw}
	var fields map[string]any
	if json.Unmarshal([]byte(raw), &fields) != nil {
		return line
	}
	line.Fields = fields
	line.Message, _ = fields["message"].(string)
	line.Level, _ = fields["log.level"].(string)
	line.Logger, _ = fields["log.logger"].(string)
	return line
}

// Lines returns the lines so far.
func (l *Log) Lines() []Line {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines[:len(l.lines):len(l.lines)]
}

// Len is the number of lines so far.
func (l *Log) Len() int { return len(l.Lines()) }

// Find returns the first line from number first on whose message contains a text.
func (l *Log) Find(first int, text string) (Line, bool) {
	lines := l.Lines()
	for _, line := range lines[min(first, len(lines)):] {
		if strings.Contains(line.Message, text) {
			return line, true
		}
	}
	return Line{}, false
}

// Count is the number of lines whose message contains a text.
func (l *Log) Count(text string) int {
	n := 0
	for _, line := range l.Lines() {
		if strings.Contains(line.Message, text) {
			n++
		}
	}
	return n
}

// Tail is the last n lines for a reader, each cut to a readable length.
func (l *Log) Tail(n int) string {
	const most = 400
	lines := l.Lines()
	var b strings.Builder
	for _, line := range lines[max(0, len(lines)-n):] {
		at, _ := line.Fields["@timestamp"].(string)
		eventType, _ := line.Fields["event_type"].(string)
		fmt.Fprintln(&b, at, line.Level, line.Logger, eventType, line.Message[:min(most, len(line.Message))])
	}
	return b.String()
}

// Text is the whole log.
func (l *Log) Text() string {
	var b strings.Builder
	for _, line := range l.Lines() {
		b.WriteString(line.Raw)
		b.WriteByte('\n')
	}
	return b.String()
}
