// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A store that is a server: not there at the start, not there while running, slow, and shared with another beat.

package harvester

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"onepasswordbeat/internal/registry"
)

var errUnavailable = &registry.UnavailableError{Place: "the index", Err: errors.New("connection refused")}

// TestInvariant8_NothingIsRequestedBeforeTheStateWasRead: what is not known to be absent is not started over.
func TestInvariant8_NothingIsRequestedBeforeTheStateWasRead(t *testing.T) {
	for name, stored := range map[string]bool{"a state": true, "no state": false} {
		t.Run(name, func(t *testing.T) {
			run(t, 20, func(t *testing.T, r *rig) {
				if stored {
					for i := range 10 {
						r.out.mark(eventID(i))
					}
					r.store.states[testKey] = registry.State{Cursor: cursorAt(10), Updated: time.Now(), Account: "ACCOUNT"}
				}
				r.store.setLoadErr(errUnavailable)
				r.start()
				pass(3 * time.Hour)
				require.Empty(t, r.api.asked())
				require.Equal(t, "Degraded", last(r.states()))
				require.Contains(t, r.healthText(), "nothing is collected before the stored state was read: the index is not available: connection refused")
				r.store.setLoadErr(nil)
				pass(time.Minute)
				require.Equal(t, "Running", last(r.states()))
				if stored {
					require.Equal(t, cursorAt(10), r.api.asked()[0])
				}
				r.stop()
				r.requireAll()
			})
		})
	}
}

// TestStopWhileTheStateCannotBeRead does not wait for the store.
func TestStopWhileTheStateCannotBeRead(t *testing.T) {
	run(t, 20, func(t *testing.T, r *rig) {
		r.store.setLoadErr(errUnavailable)
		r.start()
		pass(time.Hour)
		began := time.Now()
		r.stop()
		require.Zero(t, time.Since(began))
		require.Equal(t, "Degraded", last(r.states()))
	})
}

// TestInvariant3_AtMostAnHourWithoutAStoredState: a crash repeats no more than that. Collection resumes automatically.
func TestInvariant3_AtMostAnHourWithoutAStoredState(t *testing.T) {
	run(t, 20, func(t *testing.T, r *rig) {
		r.settings.Unstored = time.Hour
		r.start()
		pass(time.Second)
		r.store.setFail(errUnavailable)
		r.api.grow(10)
		pass(59 * time.Minute)
		r.api.grow(10)
		pass(30 * time.Second)
		require.Equal(t, 1, r.out.times(eventID(39)), "collection goes on in memory")
		require.Equal(t, "Degraded", last(r.states()))
		pass(time.Minute)
		before := len(r.api.asked())
		r.api.grow(10)
		pass(3 * time.Hour)
		require.Len(t, r.api.asked(), before, "nothing is requested after the hour")
		require.Contains(t, r.healthText(), "no state could be stored for 1h0m0s: nothing is collected until one is")
		require.Equal(t, cursorAt(20), r.store.get().Cursor)
		r.store.setFail(nil)
		pass(2 * time.Minute)
		require.Equal(t, 1, r.out.times(eventID(49)))
		require.Equal(t, "Running", last(r.states()))
		r.stop()
		r.requireAll()
		require.Equal(t, 1, r.out.times(eventID(20)), "nothing is repeated")
	})
}

// TestSlowStoreDoesNotStopCollection: a store that hangs costs a commit's timeout now and then.
func TestSlowStoreDoesNotStopCollection(t *testing.T) {
	run(t, 20, func(t *testing.T, r *rig) {
		r.start()
		pass(time.Second)
		tries := 0
		r.store.before(func(ctx context.Context, _ registry.State) error {
			tries++
			<-ctx.Done()
			return &registry.UnavailableError{Place: "the index", Err: ctx.Err()}
		})
		before := len(r.api.asked())
		r.api.grow(5)
		pass(10 * time.Minute)
		require.Equal(t, 1, r.out.times(eventID(24)))
		require.Greater(t, len(r.api.asked())-before, 60, "of 120 polls")
		require.InDelta(t, 8, tries, 3, "a commit per minute")
		began := time.Now()
		r.stop()
		require.LessOrEqual(t, time.Since(began), r.settings.ShutdownTimeout+commitSlack)
	})
}

// TestCommitAtTheStopHasItsTime: a commit that is on its way when the beat stops is not given up.
func TestCommitAtTheStopHasItsTime(t *testing.T) {
	run(t, 20, func(t *testing.T, r *rig) {
		r.start()
		pass(time.Second)
		r.store.before(func(ctx context.Context, _ registry.State) error {
			select {
			case <-time.After(3 * time.Second):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		r.api.grow(5)
		pass(4 * time.Second) // the poll, and the commit has begun
		r.stop()
		r.requireAll()
	})
}

// TestAnotherBeatsStateIsAdopted: collection goes on there, and what was in flight does not replace it.
func TestAnotherBeatsStateIsAdopted(t *testing.T) {
	run(t, 20, func(t *testing.T, r *rig) {
		r.start()
		pass(time.Second)
		require.Equal(t, cursorAt(20), r.store.get().Cursor)
		other := registry.State{Cursor: cursorAt(15), Account: "ACCOUNT", Updated: time.Now()}
		adopted := false
		r.store.before(func(context.Context, registry.State) error {
			if adopted {
				return nil
			}
			adopted = true
			return &registry.AdoptedError{State: other}
		})
		before := len(r.api.asked())
		r.api.grow(10)
		pass(time.Minute)
		require.True(t, adopted)
		require.Contains(t, r.api.asked()[before:], cursorAt(15))
		require.Equal(t, "Running", last(r.states()))
		r.stop()
		r.requireAll()
		require.Equal(t, 2, r.out.times(eventID(16)), "what came after the other's state")
		require.Equal(t, 1, r.out.times(eventID(14)))
	})
}

// TestAdoptedBeforeTheFirstRequest: another beat stored a state between the read and the start's commit.
func TestAdoptedBeforeTheFirstRequest(t *testing.T) {
	run(t, 20, func(t *testing.T, r *rig) {
		for i := range 15 {
			r.out.mark(eventID(i))
		}
		once := false
		r.store.before(func(context.Context, registry.State) error {
			if once {
				return nil
			}
			once = true
			return &registry.AdoptedError{State: registry.State{Cursor: cursorAt(15), Account: "ACCOUNT", Updated: time.Now()}}
		})
		r.start()
		pass(time.Minute)
		require.Equal(t, cursorAt(15), r.api.asked()[0])
		r.stop()
	})
}

// TestStoredStatesNameTheirDestination, so that a beat with another output does not adopt them.
func TestStoredStatesNameTheirDestination(t *testing.T) {
	run(t, 20, func(t *testing.T, r *rig) {
		r.settings.Destination = "digest"
		r.start()
		pass(time.Second)
		r.stop()
		require.Equal(t, "digest", r.store.get().Output)
	})
}
