// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Classes, messages, waits: what an error says and what it does not.

package eventsapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

func TestClasses(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range Classes() {
		assert.Regexp(t, `^[a-z_]+$`, c.String())
		assert.False(t, seen[c.String()], "%s is there twice", c)
		seen[c.String()] = true
	}
	assert.Len(t, seen, classesCount-1)
	assert.Equal(t, "none", None.String())
	assert.Equal(t, "class_-1", Class(-1).String())
	assert.Equal(t, "class_99", Class(99).String())
	assert.Equal(t, "x", (&Error{Class: 99, Message: "x"}).Error())
}

// TestEveryErrorHasAdvice: what an operator can do.
func TestEveryErrorHasAdvice(t *testing.T) {
	for _, class := range Classes() {
		assert.NotEmpty(t, (&Error{Class: class}).Advice(), "%s", class)
	}
	assert.Contains(t, (&Error{Class: Auth}).Advice(), "https://events.1password.eu")
}

func TestClassOf(t *testing.T) {
	assert.Equal(t, None, ClassOf(nil))
	assert.Equal(t, Auth, ClassOf(fmt.Errorf("harvester: %w", &Error{Class: Auth})))
	assert.Equal(t, Canceled, ClassOf(context.Canceled))
	assert.Equal(t, Unexpected, ClassOf(errors.New("other")))
}

func TestBodyMessage(t *testing.T) {
	long := strings.Repeat("ä", 300)
	tests := map[string]struct{ body, want string }{
		"live":             {`{"Error":{"Message":"Bad Request"}}`, "Bad Request"},
		"reference":        {`{"status":401,"message":"Unauthorized access"}`, "Unauthorized access"},
		"text":             {"404 page not found\n", "404 page not found"},
		"nothing":          {"", ""},
		"other JSON":       {`{"code":7}`, `{"code":7}`},
		"message a number": {`{"message":7}`, `{"message":7}`},
		"lines":            {"one\r\ntwo\tthree\x00\u202efour", "one two three four"},
		"long":             {long, strings.Repeat("ä", 254) + "…"},
		"invalid UTF-8":    {"a\xffb", "a\uFFFDb"},
		"token":            {"t=" + testToken, "t=[redacted]"},
		"part of it":       {"t=" + testToken[:60] + " s=" + strings.Split(testToken, ".")[2], "t=[redacted] s=[redacted]"},
		"password":         {"via http://user:hunter2@proxy.example.net/", "via http://[redacted]@proxy.example.net/"},
		"HTML title":       {"<!DOCTYPE html><html><TITLE>\nAccess &amp; denied</TITLE><body>x", "an HTML page, from a proxy? Access & denied"},
		"HTML text":        {"<html><style>a{}</style><script>var x</script><h1>Blocked</h1> by policy", "an HTML page, from a proxy? Blocked by policy"},
		"HTML bare":        {"<html></html>", "an HTML page, from a proxy?"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, html := bodyMessage([]byte(test.body), testToken)
			assert.Equal(t, test.want, got)
			assert.Equal(t, strings.HasPrefix(name, "HTML"), html)
		})
	}
}

func FuzzBodyMessage(f *testing.F) {
	for _, seed := range []string{`{"Error":{"Message":"Bad Request"}}`, `{"message":"` + testToken + `"}`, "<title>" + testToken, "<a href=x>" + testToken[:50] + "\n" + testToken[50:], "//a@b@c"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, _ := bodyMessage(body, testToken)
		if strings.Contains(got, testToken) || len(got) > maxMessageBytes || !utf8.ValidString(got) {
			t.Fatalf("%q", got)
		}
		if strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Fatalf("not one printable line: %q", got)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	at := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	tests := map[string]struct {
		status int
		header http.Header
		want   time.Duration
		ok     bool
	}{
		"absent":              {429, http.Header{}, 0, false},
		"seconds":             {429, http.Header{"Retry-After": {" 17 "}}, 17 * time.Second, true},
		"fraction":            {429, http.Header{"Retry-After": {"1.2"}}, 2 * time.Second, true},
		"zero":                {503, http.Header{"Retry-After": {"0"}}, 0, true},
		"negative":            {429, http.Header{"Retry-After": {"-5"}}, 0, false},
		"an hour":             {429, http.Header{"Retry-After": {"3600"}}, time.Hour, true},
		"absurd":              {429, http.Header{"Retry-After": {"999999999"}}, time.Hour, true},
		"more absurd":         {429, http.Header{"Retry-After": {strings.Repeat("9", 400)}}, time.Hour, true},
		"words":               {429, http.Header{"Retry-After": {"soon"}}, 0, false},
		"infinity":            {429, http.Header{"Retry-After": {"inf"}}, 0, false},
		"points":              {429, http.Header{"Retry-After": {"1.2.3"}}, 0, false},
		"date":                {429, http.Header{"Retry-After": {at(30 * time.Second)}}, 30 * time.Second, true},
		"date past":           {429, http.Header{"Retry-After": {at(-time.Hour)}}, 0, true},
		"date far":            {429, http.Header{"Retry-After": {at(1000 * time.Hour)}}, time.Hour, true},
		"date, server's time": {429, http.Header{"Retry-After": {at(30 * time.Second)}, "Date": {at(20 * time.Second)}}, 10 * time.Second, true},
		"second one":          {429, http.Header{"Retry-After": {"soon", "9"}}, 9 * time.Second, true},
		"reset":               {429, http.Header{"Ratelimit-Reset": {"42"}}, 42 * time.Second, true},
		"reset, Unix time":    {429, http.Header{"Ratelimit-Reset": {fmt.Sprint(now.Unix() + 42)}}, 42 * time.Second, true},
		"reset, other status": {503, http.Header{"Ratelimit-Reset": {"42"}}, 0, false},
		"both":                {429, http.Header{"Ratelimit-Reset": {"42"}, "Retry-After": {"7"}}, 7 * time.Second, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, ok := retryAfter(test.header, test.status, now)
			assert.Equal(t, test.want, got)
			assert.Equal(t, test.ok, ok)
		})
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"0", "17", "-1", "1e9", "Fri, 02 Jan 2026 03:04:05 GMT", "9999999999999999999999", ".", "NaN"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, value, date string) {
		for _, name := range []string{"Retry-After", "RateLimit-Reset"} {
			h := http.Header{}
			h.Set(name, value)
			h.Set("Date", date)
			if d, ok := retryAfter(h, 429, time.Now()); d < 0 || d > time.Hour || !ok && d != 0 {
				t.Fatalf("%s: %v %v", name, d, ok)
			}
		}
	})
}
