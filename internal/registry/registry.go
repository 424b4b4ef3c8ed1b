// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The open registry of a running beat, wherever it keeps its states.

package registry

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"onepasswordbeat/internal/safetext"
)

// ErrNotFound is returned by Load when nothing is stored for a key: the first run.
var ErrNotFound = errors.New("no state is stored")

// ErrClosed is returned once the registry was closed: the beat stops.
var ErrClosed = errors.New("the registry is closed")

// Registry stores the states of all harvesters. It is safe for concurrent use.
type Registry struct{ backend }

// backend keeps the stored form of states.
type backend interface {
	// get returns [ErrNotFound] only if it is certain that no state is stored.
	get(Key) (decoder, error)
	// put returns once the record is safe: on disk, or acknowledged.
	put(Key, record) error
	each(func(Key, decoder)) error
	close() error
	// place says where the states are, for messages.
	place() string
}

// decoder reads one stored state.
type decoder interface{ Decode(to any) error }

// Load returns the state stored for a key, and [ErrNotFound] if there is none. After
// any other error the stored state must be neither used nor replaced.
func (r *Registry) Load(key Key) (State, error) {
	stored, err := r.get(key)
	if err != nil {
		return State{}, err
	}
	return decode(key, stored, r.place())
}

func decode(key Key, stored decoder, place string) (State, error) {
	var rec record
	if err := stored.Decode(&rec); err != nil {
		return State{}, unusable(key, place, err)
	}
	state, err := rec.state()
	if err != nil {
		return State{}, unusable(key, place, err)
	}
	return state, nil
}

func unusable(key Key, place string, err error) error {
	return fmt.Errorf("the state of input %q, event type %q in %s can't be used: %w. "+
		"Use the version of onepasswordbeat that wrote it, or run %s", safetext.Short(key.Input, maxText), safetext.Short(key.EventType, maxText), place, err, resetCommand(key))
}

// resetCommand is the command that gives a harvester a new start.
func resetCommand(key Key) string {
	return fmt.Sprintf("`onepasswordbeat state reset --input %s --event-type %s --since TIME`", safetext.Short(key.Input, maxText), safetext.Short(key.EventType, maxText))
}

// Commit stores a state and returns once it is safe.
func (r *Registry) Commit(key Key, state State) error {
	if err := r.put(key, state.record()); err != nil {
		if errors.Is(err, ErrClosed) {
			return ErrClosed
		}
		return fmt.Errorf("can't store the cursor of input %q, event type %q in %s: %w", key.Input, key.EventType, r.place(), err)
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
	var entries []Entry
	err := r.each(func(key Key, stored decoder) {
		e := Entry{Key: key}
		e.State, e.Err = decode(key, stored, r.place())
		entries = append(entries, e)
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(entries, func(a, b Entry) int { return cmp.Compare(a.Key.String(), b.Key.String()) })
	return entries, nil
}

// Close releases the files or connections of the registry. Every later call returns
// [ErrClosed].
func (r *Registry) Close() error { return r.close() }
