// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What a server says of time: its clock, and how long it asks to wait.

package eventsapi

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// retryAfter returns the wait that an answer asks for. The first usable Retry-After counts; for a 429 without one, RateLimit-Reset, which
// the API's version 3 documents. A date is compared with the server's own clock, its Date header, if there is one.
func retryAfter(h http.Header, status int, now time.Time) (time.Duration, bool) {
	if date := serverTime(h); !date.IsZero() {
		now = date
	}
	for _, v := range h.Values("Retry-After") {
		if d, ok := parseRetryAfter(v, now); ok {
			return d, true
		}
	}
	if status != http.StatusTooManyRequests {
		return 0, false
	}
	return parseReset(h.Get("RateLimit-Reset"), now)
}

// parseRetryAfter reads seconds or an HTTP date. A date in the past is 0; a negative number is ignored.
func parseRetryAfter(v string, now time.Time) (time.Duration, bool) {
	v = strings.TrimSpace(v)
	if seconds, ok := parseSeconds(v); ok {
		return wait(seconds), true
	}
	if t, err := http.ParseTime(v); err == nil {
		return min(max(t.Sub(now), 0), MaxRetryAfter), true
	}
	return 0, false
}

// parseReset reads the seconds until the window ends or, as some gateways send it, the Unix time of its end.
func parseReset(v string, now time.Time) (time.Duration, bool) {
	const smallestUnixTime = 1e9 // the year 2001, or a wait of 31 years
	seconds, ok := parseSeconds(strings.TrimSpace(v))
	if ok && seconds >= smallestUnixTime {
		seconds = max(seconds-float64(now.Unix()), 0)
	}
	return wait(seconds), ok
}

// parseSeconds reads a plain decimal number, without a sign, an exponent or the names that strconv knows.
func parseSeconds(v string) (float64, bool) {
	if v == "" || strings.Trim(v, "0123456789.") != "" {
		return 0, false
	}
	seconds, err := strconv.ParseFloat(v, 64)
	return seconds, err == nil || math.IsInf(seconds, 1)
}

// wait rounds up to a whole second: to come too early costs another 429.
func wait(seconds float64) time.Duration {
	return time.Duration(math.Ceil(min(seconds, MaxRetryAfter.Seconds()))) * time.Second
}

// oldestDate is before the API existed: a Date before it comes from a machine without a clock.
var oldestDate = time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC)

// serverTime returns the server's clock; zero if there is no usable Date header.
func serverTime(h http.Header) time.Time {
	t, err := http.ParseTime(h.Get("Date"))
	if err != nil || t.Before(oldestDate) {
		return time.Time{}
	}
	return t
}
