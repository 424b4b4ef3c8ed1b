// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The loop as one table on a fake clock: what the API answers, what is asked,
// stored and reported.

package harvester

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/elastic/beats/v7/libbeat/common"
	"github.com/elastic/elastic-agent-libs/logp"
	"github.com/elastic/elastic-agent-libs/logp/logptest"
	"github.com/elastic/elastic-agent-libs/monitoring"

	"onepasswordbeat/internal/eventsapi"
	"onepasswordbeat/internal/registry"
	"onepasswordbeat/module"
)

func testModule() module.Module {
	return module.Module{Name: "audit_events", Path: "auditevents", Dataset: "1password.audit_events", Map: mapTestItem}
}

func testLog(t *testing.T) *logp.Logger { return logptest.NewTestingLogger(t, "") }

func testMetrics(t *testing.T) *Metrics { return NewMetrics(monitoring.NewRegistry(), testLog(t)) }

func TestHarvester(t *testing.T) {
	const day = 24 * time.Hour
	stored := func(cursor string) *registry.State {
		return &registry.State{Account: "ACCOUNT", Cursor: cursor, Limit: 10, InitialInterval: day}
	}
	type answers = []func(eventsapi.Query) (*eventsapi.Page, error)
	for _, c := range []struct {
		name        string
		events      int
		stored      *registry.State
		script      answers
		run         time.Duration
		spacing     time.Duration // between the pages of a backlog
		wantAsked   []string
		wantCommits []string
		wantStates  []string
		wantHealth  string
	}{{
		name: "first run reads from initial_interval on and follows has_more", events: 25, run: 2 * time.Second,
		wantAsked: []string{"since 24h0m0s", "c10", "c20"}, wantCommits: []string{"start", "c10", "c20", "c25"},
		wantStates: []string{"Starting", "Running"},
	}, {
		name: "goes on from the stored cursor", events: 25, stored: stored("c20"), run: 11 * time.Second,
		wantAsked: []string{"c20", "c25", "c25"}, wantCommits: []string{"c25"}, wantStates: []string{"Starting", "Running"},
	}, {
		name: "stores nothing while nothing is new", events: 5, stored: stored("c5"), run: 28 * time.Second,
		wantAsked: []string{"c5", "c5", "c5", "c5", "c5", "c5"}, wantStates: []string{"Starting", "Running"},
	}, {
		name: "an empty page with a new cursor is stored", events: 5, stored: stored("c5"), run: 6 * time.Second,
		script:    answers{answerPage(eventsapi.Page{Cursor: "c5x"})},
		wantAsked: []string{"c5", "c5x"}, wantCommits: []string{"c5x", "c5"}, wantStates: []string{"Starting", "Running"},
	}, {
		name: "an empty page after has_more ends the round", events: 5, stored: stored("c5"), run: 4 * time.Second,
		script:    answers{answerPage(eventsapi.Page{Cursor: "c4", HasMore: true}), answerPage(eventsapi.Page{Cursor: "c4"})},
		wantAsked: []string{"c5", "c4"}, wantCommits: []string{"c4"}, wantStates: []string{"Starting", "Running"},
	}, {
		name: "has_more with an unmoving cursor waits for the next poll", events: 5, stored: stored("c5"), run: 14 * time.Second,
		script: answers{answerPage(eventsapi.Page{Cursor: "c5", HasMore: true}), answerPage(eventsapi.Page{Cursor: "c5", HasMore: true})},
		// one request a poll
		wantAsked: []string{"c5", "c5", "c5"}, wantStates: []string{"Starting", "Running"},
	}, {
		name: "a single 500 costs a moment", events: 10, run: 2 * time.Second, script: answers{answerError(eventsapi.Server)},
		wantAsked: []string{"since 24h0m0s", "since 24h0m0s"}, wantCommits: []string{"start", "c10"},
		wantStates: []string{"Starting", "Degraded", "Running"},
	}, {
		name: "429 obeys Retry-After", events: 10, run: 32 * time.Second, script: answers{answerRetryAfter(30 * time.Second)},
		wantAsked: []string{"since 24h0m0s", "since 24h0m30s"}, wantCommits: []string{"start", "c10"},
		wantStates: []string{"Starting", "Degraded", "Running"},
	}, {
		name: "the pages of a backlog keep the limiter's spacing", events: 40, stored: stored("c10"), spacing: 5 * time.Second, run: 7 * time.Second,
		wantAsked: []string{"c10", "c20"}, wantCommits: []string{"c20", "c30"}, wantStates: []string{"Starting", "Running"},
	}, {
		name: "a cursor that is rejected once is tried again", events: 20, stored: stored("c10"), run: 3 * time.Second,
		script:    answers{answerError(eventsapi.BadRequest)},
		wantAsked: []string{"c10", "c10"}, wantCommits: []string{"c20"}, wantStates: []string{"Starting", "Degraded", "Running"},
	}, {
		name: "a reset that is rejected backs off and loops on nothing", events: 5, run: 3 * time.Second,
		script:    answers{answerError(eventsapi.BadRequest), answerError(eventsapi.BadRequest)},
		wantAsked: []string{"since 24h0m0s", "since 24h0m0s", "since 24h0m1s"}, wantCommits: []string{"start", "c5"},
		wantStates: []string{"Starting", "Degraded", "Running"},
	}} {
		t.Run(c.name, func(t *testing.T) {
			run(t, c.events, func(t *testing.T, r *rig) {
				if c.stored != nil {
					c.stored.Updated = time.Now()
					r.store.states[testKey] = *c.stored
				}
				// What was there before this run counts as delivered.
				for i := range c.events {
					r.out.allow(eventID(i))
				}
				r.api.script, r.limiter.spacing = c.script, c.spacing
				r.start()
				pass(c.run)
				r.stop()
				assert.Equal(t, c.wantAsked, r.api.asked())
				assert.Equal(t, c.wantCommits, r.store.committed())
				assert.Equal(t, c.wantStates, r.states())
				assert.Contains(t, r.healthText(), c.wantHealth)
			})
		})
	}
}

