// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A stop at any moment.

package accounts

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	someAccounts = 300
	// stopBound is the guarantee: shutdown_timeout and 5 s.
	stopBound = 10 * time.Second
)

// TestStopInTheFirstRound: 300 accounts, stopped when a part of the first round is over, with and without states, and
// while no request is answered. Afterwards there is a state of each event type.
func TestStopInTheFirstRound(t *testing.T) {
	srv := startQuiet(t)
	home := homeOf(t, srv, someAccounts)
	stop := func(share int) {
		beat := home.StartQuiet()
		beat.Until(firstMax, fmt.Sprintf("%d %% of the first round", share), func() bool { return srv.polled() >= 3*someAccounts*share/100 })
		code, took := beat.Terminate(stopBound)
		assert.Zero(t, code, "stopped after %d %% of the first round", share)
		t.Logf("stop after %d %% of the first round: %s", share, took.Round(time.Millisecond))
	}
	for _, hangs := range []bool{false, true} {
		for _, share := range []int{1, 30, 70, 100} {
			srv.hang(hangs)
			stop(share)
		}
	}
	srv.hang(false)
	stop(100)
	list := home.Command("state", "list")
	require.Zero(t, list.Code, list.All())
	assert.Equal(t, 3*someAccounts, strings.Count(list.Stdout, "ACCOUNT0"), "each state has its account\n%s", list.Stdout)
}

// TestStopSoonAfterTheStart: a stop while the beat still reads its configuration or begins to collect.
func TestStopSoonAfterTheStart(t *testing.T) {
	srv := startQuiet(t)
	home := homeOf(t, srv, someAccounts)
	for _, after := range []time.Duration{0, 50 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond, time.Second} {
		beat := home.StartQuiet()
		watch(t.Context(), after)
		_, took := beat.Terminate(stopBound)
		t.Logf("stop %s after the start: %s", after, took.Round(time.Millisecond))
	}
	beat := home.StartQuiet()
	beat.Until(firstMax, "every event type is polled", func() bool { return srv.polled() == 3*someAccounts })
	beat.Terminate(stopBound)
}
