// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Carrying states from one backend to the other.

package registry

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Moved is what became of one state.
type Moved struct {
	Key     Key
	Already bool  // it was moved by an earlier call
	Err     error // why it was not moved; nothing is lost then
}

// Move carries the states of from over to to. Each is copied, read back and compared, and only then marked as moved at
// its source, so that a call that was interrupted can be repeated. A different state at the destination is not
// replaced. The error is that of the whole; what concerns one state is in its result.
func Move(ctx context.Context, from, to *Registry, now time.Time) ([]Moved, error) {
	entries, err := from.List(ctx)
	if err != nil {
		return nil, err
	}
	results := make([]Moved, 0, len(entries))
	var gone error // why the rest is not tried
	for _, e := range entries {
		m := Moved{Key: e.Key, Err: gone}
		if gone == nil {
			m.Already, m.Err = move(ctx, from, to, e.Key, now)
		}
		if gone == nil && errors.As(m.Err, new(*UnavailableError)) {
			gone = errors.New("it was not tried, because Elasticsearch was not available for one before it")
		}
		results = append(results, m)
	}
	return results, nil
}

func move(ctx context.Context, from, to *Registry, key Key, now time.Time) (already bool, err error) {
	source, err := from.record(ctx, key)
	if err != nil {
		return false, err
	}
	moved := (*MovedError)(nil)
	if _, err := source.state(); errors.As(err, &moved) {
		return true, arrived(ctx, to, key, from.place(), moved)
	} else if err != nil {
		return false, unusable(key, from.place(), err)
	}
	if err := copyTo(ctx, to, key, source); err != nil {
		return false, err
	}
	mark := record{Version: movedVersion, Account: source.Account, Updated: formatTime(now), Moved: to.place(), Output: source.Output}
	if err := from.put(ctx, key, mark); err != nil {
		return false, fmt.Errorf("the state of input %q, event type %q was copied to %s and could not be marked as moved in %s. Run the command again: %w",
			shown(key.Input), shown(key.EventType), to.place(), from.place(), err)
	}
	return false, nil
}

// record reads the stored form for the next put to replace it.
func (r *Registry) record(ctx context.Context, key Key) (record, error) {
	stored, err := r.get(ctx, key, true)
	if err != nil {
		return record{}, err
	}
	var rec record
	if err := stored.Decode(&rec); err != nil {
		return record{}, unusable(key, r.place(), err)
	}
	return rec, nil
}

// arrived checks that a state that was moved is where it was moved to.
func arrived(ctx context.Context, to *Registry, key Key, from string, moved *MovedError) error {
	_, err := to.Peek(ctx, key)
	if errors.Is(err, ErrNotFound) {
		return lostElsewhere(key, from, moved)
	}
	return err
}

// copyTo stores a record and reads it back. A mark at the destination is replaced: the state comes home.
func copyTo(ctx context.Context, to *Registry, key Key, source record) error {
	present, err := to.record(ctx, key)
	moved := (*MovedError)(nil)
	switch {
	case errors.Is(err, ErrNotFound):
	case err != nil:
		return err
	case same(present, source):
		return nil // copied by a call that was interrupted
	default:
		if _, err := present.state(); !errors.As(err, &moved) {
			return fmt.Errorf("%s has another state of input %q, event type %q (stored %s) than the one to move (stored %s); nothing was changed. "+
				"A beat that uses it has collected on from there: keep it, or replace it with %s", to.place(), shown(key.Input), shown(key.EventType),
				shown(present.Updated), shown(source.Updated), resetCommand(key))
		}
	}
	if err := to.put(ctx, key, source); errors.As(err, new(*AdoptedError)) {
		return fmt.Errorf("another beat stored a state of input %q, event type %q in %s during the move; nothing was changed. Stop every beat with this state.id",
			shown(key.Input), shown(key.EventType), to.place())
	} else if err != nil {
		return to.commitError(key, err)
	}
	copied, err := to.record(ctx, key)
	if err != nil {
		return fmt.Errorf("a state was copied to %s and could not be read back: %w", to.place(), err)
	}
	if !same(copied, source) {
		return fmt.Errorf("what was copied to %s reads back differently: another beat seems to use it", to.place())
	}
	return nil
}

// same is whether two records are the same state. Files keep no output.
func same(a, b record) bool {
	a.Output, b.Output = "", ""
	return a == b
}
