// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What every case has in common: a backlog, live events, a beat, and the end
// condition.

package faults

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/tests/beattest"
	"onepasswordbeat/tests/bulktest"
)

// M is a part of a configuration.
type M = beattest.M

const (
	// live is how many events of each type arrive a second.
	live = 20
	// soon is for what happens within moments on an idle machine.
	soon = 30 * time.Second
	// stopMost is the most that a stop may take: shutdown_timeout (5 s) and some seconds.
	stopMost = 10 * time.Second
)

// scene is one run of a beat between an API and an endpoint.
type scene struct {
	size

	t      *testing.T
	random *rand.Rand
	srv    *eventsapitest.Server
	token  string
	es     *bulktest.Server
	home   *beattest.Home
	beat   *beattest.Beat // the process of the moment
	begin  time.Time      // of the first process
}

// newScene sets everything up; the beat does not run yet. settings replace those
// of the input.
func newScene(t *testing.T, settings M, chances ...eventsapitest.Chance) *scene {
	t.Helper()
	s := &scene{size: chosenSize(), t: t, random: seeded(t), es: bulktest.Start(t), home: beattest.NewHome(t)}
	s.srv = eventsapitest.StartTB(t, eventsapitest.Config{
		Seed:    s.random.Int64(),
		Backlog: eventsapitest.Each(s.backlog), Live: eventsapitest.Each[float64](live),
		Faults: chances,
	})
	s.token = s.srv.Token()
	input := beattest.Input(s.srv.URL, s.token, M{"limit": s.limit}, settings)
	s.home.Configure(beattest.Config{Inputs: []M{input}, Output: beattest.ElasticsearchOutput(s.es.URL)})
	return s
}

func (s *scene) start() {
	s.t.Helper()
	if s.begin.IsZero() {
		s.begin = time.Now()
	}
	s.beat = s.home.Start()
}

// somewhere waits for a random moment in the next part of the backlog, where parts
// is how many there are; after the backlog, for one in the next second.
func (s *scene) somewhere(parts int) {
	s.t.Helper()
	total, done := 3*s.backlog, s.es.Count("")
	goal := done + 1 + s.random.IntN(min(total/parts, max(total-done, 3*live)))
	s.beat.Until(s.patient, "a part of the backlog is indexed", func() bool { return s.es.Count("") >= goal })
}

// lasting lets the fault last as long as it should.
func (s *scene) lasting() {
	timer := time.NewTimer(s.outage)
	defer timer.Stop()
	<-timer.C
}

// waitIndexed waits until every event that the API shows now is indexed.
func (s *scene) waitIndexed(most time.Duration, types ...eventsapitest.EventType) {
	s.t.Helper()
	missing := beattest.Expected(s.srv.Account, types...)
	total := len(missing)
	s.beat.Until(most, "every event is indexed", func() bool {
		if s.es.Count("") < total {
			return false
		}
		for _, id := range s.es.IDs() {
			delete(missing, id)
		}
		return len(missing) == 0
	})
}

// finish starts the beat again where the fault ended it, waits for every event
// that happened until now, checks all that is indexed, and prints what was measured.
func (s *scene) finish() {
	s.t.Helper()
	healed := time.Now()
	if !s.beat.Running() {
		s.start()
	}
	s.waitIndexed(s.patient)
	recovered := time.Since(healed)
	took := time.Since(s.begin)
	code, _ := s.beat.Terminate(stopMost)
	assert.Zero(s.t, code)
	n := s.assertOnce()
	s.t.Logf("%s: %d events, %d repeats absorbed, %s to recover, %s in all, faulty answers: %v", s.t.Name(),
		n, s.es.Stats().Conflicts, recovered.Round(10*time.Millisecond), took.Round(10*time.Millisecond), s.srv.Stats().Faults)
}

// assertOnce checks that what is indexed are events of the API, each once and in
// its own data stream, and returns how many.
func (s *scene) assertOnce() int {
	s.t.Helper()
	want := beattest.Expected(s.srv.Account)
	seen := make(map[string]bool, len(want))
	for index, docs := range s.es.Docs() {
		for _, d := range docs {
			if typ, known := want[d.ID]; !known || seen[d.ID] || index != beattest.DataStream(typ) {
				assert.Fail(s.t, "a document that should not be there",
					"%s in %s: event of the API: %t, of type %q, indexed twice: %t", d.ID, index, known, typ, seen[d.ID])
			}
			seen[d.ID] = true
		}
	}
	assert.Zero(s.t, s.es.Stats().Overwrite, "documents are created, never overwritten")
	return len(seen)
}
