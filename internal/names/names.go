// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package names gives vaults, groups and items their names, which the Events API never sends. They come from files that
// 1Password's command line writes (`op vault list --format json`, `op group list`, `op item list`) or that have two
// columns of CSV. An input has one Names for all of its event types.
//
// names.go holds the tables and when they are read, decode.go what a file may hold, fill.go the fields of an event.
package names

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/elastic/beats/v7/libbeat/management/status"
	"github.com/elastic/elastic-agent-libs/logp"

	"onepasswordbeat/internal/safetext"
)

// Files are the paths of an input's files; an empty one is not set.
type Files struct{ Vaults, Groups, Items string }

// checkInterval is how often the files are looked at for a change.
const checkInterval = 10 * time.Second

// Names are the tables of an input. Its methods may be called concurrently.
type Names struct {
	vaults, groups, items source
	log                   *logp.Logger

	mu       sync.Mutex
	reports  []*reporter
	problems string
}

// source is one file and the table made of it.
type source struct {
	what, path string
	seen       version // of the file when it was read last
	problem    string  // why it could not be read, or ""
	table      atomic.Pointer[table]
}

// version tells two contents of a file apart.
type version struct {
	size     int64
	modified time.Time
	mode     fs.FileMode
	missing  bool
}

// New reads the files once. It returns nil if none is set. A file that cannot be read is a warning and a problem that
// health shows; its names are missing until it can.
func New(files Files, log *logp.Logger) *Names {
	if files == (Files{}) {
		return nil
	}
	n := &Names{log: log}
	n.vaults.what, n.vaults.path = "vaults", files.Vaults
	n.groups.what, n.groups.path = "groups", files.Groups
	n.items.what, n.items.path = "items", files.Items
	n.Refresh()
	return n
}

// Run looks at the files until ctx is cancelled, and reads those that have changed.
func (n *Names) Run(ctx context.Context) {
	if n == nil {
		return
	}
	ticker := time.NewTicker(checkInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			n.Refresh()
		}
	}
}

// Refresh reads the files that have changed since they were read last.
func (n *Names) Refresh() {
	n.mu.Lock()
	defer n.mu.Unlock()
	problems := ""
	for _, s := range n.sources() {
		n.refresh(s)
		if s.problem != "" {
			problems += "names." + s.what + ": " + s.problem + ". "
		}
	}
	if problems == n.problems {
		return
	}
	n.problems = problems
	for _, r := range n.reports {
		r.send(problems)
	}
}

func (n *Names) sources() []*source {
	all := []*source{&n.vaults, &n.groups, &n.items}
	return slices.DeleteFunc(all, func(s *source) bool { return s.path == "" })
}

// refresh reads a file if it has changed. What cannot be read leaves the last good table in place.
func (n *Names) refresh(s *source) {
	now, err := look(s.path)
	if now == s.seen {
		return
	}
	s.seen = now
	var read *table
	if err == nil {
		read, err = load(s.path, n.others(s))
	}
	if err != nil {
		s.problem = safetext.Line(err.Error())
		n.log.Warnw("names cannot be read; collection goes on with the last good ones, or without", "setting", "names."+s.what,
			"error", s.problem, "entries", s.table.Load().len())
		return
	}
	s.problem = ""
	s.table.Store(read)
	n.log.Infow("names read", "setting", "names."+s.what, "entries", read.len())
}

// others is what the tables of the other files take of the limit that all share.
func (n *Names) others(s *source) (bytes int) {
	for _, other := range n.sources() {
		if other != s {
			bytes += other.table.Load().size()
		}
	}
	return bytes
}

// look returns the version of a file, and why it must not be read.
func look(path string) (version, error) {
	info, err := os.Stat(path)
	if err != nil {
		return version{missing: true}, err
	}
	v := version{size: info.Size(), modified: info.ModTime(), mode: info.Mode()}
	return v, trusted(info)
}

// writableByOthers are the permissions by which somebody else than the owner could give vaults false names.
const writableByOthers = 0o022

func trusted(info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return errors.New("it is not a regular file")
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&writableByOthers != 0 {
		return fmt.Errorf("others may write the file (mode %04o): run chmod go-w on it", info.Mode().Perm())
	}
	return nil
}

// load reads a file into a table. The file is looked at again once it is open.
func load(path string, taken int) (*table, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := trusted(info); err != nil {
		return nil, err
	}
	return decode(f, maxBytes-taken)
}

// Health wraps the report of an event type's health: it is degraded while a file cannot be read.
func (n *Names) Health(report func(status.Status, string)) func(status.Status, string) {
	if n == nil {
		return report
	}
	r := &reporter{report: report}
	n.mu.Lock()
	defer n.mu.Unlock()
	r.problems = n.problems
	n.reports = append(n.reports, r)
	return r.set
}

// reporter adds the problems of names to the health of one event type.
type reporter struct {
	report func(status.Status, string)

	mu       sync.Mutex
	state    status.Status
	msg      string
	problems string
}

func (r *reporter) set(state status.Status, msg string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state, r.msg = state, msg
	r.tell()
}

func (r *reporter) send(problems string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problems = problems
	if r.state == status.Running {
		r.tell()
	}
}

func (r *reporter) tell() {
	if r.problems != "" && r.state == status.Running {
		r.report(status.Degraded, r.problems+"Events are collected without these names.")
		return
	}
	r.report(r.state, r.msg)
}
