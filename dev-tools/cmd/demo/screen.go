// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The terminal, or the file or pipe in its place.

package main

import (
	"fmt"
	"io"
	"os"
	"time"
)

const (
	red     = "31"
	green   = "32"
	blue    = "34"
	magenta = "35"
	cyan    = "36"
	bold    = "1"
	faint   = "2"
)

// plainProgress is how often progress is a line of its own where a line can't be
// written over.
const plainProgress = 2 * time.Second

// screen prints lines. On a terminal they have colours, and progress is one line that
// is written over and over.
type screen struct {
	out      io.Writer
	terminal bool
	colours  bool
	last     time.Time // when something was printed last
	open     bool      // a progress line stands there without an end
}

func newScreen(f *os.File) *screen {
	s := &screen{out: f, last: time.Now()}
	if info, err := f.Stat(); err == nil {
		s.terminal = info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
	}
	s.colours = s.terminal && os.Getenv("NO_COLOR") == ""
	return s
}

// say prints a line. When nobody is there to read, a signal ends the demo.
func (s *screen) say(format string, args ...any) {
	s.clear()
	_, _ = fmt.Fprintf(s.out, format+"\n", args...)
	s.last = time.Now()
}

func (s *screen) title(text string) { s.say("%s", s.paint(bold, text)) }

// progress shows a line that the next one replaces.
func (s *screen) progress(format string, args ...any) {
	if !s.terminal {
		if s.silentFor() >= plainProgress {
			s.say(format, args...)
		}
		return
	}
	s.clear()
	_, _ = fmt.Fprintf(s.out, format, args...)
	s.open, s.last = true, time.Now()
}

// clear takes away a progress line.
func (s *screen) clear() {
	if s.open {
		_, _ = io.WriteString(s.out, "\r\x1b[K")
		s.open = false
	}
}

func (s *screen) silentFor() time.Duration { return time.Since(s.last) }

func (s *screen) dim(text string) string { return s.paint(faint, text) }

func (s *screen) paint(style, text string) string {
	if !s.colours || style == "" {
		return text
	}
	return "\x1b[" + style + "m" + text + "\x1b[0m"
}