// TestNetworkThatIsBackIsUsedSoon: after an outage of any length.
func TestNetworkThatIsBackIsUsedSoon(t *testing.T) {
	run(t, 5, func(t *testing.T, r *rig) {
		r.api.always = answerError(eventsapi.Network)
		r.start()
		pass(time.Hour)
		r.api.mu.Lock()
		r.api.always = nil
		tries := len(r.api.times)
		r.api.mu.Unlock()
		require.Less(t, tries, 5*60+20, "at most some five tries a minute")
		pass(15*time.Second + time.Millisecond)
		require.Equal(t, "Running", last(r.states()))
		r.stop()
		r.requireAll()
	})
}

func TestUnmovedCursorWithEventsRepeatsThemOnce(t *testing.T) {
	run(t, 3, func(t *testing.T, r *rig) {
		r.api.always = func(q eventsapi.Query) (*eventsapi.Page, error) {
			p := r.api.page(eventsapi.Query{})
			p.Cursor, p.HasMore = "c0", false
			return p, nil
		}
		r.store.states[testKey] = registry.State{Account: "ACCOUNT", Cursor: "c0", Updated: time.Now()}
		r.api.item = func(i int) string { return `{"uuid":"` + eventID(i) + `","timestamp":"1999-01-01T00:00:00Z"}` }
		r.start()
		pass(time.Hour)
		r.stop()
		require.Equal(t, 1, r.out.times(eventID(0)))
	})
}

// A cursor is rejected for less than ten minutes, or with other answers in between: it is kept.
func TestCursorRejectedNowAndThenIsKept(t *testing.T) {
	run(t, 10, func(t *testing.T, r *rig) {
		r.start()
		pass(time.Second)
		for range 5 {
			r.setAlways(answerError(eventsapi.BadRequest))
			pass(9 * time.Minute)
			require.Equal(t, "Degraded", last(r.states()))
			r.setAlways(nil)
			pass(2 * time.Minute)
			require.Equal(t, "Running", last(r.states()))
		}
		r.stop()
		require.NotContains(t, r.healthText(), "starts again at")
		for _, asked := range r.api.asked()[1:] {
			require.NotContains(t, asked, "since")
		}
	})
}

