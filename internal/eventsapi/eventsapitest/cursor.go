// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Cursors: opaque, self-contained, sealed against changes.

package eventsapitest

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
)

// cursor is a position in a stream together with what was asked for at the start.
type cursor struct {
	pos   int   // index behind the last event delivered
	limit int   // page size
	start int64 // filter for what was there when the client began...
	until int   // ...that is, for indices below this one
	end   int64 // filter for all; maxTime: none
}

const (
	cursorFormat = "%d %d %d %d %d"
	sealLen      = 12
)

// withoutStart forgets the start time once the position has passed what it applies to:
// events ingested later are delivered however old they are.
func (c cursor) withoutStart() cursor {
	if c.pos >= c.until || c.start == minTime {
		c.start, c.until = minTime, 0
	}
	return c
}

func (s *Simulator) sealCursor(account string, t EventType, c cursor) string {
	c = c.withoutStart()
	text := fmt.Appendf(nil, cursorFormat, c.pos, c.limit, c.start, c.until, c.end)
	return base64.RawURLEncoding.EncodeToString(append(s.seal(account, t, text), text...))
}

// openCursor fails for garbage and for a cursor of another stream, account or seed.
func (s *Simulator) openCursor(account string, t EventType, value string) (cursor, bool) {
	var c cursor
	data, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil || len(data) < sealLen {
		return c, false
	}
	seal, text := data[:sealLen], data[sealLen:]
	if !hmac.Equal(seal, s.seal(account, t, text)) {
		return c, false
	}
	_, err = fmt.Fscanf(bytes.NewReader(text), cursorFormat, &c.pos, &c.limit, &c.start, &c.until, &c.end)
	return c, err == nil
}

func (s *Simulator) seal(account string, t EventType, text []byte) []byte {
	mac := hmac.New(sha256.New, s.secret)
	_, _ = fmt.Fprintf(mac, "%s/%s/%s", account, t, text)
	return mac.Sum(nil)[:sealLen]
}
