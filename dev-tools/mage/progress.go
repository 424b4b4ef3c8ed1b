// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Signs of life: a line every few seconds while a command prints nothing.

package mage

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// silence is how long a command may be silent before a line says that it works.
const silence = 5 * time.Second

// progress watches the output of one command.
type progress struct {
	label string
	out   io.Writer
	start time.Time
	done  chan struct{}
	ended sync.WaitGroup

	mu        sync.Mutex // guards what follows, and keeps lines whole
	last      time.Time
	packages  int
	downloads int
}

// startProgress begins to watch. An empty label means silence is fine. stop ends it.
func startProgress(label string, out io.Writer) *progress {
	now := time.Now()
	p := &progress{label: label, out: out, start: now, last: now, done: make(chan struct{})}
	if label != "" {
		p.ended.Go(p.watch)
	}
	return p
}

func (p *progress) stop() {
	close(p.done)
	p.ended.Wait()
}

func (p *progress) watch() {
	tick := time.NewTicker(silence)
	defer tick.Stop()
	for {
		select {
		case <-p.done:
			return
		case <-tick.C:
			p.report()
		}
	}
}

// report prints the line, unless the command printed something itself lately.
func (p *progress) report() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.last) < silence {
		return
	}
	sayTo(p.out, "   … %s: %s%s", p.label, time.Since(p.start).Round(time.Second), p.counted())
}

// counted tells what countLines saw so far.
func (p *progress) counted() string {
	var s string
	if p.downloads > 0 {
		s += fmt.Sprintf(", %d modules downloaded", p.downloads)
	}
	if p.packages > 0 {
		s += fmt.Sprintf(", %d packages compiled", p.packages)
	}
	return s
}

// passTo returns a writer that passes everything on to w and counts as a sign of life.
func (p *progress) passTo(w io.Writer) io.Writer {
	return writerFunc(func(b []byte) (int, error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.last = time.Now()
		return w.Write(b)
	})
}

// countLines returns a writer for the standard error of `go build -v`: it counts the
// lines that only name a package or a download, and passes all others on to w.
func (p *progress) countLines(w io.Writer) *lineCounter {
	return &lineCounter{progress: p, pass: p.passTo(w)}
}

type lineCounter struct {
	progress *progress
	pass     io.Writer
	rest     []byte // a line that has no end yet
}

// Write implements io.Writer.
func (c *lineCounter) Write(b []byte) (int, error) {
	c.rest = append(c.rest, b...)
	for {
		line, rest, found := bytes.Cut(c.rest, []byte("\n"))
		if !found {
			return len(b), nil
		}
		if err := c.take(string(line) + "\n"); err != nil {
			return 0, err
		}
		c.rest = rest
	}
}

func (c *lineCounter) take(line string) error {
	p := c.progress
	switch {
	case strings.HasPrefix(line, "go: downloading "):
		p.mu.Lock()
		p.downloads++
		p.mu.Unlock()
	case isPackageName(strings.TrimSpace(line)):
		p.mu.Lock()
		p.packages++
		p.mu.Unlock()
	default:
		_, err := io.WriteString(c.pass, line)
		return err
	}
	return nil
}

// flush passes on a last line that had no end.
func (c *lineCounter) flush() {
	if len(c.rest) > 0 {
		_ = c.take(string(c.rest) + "\n")
		c.rest = nil
	}
}

// isPackageName tells an import path from a message: messages have blanks or colons.
func isPackageName(line string) bool {
	return line != "" && !strings.ContainsAny(line, " \t:#")
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
