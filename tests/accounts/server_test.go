// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// An Events API with an account per token, in which nothing happens.

package accounts

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// poll is one account's event type.
type poll struct{ account, path string }

// quiet answers every page empty and counts when it was asked.
type quiet struct {
	*httptest.Server

	mu     sync.Mutex
	last   map[poll]time.Time
	late   int           // polls that came later than interval plus lateness
	most   time.Duration // between two polls of an event type
	perSec map[int64]int // requests for events by second
	watch  bool
	hangs  bool // no page is answered
}

const (
	interval = 5 * time.Second // the default
	lateness = 2 * time.Second
)

func startQuiet(tb testing.TB) *quiet {
	s := &quiet{last: map[poll]time.Time{}, perSec: map[int64]int{}}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	tb.Cleanup(s.Close)
	return s
}

func (s *quiet) serve(w http.ResponseWriter, r *http.Request) {
	account := accountOf(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	w.Header().Set("Content-Type", "application/json")
	if strings.HasSuffix(r.URL.Path, "/introspect") {
		_, _ = fmt.Fprintf(w, `{"uuid":"TOKEN","issued_at":"2026-01-01T00:00:00Z","features":["auditevents","itemusages","signinattempts"],"account_uuid":%q}`, account)
		return
	}
	if s.note(poll{account, r.URL.Path}) {
		_, _ = io.Copy(io.Discard, r.Body) // only then the server notices that the client left
		<-r.Context().Done()
		return
	}
	_, _ = fmt.Fprintf(w, `{"cursor":"cursor-of-%s-%d","has_more":false,"items":[]}`, account, len(r.URL.Path))
}

// note counts a request. It returns whether its page is to hang.
func (s *quiet) note(p poll) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.perSec[now.Unix()]++
	if before, ok := s.last[p]; ok && s.watch {
		s.most = max(s.most, now.Sub(before))
		if now.Sub(before) > interval+lateness {
			s.late++
		}
	}
	s.last[p] = now
	return s.hangs
}

// hang answers no further page, or answers them again.
func (s *quiet) hang(is bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hangs = is
	clear(s.last)
}

// polled is how many event types have been asked for.
func (s *quiet) polled() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.last)
}

// observe begins to look at the time between polls.
func (s *quiet) observe() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watch, s.late, s.most = true, 0, 0
	clear(s.perSec)
}

// observed returns the polls that came late, the longest time between two, and the
// busiest second's requests.
func (s *quiet) observed() (late int, most time.Duration, busiest int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for p, at := range s.last {
		if since := time.Since(at); since > interval+lateness {
			s.late++
			s.most = max(s.most, since)
			s.last[p] = time.Now()
		}
	}
	for _, n := range s.perSec {
		busiest = max(busiest, n)
	}
	return s.late, s.most, busiest
}

// token names an account, as a token of the Events API does.
func token(account string) string {
	claims := fmt.Sprintf(`{"1password.com/auuid":%q,"1password.com/fts":["auditevents","itemusages","signinattempts"],"aud":["events.1password.com"],"sub":"SUBJECT","iat":1767225600}`, account)
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"ES256","typ":"JWT"}`)) + "." + encode([]byte(claims)) + "." + encode([]byte("not a signature, for tests"))
}

func accountOf(token string) string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return ""
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	var claims struct {
		Account string `json:"1password.com/auuid"`
	}
	_ = json.Unmarshal(raw, &claims)
	return claims.Account
}