// rejectCursors is an API that rejects the cursors of a list, and serves everything else.
func (r *rig) rejectCursors(fromAPI bool, cursors ...string) func(eventsapi.Query) (*eventsapi.Page, error) {
	return func(q eventsapi.Query) (*eventsapi.Page, error) {
		if slices.Contains(cursors, q.Cursor) {
			return nil, &eventsapi.Error{Class: eventsapi.BadRequest, Status: 400, Host: "events.example.com", FromAPI: fromAPI}
		}
		return r.api.page(q), nil
	}
}

func (r *rig) setAlways(always func(eventsapi.Query) (*eventsapi.Page, error)) {
	r.api.mu.Lock()
	defer r.api.mu.Unlock()
	r.api.always = always
}

// A cursor that is rejected for ten minutes, or for an hour by a body that is not the API's, while a request without it
// brings a page: collection starts again before the newest event. The stored cursor stays until a page is delivered.
func TestRejectedCursorStartsAgainBeforeTheNewestEvent(t *testing.T) {
	for _, c := range []struct {
		name    string
		fromAPI bool
		wait    time.Duration
		since   time.Duration // the overlap
	}{
		{"the API's own 400", true, 10 * time.Minute, 24 * time.Hour},
		{"events that are reported late", true, 10 * time.Minute, 7 * 24 * time.Hour},
		{"a foreign 400", false, time.Hour, 24 * time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			run(t, 20, func(t *testing.T, r *rig) {
				for i := range 20 {
					r.out.allow(eventID(i))
				}
				r.overlap = c.since
				newest := time.Now().Add(-time.Hour)
				r.store.states[testKey] = registry.State{Account: "ACCOUNT", Cursor: "c10x", LastEvent: newest, Updated: time.Now()}
				r.setAlways(r.rejectCursors(c.fromAPI, "c10x"))
				r.start()
				pass(c.wait - time.Minute)
				require.Equal(t, "c10x", r.store.get().Cursor)
				require.NotContains(t, strings.Join(r.api.asked(), " "), "since")
				require.Less(t, len(r.api.asked()), 90)
				release := r.out.block()
				pass(3 * time.Minute)
				want := time.Hour + c.since
				require.Contains(t, r.healthText(), "starts again at "+newest.Add(-c.since).UTC().Format(time.RFC3339))
				require.Contains(t, r.healthText(), "state reset")
				require.Equal(t, "c10x", r.store.get().Cursor, "no page is delivered yet")
				release()
				pass(time.Minute)
				require.Equal(t, "Running", last(r.states()))
				r.stop()
				require.Equal(t, cursorAt(20), r.store.get().Cursor)
				asked := strings.Join(r.api.asked(), " ")
				require.Contains(t, asked, "since "+(want + c.wait).Truncate(time.Hour).String()[:3])
			})
		})
	}
}

// A server that rejects the request without the cursor, too, has another problem: the cursor stays.
func TestRejectedCursorStaysIfTheServerRejectsEverything(t *testing.T) {
	for name, always := range map[string]func(eventsapi.Query) (*eventsapi.Page, error){
		"400": answerError(eventsapi.BadRequest),
		"a malformed page for the probe": func(q eventsapi.Query) (*eventsapi.Page, error) {
			if q.Cursor == "" {
				return answerError(eventsapi.Malformed)(q)
			}
			return answerError(eventsapi.BadRequest)(q)
		},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, 20, func(t *testing.T, r *rig) {
				r.store.states[testKey] = registry.State{Account: "ACCOUNT", Cursor: "c10", LastEvent: time.Now(), Updated: time.Now()}
				for i := range 10 {
					r.out.allow(eventID(i))
				}
				r.setAlways(always)
				r.start()
				pass(5 * time.Hour)
				require.Contains(t, r.healthText(), "a request without it failed, too")
				require.Equal(t, "c10", r.store.get().Cursor)
				require.Less(t, len(r.api.asked()), 5*60*3)
				r.setAlways(nil)
				pass(2 * time.Minute)
				r.stop()
				require.Equal(t, cursorAt(20), r.store.get().Cursor)
			})
		})
	}
}

