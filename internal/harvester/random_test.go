// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Faults of every kind, mixed at random: harvesters that share a guard and an output,
// and one question, whether anything is skipped or anyone is left behind.

package harvester

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"onepasswordbeat/internal/delivery"
	"onepasswordbeat/internal/eventsapi"
)

var (
	randomSeeds = flag.Uint64("seeds", 200, "how many mixtures of faults TestRandomFaults tries")
	randomFirst = flag.Uint64("first-seed", 0, "the first mixture that TestRandomFaults tries")
)

// TestRandomFaults: after any faults, each event is delivered, or dropped by a processor,
// or rejected for its own content, and fakeStore saw no cursor ahead of that; each harvester is
// Running, asks as often as interval says, and ends at a stop.
func TestRandomFaults(t *testing.T) {
	for seed := *randomFirst; seed < *randomFirst+*randomSeeds && !t.Failed(); seed++ {
		synctest.Test(t, func(t *testing.T) {
			f := newFleet(t, seed)
			for range 5 + f.random.IntN(30) {
				f.fault()
				f.pause()
			}
			f.heal()
			f.check()
			if t.Failed() {
				t.Logf("seed %d:", seed)
				for _, line := range f.story {
					t.Log(line)
				}
			}
		})
	}
}

// fleet are the harvesters of one process.
type fleet struct {
	t      *testing.T
	random *rand.Rand
	out    *fakeOutput
	ships  []*ship
	free   func() // ends the output's being stuck
	story  []string
	began  time.Time
}

// ship is a harvester of a fleet, and what its API does wrong.
type ship struct {
	*rig
	name    byte
	running bool
	gone    int  // requests whose cursor is still to be rejected
	bad     int  // the first cursor that is rejected each time; 0: there is none
	lag     int  // events by which the cursors stay behind
	empty   bool // each cursor is given once more, with a page without events
	down    bool
}

func (s *ship) id(i int) string { return fmt.Sprintf("%c%05d", s.name, i) }

func newFleet(t *testing.T, seed uint64) *fleet {
	f := &fleet{t: t, random: rand.New(rand.NewPCG(seed, 3)), out: newFakeOutput(), free: func() {}, began: time.Now()}
	f.out.outlive = f.chance(2)
	f.out.acksUnsent = f.chance(5)
	f.out.silent = f.chance(5)
	if f.chance(3) {
		f.out.filter = func(id string) bool { return id[len(id)-1]%4 == 1 }
	}
	f.out.open()
	for i := range 1 + f.random.IntN(3) {
		s := &ship{rig: newRig(t, f.random.IntN(60)), name: byte('A' + i)}
		s.out, s.store.id = f.out, s.id
		began := time.Now()
		s.api.item = func(i int) string {
			return fmt.Sprintf(`{"uuid":%q,"timestamp":%q}`, s.id(i), began.Add(time.Duration(i)*time.Millisecond).Format(time.RFC3339Nano))
		}
		s.api.always = s.answer
		if f.chance(3) {
			s.api.account = ""
		}
		s.api.latency = time.Millisecond // or a hot loop would stop the clock
		if f.chance(4) {
			s.api.latency = time.Duration(f.random.IntN(2000)) * time.Millisecond
		}
		f.ships = append(f.ships, s)
	}
	f.guardAnew()
	for _, s := range f.ships {
		s.start()
	}
	return f
}

func (f *fleet) chance(oneOf int) bool { return f.random.IntN(oneOf) == 0 }

func (f *fleet) guardAnew() {
	guard := delivery.NewGuard(f.out)
	// So little that the harvesters wait for each other: no order of waits may end in a deadlock.
	budget := delivery.NewBudget(int64(1+f.random.IntN(3))*3*usualBytes, 1)
	for _, s := range f.ships {
		s.guard, s.budget = guard, budget
	}
}

// answer is the API's; the lock of fakeAPI is held.
func (s *ship) answer(q eventsapi.Query) (*eventsapi.Page, error) {
	if s.down {
		return answerError(eventsapi.Server)(q)
	}
	if q.Cursor != "" && (s.gone > 0 || s.bad > 0 && indexOf(q.Cursor) >= s.bad) {
		s.gone = max(0, s.gone-1)
		return answerError(eventsapi.BadRequest)(q)
	}
	if s.empty && q.Cursor != "" && q.Cursor[len(q.Cursor)-1] != 'x' {
		return &eventsapi.Page{Cursor: q.Cursor + "x", HasMore: indexOf(q.Cursor) < s.api.size}, nil
	}
	p := s.api.page(q)
	if lag := min(s.lag, len(p.Items)); lag > 0 {
		p.Cursor = cursorAt(indexOf(p.Cursor) - lag)
		if lag == len(p.Items) && q.Cursor != "" {
			p.Cursor = q.Cursor
		}
	}
	return p, nil
}

func (s *ship) start() {
	if !s.running {
		s.running = true
		s.begin()
	}
}

// land stops one harvester, and not the output.
func (s *ship) land() {
	if s.running {
		s.running = false
		began := time.Now()
		s.cancel()
		require.NoError(s.t, <-s.done)
		require.LessOrEqual(s.t, time.Since(began), s.settings.ShutdownTimeout+delivery.CountTimeout+s.api.latency, "a stop takes too long")
	}
}

func (f *fleet) tell(format string, args ...any) {
	f.story = append(f.story, fmt.Sprintf("%v ", time.Since(f.began))+fmt.Sprintf(format, args...))
}

