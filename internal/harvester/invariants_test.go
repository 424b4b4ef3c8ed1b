// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A test for each invariant of the package comment, named after it.

package harvester

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/internal/delivery"
	"onepasswordbeat/internal/eventsapi"
	"onepasswordbeat/internal/registry"
)

func TestInvariant1_StoredCursorIsNeverAheadOfDelivery(t *testing.T) {
	// fakeStore checks each commit; here with an output that stops again and again.
	run(t, 200, func(_ *testing.T, r *rig) {
		r.start()
		for range 10 {
			release := r.out.block()
			pass(50 * time.Millisecond)
			release()
			pass(30 * time.Millisecond)
		}
		pass(time.Minute)
		r.stop()
		r.requireAll()
	})
}

// outputs are the ways in which outputs tell of a rejection.
func outputs(t *testing.T, test func(t *testing.T, set func(*fakeOutput))) {
	for _, late := range []bool{false, true} {
		for _, silent := range []bool{false, true} {
			t.Run(fmt.Sprintf("late=%v,silent=%v", late, silent), func(t *testing.T) {
				test(t, func(o *fakeOutput) { o.late, o.silent = late, silent })
			})
		}
	}
}

func TestInvariant2_OutputThatRejectsEverythingHoldsTheCursor(t *testing.T) {
	for _, what := range []outcome{deny, reject} {
		outputs(t, func(t *testing.T, set func(*fakeOutput)) {
			run(t, 35, func(t *testing.T, r *rig) {
				set(r.out)
				r.out.set(func(string) outcome { return what })
				r.start()
				pass(5 * time.Minute)
				require.Equal(t, []string{"start"}, r.store.committed(), "no cursor is stored while everything is rejected")
				require.Contains(t, r.healthText(), "403 security_exception", "the status names the output's reason")
				require.Equal(t, "Degraded", last(r.states()))

				r.out.set(nil)
				pass(2 * time.Minute)
				require.Equal(t, "Running", last(r.states()), "it resumes automatically")
				r.stop()
				r.requireAll()
			})
		})
	}
}

func TestInvariant2_RejectionInTheMiddleOfABacklog(t *testing.T) {
	outputs(t, func(t *testing.T, set func(*fakeOutput)) {
		for ms := range 60 {
			run(t, 300, func(t *testing.T, r *rig) {
				set(r.out)
				r.start()
				pass(time.Duration(ms) * time.Millisecond)
				r.out.set(func(string) outcome { return deny })
				pass(10 * time.Minute)
				held := r.store.get().Cursor
				r.out.set(nil)
				pass(2 * time.Minute)
				r.stop()
				require.NotEqual(t, cursorAt(300), held)
				r.requireAll()
			})
		}
	})
}

// A page turns unconfirmed while the next one is being fetched, and the output is well
// again by then: the next page must not be taken for the unconfirmed one.
func TestInvariant2_PageThatTurnsUnconfirmedDuringAFetch(t *testing.T) {
	for _, more := range []int{20, 0} {
		t.Run(fmt.Sprintf("%d events follow", more), func(t *testing.T) {
			run(t, 10+more, func(_ *testing.T, r *rig) {
				r.api.latency = time.Second
				rejections := map[string]int{}
				r.out.set(func(id string) outcome {
					if rejections[id]++; id < eventID(10) && rejections[id] == 1 {
						return deny
					}
					return accept
				})
				if more == 0 { // the first page says that there is more, and an empty one follows
					r.api.script = append(r.api.script,
						func(q eventsapi.Query) (*eventsapi.Page, error) {
							p := r.api.page(q)
							p.HasMore = true
							return p, nil
						},
						answerPage(eventsapi.Page{Cursor: "c10"}))
				}
				r.start()
				pass(time.Minute)
				r.stop()
				r.requireAll()
			})
		})
	}
}