// The machine's clock is wrong at the first start: the request starts by the earlier clock, so that it reaches back
// initial_interval at least. The stored start is not in the server's future.
func TestStartRespectsTheServersClock(t *testing.T) {
	for _, skew := range []time.Duration{48 * time.Hour, -48 * time.Hour, 0} {
		t.Run(skew.String(), func(t *testing.T) {
			run(t, 5, func(t *testing.T, r *rig) {
				r.clock = func() time.Time { return time.Now().Add(skew) }
				r.api.serverTime = time.Now
				r.start()
				pass(time.Minute)
				r.stop()
				want := r.settings.InitialInterval - min(0, skew)
				require.Equal(t, "since "+want.String(), r.api.asked()[0])
				require.Equal(t, skew.Abs() > time.Minute, strings.Contains(r.healthText(), "this machine's clock is 48h0m0s"))
				require.LessOrEqual(t, r.metrics.histograms[mLag].sample.Max(), (2 * time.Minute).Milliseconds(), "the lag is by the server's clock")
				r.requireAll()
			})
		})
	}
}

// A proxy or a server says that it is a year later, once: no event is skipped, and the stored start stays.
func TestServersClockThatIsFarAheadSkipsNothing(t *testing.T) {
	run(t, 5, func(t *testing.T, r *rig) {
		r.api.serverTime = func() time.Time { return time.Now().Add(365 * 24 * time.Hour) }
		r.api.always = answerError(eventsapi.Server)
		r.start()
		pass(10 * time.Second)
		require.Equal(t, "since "+r.settings.InitialInterval.String(), r.api.asked()[0])
		require.False(t, r.store.get().StartTime.After(time.Now()))
		r.setAlways(nil)
		pass(time.Minute)
		r.stop()
		r.requireAll()
	})
}

// A start that was stored by a clock that was ahead is put right when it is loaded; one that is older than what the
// API keeps, at each request.
func TestStartIsClampedToWhatTheServerHas(t *testing.T) {
	for name, c := range map[string]struct{ start, since time.Duration }{
		"in the server's future":      {48 * time.Hour, 24 * time.Hour},
		"older than what the API has": {-200 * 24 * time.Hour, retention - retentionSlack},
		"neither":                     {-time.Hour, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, 5, func(t *testing.T, r *rig) {
				r.api.serverTime = time.Now
				r.store.states[testKey] = registry.State{StartTime: time.Now().Add(c.start), Updated: time.Now()}
				r.api.always = answerError(eventsapi.Auth)
				r.start()
				pass(10 * time.Second)
				require.Equal(t, "since "+c.since.String(), r.api.asked()[0])
				pass(7 * 24 * time.Hour)
				asked, err := time.ParseDuration(strings.TrimPrefix(last(r.api.asked()), "since "))
				require.NoError(t, err)
				require.LessOrEqual(t, asked, retention-retentionSlack)
				r.stop()
				require.False(t, r.store.get().StartTime.After(time.Now()))
			})
		})
	}
}

// The API asks one event type for a pause: the others, which wait with it, say so.
func TestInvariant6_PauseOfTheTokenIsInTheHealthOfAllTypes(t *testing.T) {
	run(t, 5, func(t *testing.T, r *rig) {
		r.start()
		pass(time.Second)
		r.limiter.pauseUntil(time.Now().Add(time.Hour))
		pass(2*checkInterval + r.settings.Interval)
		require.Equal(t, "Degraded", last(r.states()))
		require.Contains(t, r.healthText(), "until 2000-01-01T01:00:01Z")
		pass(time.Hour)
		require.Equal(t, "Running", last(r.states()))
		r.stop()
	})
}

