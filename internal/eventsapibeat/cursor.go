// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The position that a cursor file holds.

package eventsapibeat

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"onepasswordbeat/internal/eventsapi"
)

// ErrNoPosition is the error of a cursor file from which no time can be read: it is missing, empty or damaged, or its
// cursor has another form.
var ErrNoPosition = errors.New("no position")

const (
	maxTail = 64 << 10 // of a cursor file: it holds more than one line of the old beat, whose cursors have 200 bytes
)

// ReadPosition returns the time up to which the old beat has read: that of the last whole line of its cursor file. Its
// error wraps ErrNoPosition, or is that of the file system.
func ReadPosition(path string, now time.Time) (time.Time, error) {
	tail, err := readTail(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return time.Time{}, fmt.Errorf("%w: the file does not exist", ErrNoPosition)
	case err != nil:
		return time.Time{}, err
	}
	line, err := lastLine(tail)
	if err != nil {
		return time.Time{}, err
	}
	var request struct {
		Cursor string `json:"cursor"`
	}
	if json.Unmarshal(line, &request) != nil || request.Cursor == "" {
		return time.Time{}, fmt.Errorf("%w: its last line is not a request with a cursor", ErrNoPosition)
	}
	return decodeCursor(request.Cursor, now)
}

// readTail returns the end of a file, at most maxTail bytes.
func readTail(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: it is not a file", ErrNoPosition)
	}
	if _, err := f.Seek(max(0, info.Size()-maxTail), io.SeekStart); err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(f, maxTail))
}

// lastLine returns the last line that has an end and content.
func lastLine(tail []byte) ([]byte, error) {
	whole := tail[:bytes.LastIndexByte(tail, '\n')+1]
	lines := bytes.FieldsFunc(whole, func(r rune) bool { return r == '\n' || r == '\r' })
	for i := len(lines) - 1; i >= 0; i-- {
		if line := bytes.TrimSpace(lines[i]); len(line) > 0 {
			return line, nil
		}
	}
	return nil, fmt.Errorf("%w: it has no whole line", ErrNoPosition)
}

// position is a cursor of version 1 of the API, known from one sample: a Go gob in base64. gob goes by the names of the
// fields.
type position struct {
	Limit              int
	StartTime, EndTime *time.Time
	SearchAfter        int64 // of the last event, in milliseconds since 1970; 0 before the first one
	TieBreaker         string
}

// oldest is before any event that the API can have: it exists since 2021.
var oldest = time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC)

// decodeCursor returns the time in a cursor.
func decodeCursor(cursor string, now time.Time) (at time.Time, err error) {
	if len(cursor) > eventsapi.MaxCursorBytes {
		return time.Time{}, fmt.Errorf("%w: its cursor is longer than %d bytes", ErrNoPosition, eventsapi.MaxCursorBytes)
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(cursor, "=")))
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: its cursor is not base64", ErrNoPosition)
	}
	var p position
	if err := gob.NewDecoder(bytes.NewReader(raw)).Decode(&p); err != nil {
		return time.Time{}, fmt.Errorf("%w: its cursor has another form than those of version 1 of the API", ErrNoPosition)
	}
	switch {
	case p.SearchAfter != 0:
		at = time.UnixMilli(p.SearchAfter).UTC()
	case p.StartTime != nil:
		at = p.StartTime.UTC()
	default:
		return time.Time{}, fmt.Errorf("%w: its cursor names no time", ErrNoPosition)
	}
	if at.Before(oldest) || at.After(now.Add(24*time.Hour)) {
		return time.Time{}, fmt.Errorf("%w: the time in its cursor, %s, cannot be right", ErrNoPosition, at.Format(time.RFC3339))
	}
	return at, nil
}