// An API whose last cursor stays before its last events: they were published, and
// dropped with the page before them.
func TestInvariant2_UnmovedPageAfterAnUnconfirmedOneIsDelivered(t *testing.T) {
	run(t, 0, func(t *testing.T, r *rig) {
		page := func(i int, more bool) *eventsapi.Page {
			item := fmt.Sprintf(`{"uuid":%q,"timestamp":"2026-01-01T00:00:00Z"}`, eventID(i))
			return &eventsapi.Page{Cursor: "c1", HasMore: more, Items: []json.RawMessage{json.RawMessage(item)}}
		}
		r.api.always = func(q eventsapi.Query) (*eventsapi.Page, error) {
			if q.Cursor == "" {
				return page(0, true), nil
			}
			return page(1, false), nil
		}
		release := r.out.block()
		r.start()
		pass(100 * time.Millisecond)
		r.out.set(func(string) outcome { return deny })
		release()
		pass(time.Second)
		r.out.set(nil)
		pass(time.Minute)
		r.stop()
		require.NotZero(t, r.out.times(eventID(0)))
		require.NotZero(t, r.out.times(eventID(1)))
	})
}

// An output that is replaced counts from zero, and what the old one had in flight is
// ACKed and counted nowhere.
func TestInvariant2_AckOfAReplacedOutputIsNotDelivery(t *testing.T) {
	run(t, 20, func(t *testing.T, r *rig) {
		r.start()
		pass(time.Minute)
		release := r.out.block()
		r.api.grow(3)
		pass(10 * time.Second)
		r.out.mu.Lock()
		r.out.counters = delivery.Counts{}
		r.out.mu.Unlock()
		r.out.set(func(string) outcome { return ignore })
		release()
		pass(100 * time.Millisecond)
		r.out.set(nil)
		pass(time.Minute)
		r.stop()
		r.requireAll()
	})
}

// The ACKs of two event types are counted nowhere: that one's patience ends first makes
// the other's no delivery.
func TestInvariant2_AcksWithoutACountOfTwoTypesAreNotDelivery(t *testing.T) {
	run(t, 10, func(t *testing.T, r *rig) {
		other := newRig(t, 10)
		other.out, other.guard, other.budget = r.out, r.guard, r.budget
		other.store.id = func(i int) string { return fmt.Sprintf("OTHER%05d", i) }
		other.api.item = func(i int) string {
			return fmt.Sprintf(`{"uuid":%q,"timestamp":"2026-01-01T00:00:00Z"}`, other.store.id(i))
		}
		r.out.set(func(string) outcome { return ignore })
		r.start()
		pass(3 * time.Millisecond)
		other.begin()
		pass(500 * time.Millisecond)
		r.out.set(nil)
		pass(time.Minute)
		for i := range 10 {
			require.NotZero(t, r.out.times(other.store.id(i)), "event %d was not delivered", i)
		}
		other.cancel()
		require.NoError(t, <-other.done)
		r.stop()
		r.requireAll()
	})
}

func TestInvariant2_OneRejectedEventDoesNotStopTheStream(t *testing.T) {
	outputs(t, func(t *testing.T, set func(*fakeOutput)) {
		run(t, 30, func(t *testing.T, r *rig) {
			set(r.out)
			bad := eventID(12)
			r.out.allow(bad)
			r.out.set(func(id string) outcome {
				if id == bad {
					return reject
				}
				return accept
			})
			r.start()
			pass(time.Minute)
			require.Equal(t, cursorAt(30), r.store.get().Cursor)
			require.Equal(t, "Running", last(r.states()))
			require.EqualValues(t, 1, r.metrics.counters[mRejected].Get())
			r.stop()
		})
	})
}

func TestInvariant2_LoneRejectedEventWaitsForTheNext(t *testing.T) {
	run(t, 1, func(t *testing.T, r *rig) {
		bad := eventID(0)
		r.out.set(func(id string) outcome {
			if id == bad {
				return reject
			}
			return accept
		})
		r.start()
		pass(time.Minute)
		require.Equal(t, []string{"start"}, r.store.committed())
		r.out.allow(bad)
		r.api.grow(1)
		pass(time.Minute)
		require.Equal(t, cursorAt(2), r.store.get().Cursor, "the next event shows that the first was rejected for its own content")
		require.Equal(t, "Running", last(r.states()))
		r.stop()
	})
}