// pause lets a moment or minutes pass, in which no client sends too many requests.
func (f *fleet) pause() {
	asked := make([]int, len(f.ships))
	for i, s := range f.ships {
		asked[i] = len(s.api.asked())
	}
	d := time.Millisecond << f.random.IntN(19) * time.Duration(1+f.random.IntN(1000)) / 1000
	pass(d)
	for i, s := range f.ships {
		if n := len(s.api.asked()) - asked[i]; n > 150+2*int(d.Seconds()) {
			f.t.Errorf("%c: %d requests in %v", s.name, n, d)
		}
	}
}

// fault makes something happen.
func (f *fleet) fault() {
	s := f.ships[f.random.IntN(len(f.ships))]
	faults := []func(*ship){
		f.grow, f.grow, f.reject, f.lag, f.repeatEmpty, f.down, f.learn, f.disk, f.stopOrStart,
		func(*ship) { f.crash() }, f.stick, f.loosen, f.replace, f.output, f.output,
	}
	faults[f.random.IntN(len(faults))](s)
}

// change changes a ship's API.
func (s *ship) change(what func()) {
	s.api.mu.Lock()
	defer s.api.mu.Unlock()
	what()
}

func (f *fleet) grow(s *ship) {
	n := 1 + f.random.IntN(40)
	s.change(func() { s.api.size += n })
	f.tell("%c grows by %d", s.name, n)
}

func (f *fleet) reject(s *ship) {
	gone, bad := 1+f.random.IntN(4), 0
	if f.chance(2) {
		gone, bad = 0, 1+f.random.IntN(40)
	}
	s.change(func() { s.gone, s.bad = gone, bad })
	f.tell("%c rejects %d cursors, and those from %d on", s.name, gone, bad)
}

func (f *fleet) lag(s *ship) {
	s.change(func() { s.lag = []int{0, 1, 4, 20}[f.random.IntN(4)] })
	f.tell("%c lags %d", s.name, s.lag)
}

func (f *fleet) repeatEmpty(s *ship) {
	s.change(func() { s.empty = !s.empty })
	f.tell("%c empty %v", s.name, s.empty)
}

func (f *fleet) down(s *ship) {
	s.change(func() { s.down = !s.down })
	f.tell("%c down %v", s.name, s.down)
}

func (f *fleet) learn(s *ship) {
	s.change(func() { s.api.account = "ACCOUNT" })
	f.tell("%c account is known", s.name)
}

func (f *fleet) disk(s *ship) {
	err := errors.New("no space left on device")
	if f.chance(2) {
		err = nil
	}
	s.store.setFail(err)
	f.tell("%c disk: %v", s.name, err)
}

func (f *fleet) stopOrStart(s *ship) {
	f.tell("%c stops or starts", s.name)
	if s.running {
		s.land()
	} else {
		s.start()
	}
}

func (f *fleet) stick(*ship) {
	f.free()
	f.free = f.out.block()
	f.tell("output stuck")
}

func (f *fleet) loosen(*ship) {
	f.free()
	f.tell("output free")
}

func (f *fleet) replace(*ship) {
	f.out.replace()
	f.tell("output replaced")
}

// output changes what the output does with events.
func (f *fleet) output(s *ship) {
	decide := map[string]func(string) outcome{
		"takes":       nil,
		"denies":      func(string) outcome { return deny },
		"denies one":  func(id string) outcome { return map[bool]outcome{true: deny}[id[0] == s.name] },
		"has spoiled": f.spoil,
	}
	names := []string{"takes", "takes", "denies", "denies one", "has spoiled"}
	if f.out.acksUnsent {
		decide["fails"] = func(string) outcome { return fail }
		names = append(names, "fails")
	}
	what := names[f.random.IntN(len(names))]
	f.out.set(decide[what])
	f.tell("output %s (%c)", what, s.name)
}

// spoil rejects every seventh event for its own content; the lock of fakeOutput is held.
func (f *fleet) spoil(id string) outcome {
	if indexOf(id[1:])%7 != 3 {
		return accept
	}
	f.out.rejected[id] = true
	return reject
}

// crash ends the process and starts another one.
func (f *fleet) crash() {
	f.tell("crash")
	f.out.freeze()
	for _, s := range f.ships {
		s.store.freeze(true)
	}
	for _, s := range f.ships {
		if s.running {
			s.running = false
			s.cancel()
			<-s.done //nolint:errcheck // the end of a crash has no result
		}
	}
	f.out.shut()
	f.out.replace()
	f.out.open()
	f.guardAnew()
	for _, s := range f.ships {
		s.store.freeze(false)
		s.start()
	}
}

// heal ends every fault.
func (f *fleet) heal() {
	f.tell("all is well")
	f.out.set(nil)
	f.free()
	for _, s := range f.ships {
		s.store.setFail(nil)
		s.api.mu.Lock()
		s.gone, s.bad, s.lag, s.empty, s.down, s.api.account = 0, 0, 0, false, false, "ACCOUNT"
		s.api.mu.Unlock()
		s.start()
	}
	pass(40 * time.Minute) // the longest wait is 15, and may come twice
}

func (f *fleet) check() {
	for _, s := range f.ships {
		asked := len(s.api.asked())
		for i := range s.api.size {
			if !f.out.done(s.id(i)) {
				f.t.Errorf("%s was not delivered", s.id(i))
			}
		}
		if got := indexOf(s.store.get().Cursor); got != s.api.size {
			f.t.Errorf("%c: the stored cursor is %d of %d", s.name, got, s.api.size)
		}
		if state := last(s.states()); state != "Running" {
			f.t.Errorf("%c is %s", s.name, s.healthText())
		}
		pass(10 * s.settings.Interval)
		if n := len(s.api.asked()) - asked; n > 11 {
			f.t.Errorf("%c: %d requests in ten intervals", s.name, n)
		}
	}
	for _, s := range f.ships {
		s.land()
	}
	f.out.shut()
}
