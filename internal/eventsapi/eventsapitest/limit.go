// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Rate limits: fixed windows per token, a clock minute and a clock hour.

package eventsapitest

import (
	"net/http"
	"strconv"
	"sync"
	"time"
)

type limiter struct {
	mu      sync.Mutex
	windows map[string]map[time.Duration]*window // by token id and length
}

type window struct {
	start time.Time
	used  int
}

// take counts a request. If a window is used up, it returns how long that lasts.
func (l *limiter) take(token string, now time.Time, limits map[time.Duration]int) (time.Duration, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.windows == nil {
		l.windows = make(map[string]map[time.Duration]*window)
	}
	if l.windows[token] == nil {
		l.windows[token] = make(map[time.Duration]*window)
	}
	var wait time.Duration
	for length, limit := range limits {
		if limit <= 0 {
			continue
		}
		w := l.windows[token][length]
		if start := now.Truncate(length); w == nil || !w.start.Equal(start) {
			w = &window{start: start}
			l.windows[token][length] = w
		}
		w.used++
		if w.used > limit {
			wait = max(wait, w.start.Add(length).Sub(now))
		}
	}
	return wait, wait == 0
}

func (c Config) limits() map[time.Duration]int {
	return map[time.Duration]int{time.Minute: c.PerMinute, time.Hour: c.PerHour}
}

// setRetryAfter announces when to come back; seconds are rounded up.
func setRetryAfter(h http.Header, form RetryAfterForm, now time.Time, wait time.Duration) {
	seconds := (wait + time.Second - 1) / time.Second
	switch form {
	case RetryAfterSeconds:
		h.Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
	case RetryAfterDate:
		// A date has whole seconds: round up, or the client comes too early.
		at := now.Add(wait + time.Second - 1).Truncate(time.Second)
		h.Set("Retry-After", at.UTC().Format(http.TimeFormat))
	case RetryAfterAbsent:
	}
}