// A page whose events are all rejected for their content, between others. While it is held, single events of it are
// tried; whole, it is published when it is first rejected, and when it is passed.
func TestInvariant2_RejectedPageIsPassedWithProof(t *testing.T) {
	outputs(t, func(t *testing.T, set func(*fakeOutput)) {
		run(t, 10, func(t *testing.T, r *rig) {
			set(r.out)
			r.out.content = r.out.silent
			attempts := map[string]int{}
			bad := func(id string) bool { return id >= eventID(10) && id < eventID(20) }
			r.out.set(func(id string) outcome {
				if bad(id) {
					attempts[id]++
					return reject
				}
				return accept
			})
			other := newRig(t, 10)
			other.out, other.guard, other.budget = r.out, r.guard, r.budget
			other.store.id = func(i int) string { return fmt.Sprintf("OTHER%05d", i) }
			other.api.item = func(i int) string {
				return fmt.Sprintf(`{"uuid":%q,"timestamp":"2026-01-01T00:00:00Z"}`, other.store.id(i))
			}
			for i := 10; i < 20; i++ {
				r.out.allow(eventID(i))
			}
			r.start()
			other.begin()
			pass(2 * proofAge) // what was accepted before proves nothing any more
			r.api.grow(20)
			pass(10 * time.Minute)
			require.Equal(t, cursorAt(10), r.store.get().Cursor, "held without proof")
			require.Equal(t, "Degraded", last(r.states()))
			other.api.grow(1)
			pass(other.settings.Interval + time.Minute)
			require.Equal(t, cursorAt(30), r.store.get().Cursor, "passed within a minute after another page was accepted")
			require.Equal(t, "Running", last(r.states()))
			require.EqualValues(t, 10, r.metrics.counters[mRejected].Get())
			most := 0
			for _, n := range attempts {
				most = max(most, n)
			}
			if !r.out.silent { // otherwise twice more, to compare
				require.LessOrEqual(t, most, 2+5, "the whole page at the first and the last attempt; else one event after the other")
			}
			other.cancel()
			require.NoError(t, <-other.done)
			r.stop()
		})
	})
}

func TestInvariant2_AckWithoutACountIsNotDelivery(t *testing.T) {
	run(t, 20, func(t *testing.T, r *rig) {
		r.out.set(func(string) outcome { return ignore })
		r.start()
		pass(10 * time.Second)
		require.Equal(t, []string{"start"}, r.store.committed(), "an output that was closed ACKs what it dropped")
		r.out.set(nil)
		pass(time.Minute)
		r.stop()
		r.requireAll()
	})
}

func TestInvariant2_AcksOfUnsentEventsAreNotDelivery(t *testing.T) {
	run(t, 30, func(t *testing.T, r *rig) {
		r.out.acksUnsent = true
		r.start()
		pass(time.Second)
		r.out.set(func(string) outcome { return fail })
		for range 6 {
			r.api.grow(2)
			pass(10 * time.Second)
		}
		r.out.set(nil)
		pass(2 * time.Minute)
		require.Equal(t, "Running", last(r.states()))
		r.stop()
		r.requireAll()
	})
}

func TestInvariant2_EventsDroppedByProcessorsCountAsDone(t *testing.T) {
	for _, c := range []struct {
		name string
		drop func(i int) bool
	}{
		{"all", func(int) bool { return true }},
		{"the last of each page", func(i int) bool { return i%10 == 9 }},
		{"nine of ten", func(i int) bool { return i%10 != 3 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			run(t, 30, func(t *testing.T, r *rig) {
				r.out.filter = func(id string) bool { return c.drop(indexOf(id[len("EVENT"):])) }
				r.start()
				pass(time.Minute)
				require.Equal(t, cursorAt(30), r.store.get().Cursor)
				r.stop()
			})
		})
	}
}

func TestInvariant2_RejectedRestOfAFilteredPageHoldsTheCursor(t *testing.T) {
	run(t, 10, func(t *testing.T, r *rig) {
		r.out.filter = func(id string) bool { return id != eventID(3) }
		r.out.set(func(string) outcome { return reject })
		r.start()
		pass(time.Minute)
		require.Equal(t, []string{"start"}, r.store.committed())
		r.stop()
	})
}

