// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The rate limit on a fake clock, and who shares it.

package account

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/elastic/elastic-agent-libs/transport/tlscommon"
	"github.com/elastic/go-concert/timed"

	"onepasswordbeat/internal/safetext"
)

// TestNoWindowHoldsMoreThanTheBudget: clients that want more than they may, and
// pauses in between; however a window lies, fixed or sliding, it holds no more.
func TestNoWindowHoldsMoreThanTheBudget(t *testing.T) {
	for _, budget := range []struct{ perMinute, perHour, clients int }{
		{600, 30_000, 3}, {600, 30_000, 30}, {600, 0, 3}, {0, 30_000, 3}, {1, 0, 3}, {0, 1, 2}, {2, 30, 5}, {7, 100, 9}, {100, 120, 12}, {10, 5, 3},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := NewLimiter(budget.perMinute, budget.perHour)
			ctx, cancel := context.WithTimeout(t.Context(), 150*time.Minute)
			defer cancel()
			var mu sync.Mutex
			var at []time.Time
			var group sync.WaitGroup
			for c := range budget.clients {
				random := rand.New(rand.NewPCG(1, uint64(c)))
				group.Go(func() {
					for {
						if _, err := l.Wait(ctx); err != nil {
							return
						}
						mu.Lock()
						at = append(at, time.Now())
						mu.Unlock()
						switch random.IntN(400) {
						case 0:
							l.Pause(time.Duration(random.IntN(120)) * time.Second)
						case 1: // idle: the bucket fills
							_ = timed.Wait(ctx, time.Duration(random.IntN(900))*time.Second)
						}
					}
				})
			}
			group.Wait()
			require.NotEmpty(t, at)
			checkWindows(t, at, budget.perMinute, time.Minute)
			checkWindows(t, at, budget.perHour, time.Hour)
		})
	}
}

// checkWindows looks at every window [t, t+length) that begins with a request;
// any other one lies within one of these.
func checkWindows(t *testing.T, at []time.Time, budget int, length time.Duration) {
	t.Helper()
	if budget == 0 {
		return
	}
	first := 0
	for i := range at {
		for at[i].Sub(at[first]) >= length {
			first++
		}
		require.LessOrEqual(t, i-first+1, budget, "requests within %s, until %s", length, at[i])
	}
}

// TestBudgetIsUsed: over the long run at least nine tenths of it.
func TestBudgetIsUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(600, 30_000)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		n := 0
		for {
			if _, err := l.Wait(ctx); err != nil {
				break
			}
			n++
		}
		assert.GreaterOrEqual(t, n, 27_000)
	})
}

// TestBacklogOfOneTypeDoesNotDelayTheOthers: one event type has a backlog without an end, and asks at once whenever it may. The
// others of the same token, each with one request at a time, wait a moment.
func TestBacklogOfOneTypeDoesNotDelayTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(600, 30_000)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Hour)
		defer cancel()
		var group sync.WaitGroup
		hungry := 0
		group.Go(func() {
			for {
				if _, err := l.Wait(ctx); err != nil {
					return
				}
				hungry++
				_ = timed.Wait(ctx, time.Millisecond)
			}
		})
		for range 2 {
			group.Go(func() {
				for timed.Wait(ctx, 5*time.Second) == nil {
					waited, err := l.Wait(ctx)
					if err == nil {
						assert.Less(t, waited, 2*time.Second)
					}
				}
			})
		}
		group.Wait()
		assert.Greater(t, hungry, 3*20_000, "the backlog gets what is left")
	})
}

// fixedWindows is a server that allows some requests per clock minute, as few as other programs leave of the budget.
type fixedWindows struct {
	mu       sync.Mutex
	limit, n int
	minute   time.Time
	rejected []time.Time
}

// ask makes a request. It returns how long to wait after a 429.
func (f *fixedWindows) ask() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if minute := now.Truncate(time.Minute); minute != f.minute {
		f.minute, f.n = minute, 0
	}
	if f.n++; f.n <= f.limit {
		return 0
	}
	f.rejected = append(f.rejected, now)
	return f.minute.Add(time.Minute).Sub(now)
}

