// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A Lumberjack server.

package receivertest

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/elastic/go-lumber/lj"
	"github.com/elastic/go-lumber/log"
	lumberjack "github.com/elastic/go-lumber/server/v2"
)

func init() { log.Logger = silent{} } // cut connections are wanted

// silent is a log without output.
type silent struct{}

func (silent) Printf(string, ...any) {}
func (silent) Println(...any)        {}
func (silent) Print(...any)          {}

// LumberjackConfig is how a Lumberjack server behaves.
type LumberjackConfig struct {
	TLS *tls.Config // nil: without TLS
	// KeepAlive is how often a client is told that its batch is being worked on;
	// 0: never, so that it runs into its own timeout.
	KeepAlive time.Duration
}

// Lumberjack is a server of Lumberjack v2, the protocol of Logstash's Beats
// input. All methods may be called at any time from any goroutine.
type Lumberjack struct {
	*gate
	inbox

	Addr string // host:port

	state struct {
		sync.Mutex
		cuts    int
		holding bool
		held    []*lj.Batch
	}
}

// StartLumberjack starts a server for the length of a test.
func StartLumberjack(tb testing.TB, cfg LumberjackConfig) *Lumberjack {
	tb.Helper()
	s := &Lumberjack{gate: listen(tb)}
	s.Addr = s.gate.Addr().String()
	ln := net.Listener(s.gate)
	if cfg.TLS != nil {
		ln = tls.NewListener(ln, cfg.TLS)
	}
	batches := make(chan *lj.Batch)
	srv, err := lumberjack.NewWithListener(ln, lumberjack.Keepalive(cfg.KeepAlive), lumberjack.Timeout(time.Minute),
		lumberjack.Channel(batches), lumberjack.JSONDecoder(keepRaw))
	if err != nil {
		tb.Fatal(err)
	}
	var receiving sync.WaitGroup
	receiving.Go(func() {
		for b := range batches {
			s.take(b)
		}
	})
	tb.Cleanup(func() {
		s.Down(true)
		_ = srv.Close() // its listener may be closed already
		close(batches)
		receiving.Wait()
	})
	return s
}

// keepRaw decodes an event to its JSON.
func keepRaw(raw []byte, v any) error {
	target, ok := v.(*any)
	if !ok {
		return fmt.Errorf("no place for an event: %T", v)
	}
	*target = json.RawMessage(append([]byte(nil), raw...))
	return nil
}

// take keeps a batch's events and ACKs it, unless something is to go wrong.
func (s *Lumberjack) take(b *lj.Batch) {
	for _, e := range b.Events {
		if raw, ok := e.(json.RawMessage); ok {
			s.add(NewEvent("", raw))
		}
	}
	s.state.Lock()
	defer s.state.Unlock()
	switch {
	case s.state.cuts > 0:
		s.state.cuts--
		s.drop(b.RemoteAddr)
	case s.state.holding:
		s.state.held = append(s.state.held, b)
	default:
		b.ACK()
	}
}

// Cut makes the next n batches end without an ACK, their connection cut, though
// their events were taken: a server that goes away in the middle of a batch.
func (s *Lumberjack) Cut(n int) {
	s.state.Lock()
	defer s.state.Unlock()
	s.state.cuts = n
}

// Cuts is how many batches are still to be cut.
func (s *Lumberjack) Cuts() int {
	s.state.Lock()
	defer s.state.Unlock()
	return s.state.cuts
}

// Hold makes batches be taken and not ACKed, or ACKs all that were held.
func (s *Lumberjack) Hold(hold bool) {
	s.state.Lock()
	defer s.state.Unlock()
	s.state.holding = hold
	if !hold {
		for _, b := range s.state.held {
			b.ACK()
		}
		s.state.held = nil
	}
}

// Held is how many batches wait for their ACK.
func (s *Lumberjack) Held() int {
	s.state.Lock()
	defer s.state.Unlock()
	return len(s.state.held)
}