func TestInvariant3_CrashAtAnyMomentRepeatsButNeverSkips(t *testing.T) {
	for seed := range uint64(40) {
		run(t, 150, func(_ *testing.T, r *rig) {
			random := rand.New(rand.NewPCG(seed, 1))
			for range 6 {
				r.start()
				pass(time.Duration(random.Int64N(int64(120 * time.Millisecond))))
				r.kill()
			}
			r.start()
			pass(time.Minute)
			r.stop()
			r.requireAll()
		})
	}
}

func TestInvariant3_StopAtAnyMomentNeverSkips(t *testing.T) {
	for seed := range uint64(40) {
		run(t, 150, func(t *testing.T, r *rig) {
			random := rand.New(rand.NewPCG(seed, 2))
			for range 6 {
				release := func() {}
				if random.IntN(2) == 0 {
					release = r.out.block()
				}
				r.start()
				pass(time.Duration(random.Int64N(int64(120 * time.Millisecond))))
				began := time.Now()
				r.stop()
				require.LessOrEqual(t, time.Since(began), r.settings.ShutdownTimeout+delivery.CountTimeout)
				release()
			}
			r.start()
			pass(time.Minute)
			r.stop()
			r.requireAll()
		})
	}
}

func TestInvariant3_AcksAfterTheStopAreIgnored(t *testing.T) {
	run(t, 20, func(t *testing.T, r *rig) {
		release := r.out.block()
		r.start()
		pass(100 * time.Millisecond)
		r.cancel()
		require.NoError(t, <-r.done)
		r.out.set(func(string) outcome { return ignore })
		release() // libbeat ACKs what its closing output drops
		pass(time.Second)
		r.out.shut()
		require.Equal(t, []string{"start"}, r.store.committed())
	})
}

func TestInvariant4_RepeatedEventHasTheSameID(t *testing.T) {
	run(t, 30, func(t *testing.T, r *rig) {
		r.api.item = func(i int) string {
			switch i % 3 {
			case 0:
				return fmt.Sprintf(`{"uuid":%q,"timestamp":"2026-01-01T00:00:00Z"}`, eventID(i))
			case 1:
				return fmt.Sprintf(`{"uuid":%d}`, i) // can't be mapped
			default:
				return fmt.Sprintf(`{"uuid":"","n":%d,"timestamp":"2026-01-01T00:00:00Z"}`, i)
			}
		}
		h := New(Options{Module: testModule(), Settings: r.settings, Metrics: testMetrics(t), Report: r.report, Log: testLog(t)})
		seen := map[any]bool{}
		for i := range 30 {
			raw := json.RawMessage(r.api.item(i))
			first, _ := h.mapper.event(raw, time.Now())
			id := first.Meta["_id"]
			assert.NotEmpty(t, id)
			pass(time.Hour)
			again, _ := h.mapper.event(raw, time.Now())
			assert.Equal(t, id, again.Meta["_id"])
			assert.False(t, seen[id], "two items share the _id %v", id)
			seen[id] = true
		}
	})
}

func TestInvariant5_NoErrorEndsAHarvesterOrSkipsAnEvent(t *testing.T) {
	for _, class := range eventsapi.Classes() {
		t.Run(class.String(), func(t *testing.T) {
			run(t, 40, func(t *testing.T, r *rig) {
				fail := answerError(class)
				r.api.script = append(r.api.script, fail, nil, nil, fail, nil, fail, nil)
				r.start()
				pass(10 * time.Minute)
				select {
				case err := <-r.done:
					t.Fatalf("the harvester ended: %v", err)
				default:
				}
				require.Equal(t, "Running", last(r.states()))
				r.stop()
				r.requireAll()
			})
		})
	}
}

