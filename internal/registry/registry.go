// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The open registry of a running beat.

package registry

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/elastic/beats/v7/libbeat/statestore"
	"github.com/elastic/beats/v7/libbeat/statestore/backend/memlog"
	"github.com/elastic/elastic-agent-libs/logp"
)

// ErrNotFound is returned by Load when nothing is stored for a key: the first run.
var ErrNotFound = errors.New("no state is stored")

// ErrClosed is returned once the registry was closed: the beat stops.
var ErrClosed = errors.New("the registry is closed")

const storeName = "onepasswordbeat"

// Registry stores the states of all harvesters. It is safe for concurrent use.
type Registry struct {
	dir string

	mu    sync.RWMutex
	reg   *statestore.Registry
	store *statestore.Store // nil once closed
}

// Dir is the folder below path.data that holds the registry's files.
func Dir(dataPath string) string { return filepath.Join(dataPath, "registry", storeName) }

// Open opens, and at the first start makes, the registry below dataPath. A
// *DamagedError says that its files can't be trusted; nothing was changed then.
func Open(dataPath string, log *logp.Logger) (*Registry, error) {
	dir := Dir(dataPath)
	if abs, err := filepath.Abs(dir); err != nil || strings.ContainsAny(abs, globCharacters) {
		return nil, fmt.Errorf("path.data %s has one of %s in its name, with which the registry's files would not be found again: choose another folder", dataPath, globCharacters)
	}
	if err := inspect(dir); err != nil {
		return nil, err
	}
	root := filepath.Dir(dir)
	if err := os.MkdirAll(root, 0o750); err != nil {
		return nil, fmt.Errorf("can't make the registry folder: %w", err)
	}
	if err := finishFirstStart(dir); err != nil {
		return nil, fmt.Errorf("can't make the registry: %w", err)
	}
	backend, err := memlog.New(log.Named("registry"), memlog.Settings{
		Root:       root,
		FileMode:   0o600,
		Checkpoint: func(uint64) bool { return true }, // appends are not fsynced, checkpoints are
	})
	if err != nil {
		return nil, fmt.Errorf("can't open the registry %s: %w", dir, err)
	}
	reg := statestore.NewRegistry(backend)
	store, err := reg.Get(storeName)
	if err != nil {
		return nil, fmt.Errorf("can't open the registry %s: %w", dir, err)
	}
	syncFolders(root, dataPath)
	return &Registry{dir: dir, reg: reg, store: store}, nil
}

// globCharacters mean something to filepath.Glob, by which memlog looks for its
// files: in such a folder it would find none and start over in silence.
var globCharacters = strings.ReplaceAll(`*?[\`, string(os.PathSeparator), "")

// syncFolders makes new folders outlive a power cut, where the file system can.
// memlog does so for the files in the last of them.
func syncFolders(paths ...string) {
	for _, path := range paths {
		if f, err := os.Open(path); err == nil {
			_ = f.Sync()
			_ = f.Close()
		}
	}
}

// Load returns the state stored for a key, and ErrNotFound if there is none. Any
// other error means that the stored state must not be used, nor replaced.
func (r *Registry) Load(key Key) (State, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.store == nil {
		return State{}, ErrClosed
	}
	has, err := r.store.Has(key.String())
	if err != nil {
		return State{}, fmt.Errorf("can't read the registry %s: %w", r.dir, err)
	}
	if !has {
		return State{}, ErrNotFound
	}
	var rec record
	if err := r.store.Get(key.String(), &rec); err != nil {
		return State{}, unusable(key, r.dir, err)
	}
	state, err := rec.state()
	if err != nil {
		return State{}, unusable(key, r.dir, err)
	}
	return state, nil
}

func unusable(key Key, dir string, err error) error {
	return fmt.Errorf("the state stored for input %q, event type %q in %s can't be used: %w. "+
		"To go on, use the beat that wrote it, or run `onepasswordbeat state reset --input %s --event-type %s --since TIME`",
		key.Input, key.EventType, dir, err, key.Input, key.EventType)
}

// Commit stores a state and returns once it is on disk.
func (r *Registry) Commit(key Key, state State) error {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.store == nil {
		return ErrClosed
	}
	if err := r.store.Set(key.String(), state.record()); err != nil {
		return fmt.Errorf("can't store the cursor of input %q, event type %q in %s: %w", key.Input, key.EventType, r.dir, err)
	}
	return nil
}

// Entry is one stored state. Err is set, and State empty, when it can't be used.
type Entry struct {
	Key   Key
	State State
	Err   error
}

// List returns all stored states, sorted by key.
func (r *Registry) List() ([]Entry, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.store == nil {
		return nil, ErrClosed
	}
	var entries []Entry
	err := r.store.Each(func(k string, dec statestore.ValueDecoder) (bool, error) {
		key, ok := parseKey(k)
		if !ok {
			return true, nil
		}
		e := Entry{Key: key}
		var rec record
		if err := dec.Decode(&rec); err != nil {
			e.Err = unusable(key, r.dir, err)
		} else if e.State, err = rec.state(); err != nil {
			e.State, e.Err = State{}, unusable(key, r.dir, err)
		}
		entries = append(entries, e)
		return true, nil
	})
	if err != nil {
		return nil, fmt.Errorf("can't read the registry %s: %w", r.dir, err)
	}
	slices.SortFunc(entries, func(a, b Entry) int { return cmp.Compare(a.Key.String(), b.Key.String()) })
	return entries, nil
}

// Close closes the registry's files. Every later call returns ErrClosed. What was
// committed is on disk already: the one thing that could fail is memlog's log,
// which a full disk leaves broken for good, and which nothing depends on.
func (r *Registry) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.store == nil {
		return nil
	}
	_ = r.store.Close()
	r.store = nil
	return r.reg.Close()
}
