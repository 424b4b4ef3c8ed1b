// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// How large a run is, and what makes it random.

package faults

import (
	"flag"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"onepasswordbeat/tests/beattest"
)

const (
	// sizeVariable chooses the size: "full", or the small one.
	sizeVariable = "ONEPASSWORDBEAT_FAULTS"
	// seedVariable repeats the random choices of a run.
	seedVariable = "ONEPASSWORDBEAT_SEED"
)

// size is what a run can afford.
type size struct {
	parallel int           // cases at once: they wait more than they work, and keep every document
	backlog  int           // events of each type
	limit    int           // events a page
	rounds   int           // kills, and stops
	outage   time.Duration // how long something is down, stuck or slow
	patient  time.Duration // the most that delivery may take
}

var (
	small = size{parallel: 4, backlog: 3000, limit: 100, rounds: 3, outage: time.Second, patient: time.Minute}
	full  = size{parallel: 2, backlog: 50_000, limit: 200, rounds: 10, outage: 15 * time.Second, patient: 10 * time.Minute}
)

func chosenSize() size {
	if os.Getenv(sizeVariable) == "full" {
		return full
	}
	return small
}

func TestMain(m *testing.M) {
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if !chosen {
		_ = flag.Set("test.parallel", strconv.Itoa(chosenSize().parallel)) // the flag is there
	}
	os.Exit(beattest.Main(m)) //nolint:forbidigo // the end of every TestMain
}

// runSeed is the seed of this run: the one asked for, or a new one.
var runSeed = sync.OnceValues(func() (uint64, error) {
	if text := os.Getenv(seedVariable); text != "" {
		return strconv.ParseUint(text, 10, 64)
	}
	return rand.Uint64(), nil
})

// seeded returns the random numbers of a case: of the run's seed, which is printed,
// and the case's name, so that a case on its own has those that it has among others.
func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	seed, err := runSeed()
	require.NoError(t, err, seedVariable)
	t.Logf("%s=%d", seedVariable, seed)
	name := fnv.New64a()
	_, _ = name.Write([]byte(t.Name())) // never fails
	return rand.New(rand.NewPCG(seed, name.Sum64()))
}