func TestInvariant5_ItemThatCanNotBeMappedIsPublishedWithItsOriginal(t *testing.T) {
	run(t, 3, func(t *testing.T, r *rig) {
		h := New(Options{Module: testModule(), Settings: r.settings, Metrics: testMetrics(t), Report: r.report, Log: testLog(t)})
		raw := json.RawMessage(`["no object"]`)
		ev, err := h.mapper.event(raw, time.Now())
		require.Error(t, err)
		original, err := ev.Fields.GetValue("event.original")
		require.NoError(t, err)
		require.Equal(t, string(raw), original)
		message, err := ev.Fields.GetValue("error.message")
		require.NoError(t, err)
		require.Contains(t, message, "can't map this item")
		require.NotEmpty(t, ev.Meta["_id"])
	})
}

// An item without a time gets that of now. A rejected cursor of a backlog must not go
// on from there.
func TestInvariant5_ItemThatCanNotBeMappedDoesNotMoveTheRestartPoint(t *testing.T) {
	run(t, 10, func(t *testing.T, r *rig) {
		r.settings.InitialInterval = 61 * 24 * time.Hour
		old := time.Now().Add(-60 * 24 * time.Hour)
		r.api.item = func(i int) string {
			if i == 3 {
				return `{"uuid":"EVENT00003","timestamp":17}`
			}
			return fmt.Sprintf(`{"uuid":%q,"timestamp":%q}`, eventID(i), old.Format(time.RFC3339))
		}
		r.out.allow(eventID(3)) // it has another _id
		r.api.script = append(r.api.script,
			func(q eventsapi.Query) (*eventsapi.Page, error) { p := r.api.page(q); p.HasMore = true; return p, nil },
		)
		r.setAlways(r.rejectCursors(true, "c10"))
		r.start()
		pass(15 * time.Minute)
		r.stop()
		require.Contains(t, strings.Join(r.api.asked()[1:], " "), "since 1464h", "a day before the events of 60 days ago")
	})
}

// An API that rejects every cursor that it has just given: the rate budget belongs to
// the other event types, too.
func TestInvariant6_RejectedCursorsCauseNoHotLoop(t *testing.T) {
	run(t, 40, func(t *testing.T, r *rig) {
		r.api.always = func(q eventsapi.Query) (*eventsapi.Page, error) {
			if q.Cursor != "" {
				return answerError(eventsapi.BadRequest)(q)
			}
			return r.api.page(q), nil
		}
		r.start()
		pass(time.Hour)
		require.Less(t, len(r.api.asked()), 150)
		r.api.answerAlways(nil)
		pass(time.Hour)
		require.Equal(t, "Running", last(r.states()))
		r.stop()
		r.requireAll()
	})
}

// The API rejects the stored cursor while the output rejects the page after it.
func TestInvariant6_RejectedCursorOfAnUnconfirmedPageCausesNoHotLoop(t *testing.T) {
	run(t, 20, func(t *testing.T, r *rig) {
		r.start()
		pass(time.Minute)
		r.out.set(func(string) outcome { return deny })
		r.api.grow(10)
		pass(time.Minute)
		r.api.mu.Lock()
		before := len(r.api.requests)
		gone := true
		r.api.always = func(q eventsapi.Query) (*eventsapi.Page, error) {
			if gone && q.Cursor == cursorAt(20) {
				return answerError(eventsapi.BadRequest)(q)
			}
			return r.api.page(q), nil
		}
		r.api.mu.Unlock()
		pass(5 * time.Minute)
		r.api.mu.Lock()
		n := len(r.api.requests) - before
		r.api.mu.Unlock()
		require.Less(t, n, 60)
		r.out.set(nil)
		r.api.mu.Lock()
		gone = false
		r.api.mu.Unlock()
		pass(5 * time.Minute)
		require.Equal(t, "Running", last(r.states()))
		r.stop()
		r.requireAll()
	})
}

// One cursor in the middle of the chain is rejected, each time.
func TestInvariant6_OneRejectedCursorOfTheNewChainCausesNoHotLoop(t *testing.T) {
	run(t, 40, func(t *testing.T, r *rig) {
		old := time.Now().Add(-time.Hour)
		r.api.item = func(i int) string {
			return fmt.Sprintf(`{"uuid":%q,"timestamp":%q}`, eventID(i), old.Add(time.Duration(i)*time.Second).Format(time.RFC3339))
		}
		r.api.always = func(q eventsapi.Query) (*eventsapi.Page, error) {
			if q.Cursor == cursorAt(20) {
				return answerError(eventsapi.BadRequest)(q)
			}
			return r.api.page(q), nil
		}
		r.start()
		pass(time.Hour)
		require.Less(t, len(r.api.asked()), 150)
		r.api.mu.Lock()
		r.api.always = nil
		r.api.mu.Unlock()
		pass(time.Hour)
		require.Equal(t, "Running", last(r.states()))
		r.stop()
		r.requireAll()
	})
}