// Error texts that differ each time do not fill the log, and are reported all the same.
func TestLogOfChangingErrorsIsLimited(t *testing.T) {
	run(t, 5, func(t *testing.T, r *rig) {
		log, observed := logptest.NewTestingLoggerWithObserver(t, "")
		r.log = log
		n := 0
		r.api.always = func(eventsapi.Query) (*eventsapi.Page, error) {
			n++
			return nil, &eventsapi.Error{Class: eventsapi.Network, Message: fmt.Sprintf("text %d", n)}
		}
		r.start()
		pass(10 * time.Minute)
		require.Contains(t, r.healthText(), fmt.Sprintf("text %d", n))
		r.stop()
		require.Greater(t, n, 40)
		require.Less(t, observed.FilterMessageSnippet("Degraded").Len(), 5+12)
	})
}

// A failure store takes what the data stream rejects: it is delivered, and no way to be healthy.
func TestEventsInAFailureStoreAreReported(t *testing.T) {
	for _, accept := range []bool{false, true} {
		run(t, 5, func(t *testing.T, r *rig) {
			r.settings.AcceptFailureStore = accept
			r.out.stored = true
			r.start()
			pass(time.Minute)
			require.Equal(t, cursorAt(5), r.store.get().Cursor)
			require.Equal(t, map[bool]string{false: "Degraded", true: "Running"}[accept], last(r.states()))
			r.out.mu.Lock()
			r.out.stored = false
			r.out.mu.Unlock()
			r.api.grow(1)
			pass(time.Minute)
			require.Equal(t, "Running", last(r.states()))
			r.stop()
		})
	}
}

func TestUnmovedCursorWithMoreToComeIsCountedAndLoggedOnce(t *testing.T) {
	run(t, 10, func(t *testing.T, r *rig) {
		log, observed := logptest.NewTestingLoggerWithObserver(t, "")
		r.store.states[testKey] = registry.State{Account: "ACCOUNT", Cursor: "c0", Updated: time.Now()}
		r.api.always = answerPage(eventsapi.Page{Cursor: "c0", HasMore: true})
		r.log = log
		r.start()
		pass(5 * time.Minute)
		r.stop()
		require.Greater(t, r.metrics.counters[mStuck].Get(), uint64(50))
		require.Len(t, observed.FilterMessageSnippet("its cursor does not move").All(), 1)
	})
}

func TestStateNamesThePageSizeOfItsCursor(t *testing.T) {
	run(t, 5, func(t *testing.T, r *rig) {
		r.settings.Limit = 1000
		r.api.always = answerError(eventsapi.Auth)
		r.start()
		pass(time.Minute)
		r.stop()
		r.api.always = nil
		r.settings.Limit = 10
		r.start()
		pass(time.Minute)
		r.stop()
		require.Equal(t, 10, r.store.get().Limit)
	})
}

func TestUnconfirmedPageThatVanishedIsLeft(t *testing.T) {
	run(t, 10, func(t *testing.T, r *rig) {
		r.out.set(func(string) outcome { return deny })
		r.start()
		pass(10 * time.Second)
		r.api.mu.Lock()
		r.api.script = append(r.api.script, answerPage(eventsapi.Page{Cursor: "c0x", HasMore: true}), answerPage(eventsapi.Page{Cursor: "c0x"}))
		r.api.mu.Unlock()
		pass(time.Minute)
		require.Contains(t, r.store.committed(), "c0x")
		require.Less(t, len(r.api.asked()), 60)
		r.stop()
	})
}

func TestBackoffIsExponentialCappedAndJittered(t *testing.T) {
	run(t, 5, func(t *testing.T, r *rig) {
		r.api.always = answerError(eventsapi.Server)
		r.start()
		pass(20 * time.Minute)
		r.stop()
		var previous time.Duration
		for i := 1; i < len(r.api.times); i++ {
			d := r.api.times[i].Sub(r.api.times[i-1])
			require.LessOrEqual(t, d, time.Minute)
			require.GreaterOrEqual(t, d, 300*time.Millisecond)
			if i > 1 && previous < 30*time.Second {
				require.Greater(t, d, previous/2)
			}
			previous = d
		}
		require.InDelta(t, 28, len(r.api.times), 6, "20 minutes of failures make few requests")
	})
}

