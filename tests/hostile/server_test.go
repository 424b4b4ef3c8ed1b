// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Servers with another clock, that reject cursors, or that ask for silence.

package hostile

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/tests/beattest"
	"onepasswordbeat/tests/bulktest"
)

// between is a server in front of the simulator that changes what passes.
type between struct {
	*httptest.Server
	skew   time.Duration                                                 // of the Date of each response
	answer func(w http.ResponseWriter, path string, q query) (done bool) // answers in the simulator's place

	mu      sync.Mutex
	queries []query
}

// query is the body of a request.
type query struct {
	Cursor    string    `json:"cursor"`
	StartTime time.Time `json:"start_time"`
	path      string
}

func newBetween(t *testing.T, target string) *between {
	t.Helper()
	to, err := url.Parse(target)
	require.NoError(t, err)
	b := &between{}
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.ModifyResponse = func(r *http.Response) error {
		r.Header.Set("Date", time.Now().Add(b.skew).UTC().Format(http.TimeFormat))
		return nil
	}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(raw))
		q := query{path: r.URL.Path}
		if r.Method == http.MethodPost {
			_ = json.Unmarshal(raw, &q)
			b.mu.Lock()
			b.queries = append(b.queries, q)
			b.mu.Unlock()
		}
		if b.answer != nil && b.answer(w, r.URL.Path, q) {
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(b.Close)
	return b
}

func (b *between) asked() []query {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]query(nil), b.queries...)
}

// The machine's clock is two days ahead at the first start: collection starts by the server's clock.
func TestClockThatIsAheadAtTheFirstStart(t *testing.T) {
	t.Parallel()
	srv := beattest.Backlog(t, 0)
	es := bulktest.Start(t)
	b := newBetween(t, srv.URL)
	b.skew = -48 * time.Hour
	home := toBulk(t, b.URL, srv.Token(), es, beattest.M{"initial_interval": "24h"})
	beat := home.Start()
	beat.WaitLog("Degraded: this machine's clock is 48h0m0s ahead of the server's", soonest)
	beat.Terminate(10 * time.Second)
	require.NotEmpty(t, b.asked())
	for _, q := range b.asked() {
		if q.Cursor == "" {
			assert.WithinDuration(t, time.Now().Add(-72*time.Hour), q.StartTime, 2*time.Minute)
		}
	}
}

// 400s for a moment, with bodies of every kind, do not cost the cursor.
func TestCursorThatIsRejectedForAMomentIsKept(t *testing.T) {
	t.Parallel()
	srv := beattest.Backlog(t, 50)
	es := bulktest.Start(t)
	b := newBetween(t, srv.URL)
	bodies := []string{"", "bad request", `{"error":"upstream"}`, `{"Error":{"Message":"Bad Request"}}`, `[]`, "null"}
	var mu sync.Mutex
	left := map[string]int{}
	b.answer = func(w http.ResponseWriter, path string, q query) bool {
		mu.Lock()
		defer mu.Unlock()
		if q.Cursor == "" || left[path] >= len(bodies) {
			return false
		}
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, bodies[left[path]])
		left[path]++
		return true
	}
	home := toBulk(t, b.URL, srv.Token(), es)
	beat := home.Start()
	beat.Until(longer, "the cursors are accepted again", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(left) == 3 && left["/api/v2/auditevents"] == len(bodies) && beat.Log.Count("Running") >= 6
	})
	beat.Terminate(10 * time.Second)
	starts := 0
	for _, q := range b.asked() {
		if q.Cursor == "" {
			starts++
		}
	}
	assert.Equal(t, 3, starts, "one request without a cursor per event type: the first")
	assert.Positive(t, beat.Log.Count("Degraded: the API rejects the cursor"))
	assert.Zero(t, es.Stats().Conflicts, "nothing was sent again")
}

// Retry-After for one event type: every type of the token waits, and says so.
func TestPauseOfOneTypeIsInTheHealthOfAll(t *testing.T) {
	t.Parallel()
	srv := beattest.Backlog(t, 5)
	es := bulktest.Start(t)
	b := newBetween(t, srv.URL)
	var mu sync.Mutex
	n := 0
	b.answer = func(w http.ResponseWriter, path string, _ query) bool {
		mu.Lock()
		defer mu.Unlock()
		if !strings.HasSuffix(path, "auditevents") {
			return false
		}
		if n++; n < 3 {
			return false
		}
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	}
	home := toBulk(t, b.URL, srv.Token(), es)
	beat := home.Start()
	beat.Until(longer, "every event type is Degraded with the reason", func() bool {
		types := map[any]bool{}
		for _, line := range beat.Log.Lines() {
			if strings.HasPrefix(line.Message, "Degraded: ") && (strings.Contains(line.Message, "until 2") || strings.Contains(line.Message, "retry after 1h0m0s")) {
				types[line.Fields["event_type"]] = true
			}
		}
		return len(types) == 3
	})
	code, took := beat.Terminate(10 * time.Second)
	assert.Zero(t, code)
	assert.Less(t, took, 5*time.Second)
}

// `test api` warns of a clock that differs from the server's by more than a minute, in either direction.
func TestTestAPIWarnsOfAWrongClock(t *testing.T) {
	for name, test := range map[string]struct {
		skew time.Duration
		want string
	}{
		"ahead":  {-48 * time.Hour, `this machine's clock is (47h59m5\d|48h0m\d)\S* ahead of the server's: set it`},
		"behind": {3 * time.Minute, `this machine's clock is (2m5\d|3m\d)\S* behind the server's: set it`},
		"right":  {0, `✔ this machine's clock agrees with the server's`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, es := beattest.Backlog(t, 5), bulktest.Start(t)
			b := newBetween(t, srv.URL)
			b.skew = test.skew
			r := toBulk(t, b.URL, srv.Token(), es).Command("test", "api")
			assert.Zero(t, r.Code, "a warning is not a failure\n%s", r.All())
			assert.Regexp(t, test.want, r.Stdout)
		})
	}
}

// A token that was typed as the name of a setting is neither printed nor logged.
func TestTokenAsTheNameOfASettingIsNotShown(t *testing.T) {
	for name, key := range map[string]func(token string) string{
		"alone":        func(token string) string { return token },
		"with a name":  func(token string) string { return "token " + token },
		"no separator": func(token string) string { return "token=" + token },
		"lower case":   strings.ToLower,
		"a part":       func(token string) string { return token[:len(token)/2] },
		"nested":       func(token string) string { return "ssl." + token },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, es := beattest.Backlog(t, 5), bulktest.Start(t)
			token := srv.Token()
			typed := key(srv.Token())
			home := toBulk(t, srv.URL, token, es, beattest.M{typed: "x"})
			check := func(shown string) {
				t.Helper()
				for i := 10; i+12 <= len(typed); i++ {
					assert.NotContains(t, shown, typed[i:i+12])
				}
			}
			for _, command := range []string{"config", "api"} {
				check(home.Command("test", command).All())
			}
			beat := home.Start()
			line := beat.WaitLog("unknown settings", soonest)
			assert.Contains(t, line.Raw, "[redacted]")
			beat.Terminate(10 * time.Second)
			check(beat.Log.Text())
		})
	}
}
