// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The table of faults.

package faults

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/tests/bulktest"
)

// scenario is a fault. It ends in the moment in which all is well again, but for
// the beat itself: one that was ended is started again.
type scenario struct {
	settings M                      // of the input, besides the usual ones
	chances  []eventsapitest.Chance // what requests meet from the start
	prepare  func(*scene)           // before the beat starts
	strike   func(*scene)           // while the beat runs
}

// share is how likely a request meets each fault by chance.
const share = 0.05

// The faulty answers of an API.
var (
	tooMany   = eventsapitest.HTTPStatus(429)
	broken    = eventsapitest.HTTPStatus(500)
	dropped   = eventsapitest.Fault{Kind: eventsapitest.Reset}
	cut       = eventsapitest.Fault{Kind: eventsapitest.Cut}
	malformed = eventsapitest.Fault{Kind: eventsapitest.Garbage}
	hanging   = eventsapitest.Fault{Kind: eventsapitest.Hang}
	stalled   = eventsapitest.Fault{Kind: eventsapitest.Stall}
)

func TestFaults(t *testing.T) {
	for name, c := range map[string]scenario{
		"kill -9":              {strike: inRounds(func(s *scene) { s.beat.Kill() })},
		"SIGTERM":              {strike: inRounds(terminate)},
		"output down":          {strike: forAWhile(func(s *scene, on bool) { s.es.Down(on) })},
		"output stuck":         {strike: forAWhile(outputFault(bulktest.Stuck()))},
		"output slow":          {strike: forAWhile(outputFault(bulktest.Slow(300 * time.Millisecond)))},
		"API down":             {strike: forAWhile(func(s *scene, on bool) { s.srv.Down(on) })},
		"429":                  byChance(tooMany),
		"500":                  byChance(broken),
		"reset":                byChance(dropped),
		"cut":                  byChance(cut),
		"malformed":            byChance(malformed),
		"all at once":          byChance(tooMany, broken, dropped, cut, malformed),
		"stalls":               stalls(),
		"feature lost":         {strike: loseFeature},
		"full registry":        fullRegistry(),
		"kill -9 in all of it": worst(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, c.settings, c.chances...)
			if c.prepare != nil {
				c.prepare(s)
			}
			s.start()
			c.strike(s)
			s.finish()
		})
	}
}

// inRounds ends the beat again and again, at random moments all over the backlog.
func inRounds(end func(*scene)) func(*scene) {
	return func(s *scene) {
		for round := range s.rounds {
			if round > 0 {
				s.start()
			}
			s.somewhere(s.rounds)
			end(s)
		}
	}
}

func terminate(s *scene) {
	code, _ := s.beat.Terminate(stopMost)
	assert.Zero(s.t, code)
}

// forAWhile begins a fault at a random moment of the backlog and ends it some time
// later.
func forAWhile(fault func(s *scene, on bool)) func(*scene) {
	return func(s *scene) {
		s.somewhere(2)
		fault(s, true)
		s.lasting()
		fault(s, false)
	}
}

func outputFault(f bulktest.Fault) func(*scene, bool) {
	return func(s *scene, on bool) {
		if on {
			s.es.SetFault(f)
		} else {
			s.es.SetFault(nil)
		}
	}
}

// byChance is an API whose answers have these faults until the backlog is through
// and each of them was met.
func byChance(faults ...eventsapitest.Fault) scenario {
	c := scenario{strike: func(s *scene) {
		s.waitIndexed(s.patient)
		s.beat.Until(s.patient, "every fault is met", func() bool { return len(s.srv.Stats().Faults) == len(faults) })
		s.srv.SetFaults()
	}}
	for _, f := range faults {
		c.chances = append(c.chances, eventsapitest.Chance{P: share, Fault: f})
	}
	return c
}

// stalls are connections that stay open and say nothing, before an answer or in
// the middle of it: the input's timeout ends them.
func stalls() scenario {
	c := byChance(hanging, stalled)
	c.settings = M{"timeout": "1s"}
	return c
}

// worst is a beat that is killed again and again while API and output are faulty.
func worst() scenario {
	c := byChance(tooMany, broken, dropped, cut, malformed)
	c.prepare = func(s *scene) { s.es.SetFault(bulktest.Times(2*s.rounds, bulktest.Cut())) }
	c.strike = inRounds(func(s *scene) { s.beat.Kill() })
	return c
}

// loseFeature takes an event type from the token and gives it back: the other two
// go on meanwhile.
func loseFeature(s *scene) {
	s.somewhere(2)
	others := []eventsapitest.EventType{eventsapitest.AuditEvents, eventsapitest.SignInAttempts}
	first := s.beat.Log.Len()
	s.srv.SetFeatures(s.token, others...)
	line := s.beat.WaitLogAfter(first, "Degraded", soon)
	assert.Equal(s.t, "item_usages", line.Fields["event_type"], line.Raw)
	s.lasting()
	s.waitIndexed(s.patient, others...)
	s.srv.SetFeatures(s.token, eventsapitest.Types()...)
}