// TestBacklogLeavesRoomAfter429: other programs use most of the token's budget. The backlog finds that out and slows
// down. After the first minutes the polls of the other types wait at most once in ten minutes, for the server's pause.
func TestBacklogLeavesRoomAfter429(t *testing.T) {
	for _, left := range []int{60, 100, 200, 400} {
		synctest.Test(t, func(t *testing.T) {
			l, server := NewLimiter(600, 30_000), &fixedWindows{limit: left}
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Hour)
			defer cancel()
			start := time.Now()
			client := func(pause func() time.Duration) (delays []time.Duration, times []time.Time) {
				for timed.Wait(ctx, pause()) == nil {
					due := time.Now()
					for {
						if _, err := l.Wait(ctx); err != nil {
							return delays, times
						}
						wait := server.ask()
						if wait == 0 {
							break
						}
						l.Pause(wait)
					}
					delays, times = append(delays, time.Since(due)), append(times, due)
				}
				return delays, times
			}
			var group sync.WaitGroup
			pages := 0
			group.Go(func() {
				all, _ := client(func() time.Duration { return max(l.Spacing(), 100*time.Millisecond) })
				pages = len(all)
			})
			for range 2 {
				group.Go(func() {
					delays, times := client(func() time.Duration { return 5 * time.Second })
					late := 0
					for i, delay := range delays {
						if times[i].Sub(start) > 5*time.Minute && delay > 10*time.Second {
							late++
						}
					}
					assert.LessOrEqual(t, late, 12, "polls that came late in two hours, with %d requests per minute left", left)
				})
			}
			group.Wait()
			assert.LessOrEqual(t, len(server.rejected), 3*18, "requests rejected in two hours")
			assert.Greater(t, pages, 2*60*min(40, (left-24)/4), "the backlog gets a fair part of what is left")
		})
	}
}

// TestShortPauseDoesNotSlowABacklogDown: a server that says 429 now and then, for a moment, has room for the others.
func TestShortPauseDoesNotSlowABacklogDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(600, 30_000)
		for range 20 {
			l.Pause(longPause - time.Millisecond)
			time.Sleep(longPause) //nolint:forbidigo // the fake clock of the bubble
			assert.Zero(t, l.Spacing())
		}
		l.Pause(longPause)
		time.Sleep(longPause + time.Millisecond) //nolint:forbidigo // the fake clock of the bubble
		assert.Equal(t, firstSpacing, l.Spacing())

		l.Pause(longPause / 2)
		l.Pause(longPause)
		assert.Equal(t, 2*firstSpacing, l.Spacing(), "a long pause counts also within a short one")
		l.Pause(longPause)
		assert.Equal(t, 2*firstSpacing, l.Spacing(), "requests that were under way count once")
	})
}

func TestZeroSwitchesOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(0, 0)
		for range 100_000 {
			waited, err := l.Wait(t.Context())
			require.NoError(t, err)
			require.Zero(t, waited)
		}
	})
}

func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(600, 0)
		start := time.Now()
		l.Pause(30 * time.Second)
		l.Pause(10 * time.Second) // never shortens
		waited, err := l.Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 30*time.Second, waited)
		assert.Equal(t, 30*time.Second, time.Since(start))

		l.Pause(time.Minute)
		go func() { // a second pause while the first is waited for
			_ = timed.Wait(t.Context(), 30*time.Second)
			l.Pause(time.Minute)
		}()
		waited, err = l.Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 90*time.Second, waited)
	})
}

func TestCancelledWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, l := range map[string]*Limiter{"budget": NewLimiter(1, 0), "hour": NewLimiter(0, 1), "pause": NewLimiter(0, 0)} {
			_, err := l.Wait(t.Context())
			require.NoError(t, err)
			if name == "pause" {
				l.Pause(time.Hour)
			}
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				_ = timed.Wait(t.Context(), 3*time.Second)
				cancel()
			}()
			waited, err := l.Wait(ctx)
			require.ErrorIs(t, err, context.Canceled, name)
			assert.Equal(t, 3*time.Second, waited, name)
			_, err = l.Wait(ctx)
			require.ErrorIs(t, err, context.Canceled, name)
		}
	})
}