// TestTokenThatWasReplacedIsTriedAtOnce by each of two harvesters that share the
// account; one that is rejected too, or a missing one, is not tried again at once.
func TestTokenThatWasReplacedIsTriedAtOnce(t *testing.T) {
	run(t, 5, func(t *testing.T, r *rig) {
		both := []*rig{r, newRig(t, 5)}
		both[1].api = r.api
		rotate := func(serial uint64, answer func(eventsapi.Query) (*eventsapi.Page, error)) {
			r.api.mu.Lock()
			defer r.api.mu.Unlock()
			r.api.token, r.api.always = serial, answer
		}
		r.api.always = answerError(eventsapi.Auth)
		for _, each := range both {
			each.start()
		}
		pass(5 * time.Minute)
		for _, serial := range []uint64{0, 2} {
			before := len(r.api.asked())
			rotate(serial, r.api.always)
			pass(10 * tokenPoll)
			require.LessOrEqual(t, len(r.api.asked())-before, 2+2, "serial %d", serial)
		}
		rotate(3, nil)
		pass(2 * tokenPoll)
		for _, each := range both {
			require.Equal(t, "Running", last(each.states()))
			each.stop()
			each.requireAll()
		}
	})
}

func TestDiskThatCanNotBeWrittenCostsNoEvent(t *testing.T) {
	run(t, 20, func(t *testing.T, r *rig) {
		r.start()
		pass(time.Second)
		r.store.setFail(errors.New("no space left on device"))
		r.api.grow(30)
		pass(time.Minute)
		require.Equal(t, "Degraded", last(r.states()))
		require.Contains(t, r.healthText(), "no space left on device")
		require.Equal(t, cursorAt(20), r.store.get().Cursor)
		require.Equal(t, 1, r.out.times(eventID(49)), "collection goes on")
		r.store.setFail(nil)
		pass(10 * time.Second)
		require.Equal(t, "Running", last(r.states()))
		r.stop()
		r.requireAll()
	})
}

func TestStuckOutputIsReportedAndHeals(t *testing.T) {
	run(t, 20, func(t *testing.T, r *rig) {
		release := r.out.block()
		r.start()
		pass(3 * time.Minute)
		require.Contains(t, r.healthText(), "has not confirmed any events")
		release()
		pass(10 * time.Second)
		require.Equal(t, "Running", last(r.states()))
		r.stop()
		r.requireAll()
	})
}

func TestOutputThatRejectsWholeRequestsIsReportedSoon(t *testing.T) {
	run(t, 20, func(t *testing.T, r *rig) {
		release := r.out.block()
		r.out.mu.Lock()
		r.out.blocked = "403 security_exception: action [indices:data/write/bulk] is unauthorized"
		r.out.mu.Unlock()
		r.start()
		pass(2 * checkInterval)
		require.Contains(t, r.healthText(), "indices:data/write/bulk")
		require.Equal(t, "Degraded", last(r.states()))
		r.out.mu.Lock()
		r.out.blocked = ""
		r.out.mu.Unlock()
		release()
		pass(10 * time.Second)
		require.Equal(t, "Running", last(r.states()))
		r.stop()
		r.requireAll()
	})
}

func TestIdleStateIsStoredAgain(t *testing.T) {
	run(t, 5, func(t *testing.T, r *rig) {
		r.start()
		pass(10 * time.Hour)
		age := time.Since(r.store.get().Updated)
		r.stop()
		require.LessOrEqual(t, age, touchInterval+r.settings.Interval)
		require.Less(t, len(r.store.committed()), 15)
	})
}

