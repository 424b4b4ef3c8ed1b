// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The open registry of a running beat, wherever it keeps its states.

package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"onepasswordbeat/internal/safetext"
)

// ErrNotFound is returned by Load when it is certain that nothing is stored for a key: the first run.
var ErrNotFound = errors.New("no state is stored")

// ErrClosed is returned once the registry was closed: the beat stops.
var ErrClosed = errors.New("the registry is closed")

// UnavailableError says that the place of the states could not be asked, or did not answer as it should. Nothing is
// known then of what is stored: try again.
type UnavailableError struct {
	Place string // where the states are
	Err   error  // why it could not be asked
}

func (e *UnavailableError) Error() string {
	return fmt.Sprintf("%s is not available: %v", e.Place, e.Err)
}

func (e *UnavailableError) Unwrap() error { return e.Err }

// AdoptedError says that Commit did not store the state: another writer with the same account and output stored one
// since it was read. Everything before that one was delivered, too. Collection has to continue there, and the next
// Commit replaces it.
type AdoptedError struct{ State State }

func (e *AdoptedError) Error() string {
	return "another beat with the same state.id, account and output stored a state of this event type: collection continues there"
}

// Backends.
const (
	BackendFile          = "file"
	BackendElasticsearch = "elasticsearch"
)

// Registry stores the states of all harvesters. It is safe for concurrent use.
type Registry struct {
	backend
	elsewhere func(context.Context, Key) error // says whether the other backend has a state, or nil
}

// backend keeps the stored form of states.
type backend interface {
	// get returns [ErrNotFound] only if it is certain that no state is stored. With use, the next put replaces what it
	// found; without, it only looks.
	get(ctx context.Context, key Key, use bool) (decoder, error)
	// put returns once the record is safe: on disk, or acknowledged.
	put(context.Context, Key, record) error
	each(context.Context, func(Key, decoder)) error
	close() error
	// place says where the states are, for messages.
	place() string
	// kind is the backend's name.
	kind() string
}

// decoder reads one stored state.
type decoder interface{ Decode(to any) error }

// Load returns the state stored for a key, and [ErrNotFound] if there is certainly none. After an [*UnavailableError]
// it may be tried again; after any other error the stored state must be neither used nor replaced.
func (r *Registry) Load(ctx context.Context, key Key) (State, error) {
	stored, err := r.get(ctx, key, true)
	if errors.Is(err, ErrNotFound) && r.elsewhere != nil {
		if err := r.elsewhere(ctx, key); err != nil {
			return State{}, err
		}
	}
	if err != nil {
		return State{}, err
	}
	return decode(key, stored, r.backend)
}

// Peek is Load for those that only show a state.
func (r *Registry) Peek(ctx context.Context, key Key) (State, error) {
	stored, err := r.get(ctx, key, false)
	if err != nil {
		return State{}, err
	}
	return decode(key, stored, r.backend)
}

func decode(key Key, stored decoder, from backend) (State, error) {
	var rec record
	if err := stored.Decode(&rec); err != nil {
		return State{}, unusable(key, from.place(), err)
	}
	state, err := rec.state()
	if moved := (*MovedError)(nil); errors.As(err, &moved) {
		return State{}, fmt.Errorf("the state of input %q, event type %q is no longer in %s: %w. Set onepasswordbeat.state.backend to where it is now; "+
			"or move it back: stop the beat and run `onepasswordbeat state move --to %s`", shown(key.Input), shown(key.EventType), from.place(), moved, from.kind())
	}
	if err != nil {
		return State{}, unusable(key, from.place(), err)
	}
	return state, nil
}

// shown is a text of a key as it can be shown.
func shown(text string) string { return safetext.Short(text, maxText) }

func unusable(key Key, place string, err error) error {
	return fmt.Errorf("the state of input %q, event type %q in %s can't be used: %w. "+
		"Use the version of onepasswordbeat that wrote it, or run %s", shown(key.Input), shown(key.EventType), place, err, resetCommand(key))
}

// resetCommand is the command that gives a harvester a new start.
func resetCommand(key Key) string {
	return fmt.Sprintf("`onepasswordbeat state reset --input %s --event-type %s --since TIME`", shown(key.Input), shown(key.EventType))
}

// Commit stores a state and returns once it is safe. An [*AdoptedError] has the state that counts instead.
func (r *Registry) Commit(ctx context.Context, key Key, state State) error {
	return r.commitError(key, r.put(ctx, key, state.record()))
}

func (r *Registry) commitError(key Key, err error) error {
	switch {
	case err == nil, errors.As(err, new(*AdoptedError)):
		return err
	case errors.Is(err, ErrClosed):
		return ErrClosed
	case errors.As(err, new(*UnavailableError)): // it names the place
		return fmt.Errorf("can't store the cursor of input %q, event type %q: %w", key.Input, key.EventType, err)
	}
	return fmt.Errorf("can't store the cursor of input %q, event type %q in %s: %w", key.Input, key.EventType, r.place(), err)
}

// Entry is one stored state. Err is set, and State empty, when it can't be used.
type Entry struct {
	Key   Key
	State State
	Err   error
}

// List returns all stored states, sorted by key.
func (r *Registry) List(ctx context.Context) ([]Entry, error) {
	var entries []Entry
	err := r.each(ctx, func(key Key, stored decoder) {
		e := Entry{Key: key}
		e.State, e.Err = decode(key, stored, r.backend)
		entries = append(entries, e)
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(entries, func(a, b Entry) int { return cmp.Compare(a.Key.String(), b.Key.String()) })
	return entries, nil
}

// Place says where the states are, for messages.
func (r *Registry) Place() string { return r.place() }

// Close releases the files or connections of the registry. Every later call returns
// [ErrClosed].
func (r *Registry) Close() error { return r.close() }