// TestInvariant6_ErrorsOfOneEventTypeDoNotDelayTheOthers: every class of error, except the pause of the rate limit that
// the API asks for, which the types of a token share.
func TestInvariant6_ErrorsOfOneEventTypeDoNotDelayTheOthers(t *testing.T) {
	for _, class := range eventsapi.Classes() {
		if class == eventsapi.RateLimited {
			continue
		}
		t.Run(class.String(), func(t *testing.T) {
			run(t, 40, func(t *testing.T, r *rig) {
				failing := newRig(t, 40)
				failing.out, failing.guard, failing.budget, failing.limiter = r.out, r.guard, r.budget, r.limiter
				failing.store.rig = r
				failing.api.always = answerError(class)
				failing.start()
				r.start()
				pass(10 * time.Minute)
				require.Equal(t, "Degraded", last(failing.states()))
				require.Zero(t, r.limiter.paused, "the limiter is shared")
				r.api.grow(10)
				pass(2 * r.settings.Interval)
				require.Equal(t, cursorAt(50), r.store.get().Cursor)
				require.Equal(t, "Running", last(r.states()))
				failing.cancel()
				require.NoError(t, <-failing.done)
				r.stop()
			})
		})
	}
}

func TestInvariant6_OneEventTypesTroubleDoesNotTouchTheOthers(t *testing.T) {
	run(t, 40, func(t *testing.T, r *rig) {
		// A second harvester on the same guard and output whose events are all rejected.
		other := newRig(t, 40)
		other.out, other.guard, other.budget = r.out, r.guard, r.budget
		other.store.rig = r
		other.api.item = func(i int) string {
			return fmt.Sprintf(`{"uuid":"OTHER%d","timestamp":"2026-01-01T00:00:00Z"}`, i)
		}
		r.out.set(func(id string) outcome {
			if id[0] == 'O' {
				return deny
			}
			return accept
		})
		other.start()
		r.start()
		pass(5 * time.Minute)
		require.Equal(t, cursorAt(40), r.store.get().Cursor)
		require.Equal(t, "Running", last(r.states()))
		require.Equal(t, []string{"start"}, other.store.committed())
		require.Equal(t, "Degraded", last(other.states()))
		require.Zero(t, r.metrics.counters[mRejected].Get(), "it is not charged with the other's rejections")
		require.Zero(t, other.metrics.counters[mRejected].Get(), "what is held is not rejected for good")

		r.api.grow(25)
		pass(time.Minute)
		require.Equal(t, cursorAt(65), r.store.get().Cursor, "it goes on while the other is held")
		other.cancel()
		require.NoError(t, <-other.done)
		r.stop()
	})
}

// The output hangs with pages of all event types in flight: what is read is bounded over all of them.
func TestMemoryOfPagesInFlightIsBounded(t *testing.T) {
	run(t, 1000, func(t *testing.T, r *rig) {
		r.budget = delivery.NewBudget(10*3*usualBytes, 1) // ten pages of 4 MiB
		r.out.queueSize = 1 << 20
		release := r.out.block()
		r.api.bytes = usualBytes
		r.start()
		pass(10 * time.Minute)
		require.LessOrEqual(t, len(r.api.asked()), 10)
		require.Equal(t, "Degraded", last(r.states()))
		began := time.Now()
		r.stop()
		require.LessOrEqual(t, time.Since(began), r.settings.ShutdownTimeout+delivery.CountTimeout, "who waits for memory stops")
		release()
		r.start()
		pass(10 * time.Minute)
		r.stop()
		r.requireAll()
	})
}