// The wall clock may jump: positions, waits and shutdown do not depend on it.
func TestClockJumpsCostNothing(t *testing.T) {
	for _, jump := range []time.Duration{-48 * time.Hour, 48 * time.Hour, 365 * 24 * time.Hour} {
		t.Run(jump.String(), func(t *testing.T) {
			run(t, 20, func(t *testing.T, r *rig) {
				r.start()
				pass(time.Second)
				r.stop()
				r.clock = func() time.Time { return time.Now().Add(jump) }
				r.start()
				r.api.grow(30)
				pass(30 * time.Second)
				r.stop()
				r.requireAll()
			})
		})
	}
}

func TestEventFromTheFutureDoesNotMoveTheRestartPoint(t *testing.T) {
	run(t, 1, func(t *testing.T, r *rig) {
		r.api.item = func(i int) string { return `{"uuid":"` + eventID(i) + `","timestamp":"2099-01-01T00:00:00Z"}` }
		r.start()
		pass(time.Second)
		r.stop()
		require.False(t, r.store.get().LastEvent.After(time.Now()))
	})
}

func TestOutageLongerThanTheAPIKeepsEventsIsLoggedOnce(t *testing.T) {
	run(t, 5, func(t *testing.T, r *rig) {
		log, observed := logptest.NewTestingLoggerWithObserver(t, "")
		r.store.states[testKey] = registry.State{Account: "ACCOUNT", Cursor: cursorAt(5), Updated: time.Now().Add(-130 * 24 * time.Hour)}
		h := New(Options{
			Key: testKey, Module: testModule(), Settings: r.settings, Fetcher: r.api, Limiter: r.limiter, Store: r.store,
			Guard: r.guard, Metrics: testMetrics(t), Report: r.report, Log: log, Now: time.Now,
		})
		require.NoError(t, h.load(t.Context()))
		h.lastOK = h.stored.Updated
		h.answered()
		h.answered()
		require.Len(t, observed.FilterMessageSnippet("the events in between are gone").All(), 1)
	})
}

func TestSettingsWithoutEffectAreLogged(t *testing.T) {
	run(t, 5, func(t *testing.T, r *rig) {
		log, observed := logptest.NewTestingLoggerWithObserver(t, "")
		r.store.states[testKey] = registry.State{Account: "ACCOUNT", Cursor: cursorAt(5), Limit: 500, InitialInterval: time.Hour, Updated: time.Now()}
		h := New(Options{Key: testKey, Module: testModule(), Settings: r.settings, Store: r.store, Fetcher: r.api, Report: r.report, Log: log, Now: time.Now})
		require.NoError(t, h.load(t.Context()))
		require.Len(t, observed.FilterMessageSnippet("limit has no effect").All(), 1)
		require.Len(t, observed.FilterMessageSnippet("initial_interval has no effect").All(), 1)
		require.Len(t, observed.FilterMessageSnippet("state reset --input acme --event-type audit_events").All(), 2)
	})
}

func TestEventFields(t *testing.T) {
	run(t, 1, func(t *testing.T, r *rig) {
		r.settings.PreserveOriginalEvent = true
		r.settings.Namespace = "prod"
		h := New(Options{Module: testModule(), Settings: r.settings, Metrics: testMetrics(t), Report: r.report, Log: testLog(t)})
		raw := []byte(`{"uuid":"U","timestamp":"2026-01-02T03:04:05Z"}`)
		received := time.Now()
		ev, err := h.mapper.event(raw, received)
		require.NoError(t, err)
		flat := ev.Fields.Flatten()
		assert.Equal(t, "U", ev.Meta["_id"])
		assert.Equal(t, "logs-1password.audit_events-prod", ev.Meta["raw_index"])
		assert.Equal(t, "1password.audit_events", flat["data_stream.dataset"])
		assert.Equal(t, "logs", flat["data_stream.type"])
		assert.Equal(t, "prod", flat["data_stream.namespace"])
		assert.Equal(t, string(raw), flat["event.original"])
		assert.Equal(t, common.Time(received.UTC()), flat["event.created"])
		assert.Equal(t, []string{"forwarded", "preserve_original_event"}, flat["tags"])
	})
}