func TestPoolShares(t *testing.T) {
	input := func(token, file string, perMinute int) Options {
		return Options{Token: safetext.Secret(token), TokenFile: file, URL: "https://events.example.com", RateLimit: RateLimit{PerMinute: perMinute}}
	}
	var pool Pool
	var leases []*Lease
	get := func(o Options) (*Account, *Limiter) {
		lease, err := pool.Get(o)
		require.NoError(t, err)
		leases = append(leases, lease)
		return lease.Account, lease.Limiter
	}
	account, limiter := get(input("a", "", 600))
	again, same := get(input("a", "", 60))
	assert.Same(t, limiter, same, "the first input decides")
	assert.Same(t, account, again)
	for name, change := range map[string]func(*Options){
		"url":         func(o *Options) { o.URL = "https://events.example.org" },
		"api version": func(o *Options) { o.APIVersion = "v1" },
		"timeout":     func(o *Options) { o.Transport.Timeout = time.Second },
		"tls":         func(o *Options) { o.Transport.TLS = &tlscommon.Config{CASha256: []string{"pin"}} },
	} {
		o := input("a", "", 600)
		change(&o)
		other, budget := get(o)
		assert.NotSame(t, account, other, name)
		assert.Same(t, limiter, budget, "%s: the limiter is the token's", name)
		second, _ := get(o)
		assert.Same(t, other, second, name)
	}
	_, b := get(input("b", "", 600))
	assert.NotSame(t, limiter, b)
	_, file := get(input("", "a", 600))
	assert.NotSame(t, limiter, file, "a file with the name of a token is not that token")
	leases[1].Close()
	leases[1].Close() // counts once
	still, _ := get(input("a", "", 600))
	assert.Same(t, account, still)
	for _, lease := range leases {
		lease.Close()
	}
	assert.Empty(t, pool.tokens, "nothing of a token is kept")
	fresh, budget := get(input("a", "", 600))
	assert.NotSame(t, account, fresh)
	assert.NotSame(t, limiter, budget)
}

// TestPauseOutlivesAReload: a changed input is stopped and started again. The server
// that asked for a pause knows nothing of that.
func TestPauseOutlivesAReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := Options{Token: "opaque-token", URL: "https://events.example.com"}
		var pool Pool
		lease, err := pool.Get(opts)
		require.NoError(t, err)
		lease.Limiter.Pause(time.Hour)
		lease.Close()
		lease, err = pool.Get(opts)
		require.NoError(t, err)
		assert.NotZero(t, lease.Limiter.Budget().PausedFor)
		lease.Close()
		time.Sleep(time.Hour) //nolint:forbidigo // the fake clock of the bubble
		other, err := pool.Get(Options{Token: "another-token", URL: "https://events.example.com"})
		require.NoError(t, err)
		other.Close()
		assert.Empty(t, pool.tokens, "a limiter whose pause is over is forgotten")
	})
}

// TestPoolKeepsNothingOfWrongOptions: what cannot be made leaves no trace.
func TestPoolKeepsNothingOfWrongOptions(t *testing.T) {
	var wrong Options
	wrong.Transport.TLS = &tlscommon.Config{CAs: []string{"/nowhere/ca.pem"}}
	var pool Pool
	_, err := pool.Get(wrong)
	require.ErrorContains(t, err, "the ssl settings cannot be used")
	assert.Empty(t, pool.tokens)
}

func TestPoolConcurrently(t *testing.T) {
	var pool Pool
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			for range 100 {
				lease, err := pool.Get(Options{})
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = lease.Limiter.Wait(t.Context())
				lease.Limiter.Pause(0)
				lease.Close()
			}
		})
	}
	group.Wait()
	assert.Empty(t, pool.tokens)
}

func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(600, 0)
		assert.Equal(t, Budget{Windows: []Window{{Burst: 60, RefillPerMinute: 540, Available: 60}}}, l.Budget())
		for range 10 {
			_, err := l.Wait(t.Context())
			require.NoError(t, err)
		}
		l.Pause(time.Minute)
		assert.Equal(t, Budget{Windows: []Window{{Burst: 60, RefillPerMinute: 540, Available: 50}}, PausedFor: time.Minute}, l.Budget())
	})
}