func TestInvariant7_StartTimeIsStoredBeforeTheFirstRequest(t *testing.T) {
	run(t, 5, func(t *testing.T, r *rig) {
		r.api.always = func(eventsapi.Query) (*eventsapi.Page, error) {
			assert.Equal(t, []string{"start"}, r.store.committed())
			return answerError(eventsapi.Network)(eventsapi.Query{})
		}
		r.start()
		pass(time.Hour)
		r.stop()
		r.api.always = nil
		r.start()
		pass(time.Minute)
		r.stop()
		require.Contains(t, r.api.asked(), "since 25h0m0s", "the second run asks since the first run's start")
		r.requireAll()
	})
}

func TestInvariant7_NothingIsCollectedWhenTheStartCanNotBeStored(t *testing.T) {
	run(t, 5, func(t *testing.T, r *rig) {
		r.store.setFail(errors.New("no space left on device"))
		r.start()
		pass(time.Minute)
		require.Empty(t, r.api.asked())
		require.Contains(t, r.healthText(), "no space left on device")
		r.store.setFail(nil)
		pass(2 * startRetry)
		require.Equal(t, "Running", last(r.states()))
		r.stop()
		r.requireAll()
	})
}

// The registry keeps in memory what could not be written: an input that a new policy starts
// again loads it.
func TestInvariant7_LoadedStartTimeIsStoredOnceMore(t *testing.T) {
	run(t, 5, func(t *testing.T, r *rig) {
		r.store.states[testKey] = registry.State{StartTime: time.Now().Add(-time.Hour), Updated: time.Now()}
		r.store.setFail(errors.New("no space left on device"))
		r.start()
		pass(time.Minute)
		require.Empty(t, r.api.asked())
		r.stop()
	})
}

func TestInvariant8_UnusableStateStopsTheHarvester(t *testing.T) {
	run(t, 5, func(t *testing.T, r *rig) {
		r.store.loadErr = errors.New("the state has version 7")
		r.start()
		pass(time.Hour)
		require.Empty(t, r.api.asked())
		require.Empty(t, r.store.committed())
		require.Equal(t, []string{"Starting", "Failed"}, r.states())
		r.stop()
	})
}

func TestInvariant8_StateOfAnotherAccountStopsTheHarvester(t *testing.T) {
	run(t, 5, func(t *testing.T, r *rig) {
		r.store.states[testKey] = registry.State{Account: "OTHER", Cursor: cursorAt(2), Updated: time.Now()}
		r.start()
		pass(time.Hour)
		require.Empty(t, r.api.asked())
		require.Empty(t, r.store.committed())
		require.Contains(t, r.healthText(), "belongs to account OTHER")
		require.Equal(t, "Failed", last(r.states()))
		r.stop()
	})
}

func TestInvariant8_TokenRotatedToAnotherAccountStopsCollection(t *testing.T) {
	run(t, 5, func(t *testing.T, r *rig) {
		r.start()
		pass(time.Minute)
		r.api.mu.Lock()
		r.api.account = "OTHER"
		r.api.size = 10
		r.api.mu.Unlock()
		pass(time.Minute)
		require.Equal(t, cursorAt(5), r.store.get().Cursor)
		r.api.mu.Lock()
		r.api.account = "ACCOUNT"
		r.api.mu.Unlock()
		pass(2 * time.Minute)
		require.Equal(t, cursorAt(10), r.store.get().Cursor, "the right token heals it")
		r.stop()
	})
}

// The account becomes known while pages are in flight that were fetched without it.
func TestInvariant8_AccountLearntWithPagesInFlightIsKept(t *testing.T) {
	run(t, 15, func(t *testing.T, r *rig) {
		r.api.account = ""
		release := r.out.block()
		r.start()
		pass(time.Second)
		r.api.mu.Lock()
		r.api.account = "ACCOUNT"
		r.api.mu.Unlock()
		pass(10 * time.Second)
		release()
		pass(time.Second)
		r.stop()
		require.Equal(t, "ACCOUNT", r.store.get().Account)
	})
}

// proofAge is how long an accepted page proves that the output accepts documents.
const proofAge = time.Hour

func last(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[len(list)-1]
}
