// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What the tests with real servers share: their size, and the kills.

package outputs_test

import (
	"os"
	"testing"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/tests/beattest"
)

// sizeVariable chooses the size of the tests with real servers, as in tests/faults: "full", or the small one.
const sizeVariable = "ONEPASSWORDBEAT_FAULTS"

// size is what a run can afford.
type size struct {
	each  int // events of each type
	kills int // of the server, and of the beat
}

var (
	small = size{each: each, kills: 1}
	full  = size{each: 20_000, kills: 2}
)

func chosenSize() size {
	if os.Getenv(sizeVariable) == "full" {
		return full
	}
	return small
}

// server is a process that can be taken away.
type server interface {
	Kill()
	Start()
}

// killInTurn kills the server and the beat in turn, spread over the backlog. While the server is gone new events appear. It returns the beat that has
// delivered all of them.
func killInTurn(t *testing.T, srv *eventsapitest.Server, h *beattest.Home, to receiver, server server) *beattest.Beat {
	t.Helper()
	kills := chosenSize().kills
	part := 3 * chosenSize().each / (2*kills + 1)
	beat := h.Start()
	for i := range kills {
		beat.Until(patient, "a part of the backlog has arrived", func() bool { return to.Len() >= (2*i+1)*part })
		t.Logf("the server is killed with %d of %d events", to.Len(), len(beattest.Expected(srv.Account)))
		server.Kill()
		addEvents(t, srv, i, 1)
		server.Start()
		beat.Until(patient, "another part has arrived", func() bool { return to.Len() >= (2*i+2)*part })
		beat.Kill()
		t.Logf("the beat was killed with %d of %d events", to.Len(), len(beattest.Expected(srv.Account)))
		beat = h.Start()
	}
	waitDelivered(beat, srv.Account, to, patient)
	return beat
}
