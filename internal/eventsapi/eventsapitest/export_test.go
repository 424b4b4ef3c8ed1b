// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What tests of this package see of its inside.

package eventsapitest

import "crypto/ecdsa"

// PageSize makes the page behind a position, as the handler does, and returns
// its size in bytes.
func PageSize(s *Simulator, t EventType, pos, limit int) int {
	buf, _ := itemBuffers.Get().(*[]byte)
	defer itemBuffers.Put(buf)
	c := cursor{pos: pos, limit: limit, start: minTime, end: maxTime}
	p, ok := s.page(s.Account, t, query{cursor: s.sealCursor(s.id, t, c)}, false, *buf)
	if !ok {
		return 0
	}
	*buf = p.items[:0]
	return len(p.encode())
}

// PublicKey is what a simulator's tokens are verified with.
func PublicKey(s *Simulator) *ecdsa.PublicKey { return &s.key.PublicKey }
