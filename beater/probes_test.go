// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// When the beat is live and when it is ready, the endpoint's timeouts, and systemd's messages.

package beater

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/elastic/beats/v7/libbeat/api"
	conf "github.com/elastic/elastic-agent-libs/config"
	"github.com/elastic/elastic-agent-libs/logp/logptest"

	"onepasswordbeat/internal/registry"
)

// stateOf is a store that has one state, or fails.
type stateOf struct {
	state registry.State
	err   error
}

func (s stateOf) Load(context.Context, registry.Key) (registry.State, error) { return s.state, s.err }
func (s stateOf) Commit(context.Context, registry.Key, registry.State) error { return s.err }

func ask(t *testing.T, h http.Handler) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody))
	return w.Code, w.Body.String()
}

// TestReadyWhenEveryInputIsStartedAndItsStateWasRead also after a first run, which has no state.
func TestReadyWhenEveryInputIsStartedAndItsStateWasRead(t *testing.T) {
	p := newProbes()
	code, text := ask(t, probe(p.ready))
	assert.Equal(t, http.StatusServiceUnavailable, code)
	assert.Equal(t, "the inputs are not started yet\n", text)

	p.expect(1)
	assert.Equal(t, []string{"0 of 1 inputs are running"}, p.ready())
	end := p.input()
	key := registry.Key{Input: "acme", EventType: "audit_events"}
	l, ended := p.begin(key)
	assert.Equal(t, []string{"input acme, audit_events: the stored state is not read; see the log"}, p.ready())

	for _, test := range []struct {
		name  string
		err   error
		ready bool
	}{
		{"damaged", io.ErrUnexpectedEOF, false}, {"none yet", registry.ErrNotFound, true}, {"stored", nil, true},
	} {
		_, err := l.watch(stateOf{err: test.err}).Load(t.Context(), key)
		require.ErrorIs(t, err, test.err)
		assert.Equal(t, test.ready, len(p.ready()) == 0, test.name)
	}
	code, text = ask(t, probe(p.ready))
	assert.Equal(t, http.StatusOK, code)
	assert.Equal(t, "ok\n", text)

	end() // an input that ended on its own collects nothing
	ended()
	assert.NotEmpty(t, p.ready())
}

// TestLiveWhileEveryLoopTurns and never asks anything else: neither the state of a loop, nor whether it ever turned.
func TestLiveWhileEveryLoopTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProbes()
		waiting, endWaiting := p.begin(registry.Key{Input: "acme", EventType: "item_usages"})
		l, end := p.begin(registry.Key{Input: "acme", EventType: "audit_events"})
		assert.Empty(t, p.live())
		l.turn()
		time.Sleep(turnBound) //nolint:forbidigo // the bubble's clock
		assert.Empty(t, p.live())
		time.Sleep(time.Second) //nolint:forbidigo // the bubble's clock
		assert.Equal(t, []string{"input acme, audit_events: the loop has not turned for 1m1s"}, p.live())
		l.turn()
		assert.Empty(t, p.live())

		waiting.turn()
		_, err := waiting.watch(stateOf{err: io.ErrUnexpectedEOF}).Load(t.Context(), waiting.key)
		require.Error(t, err)
		time.Sleep(turnBound + time.Second) //nolint:forbidigo // the bubble's clock
		assert.Equal(t, []string{"input acme, audit_events: the loop has not turned for 1m1s"}, p.live(), "a loop without a state waits for its stop and does not turn")
		l.rest()
		l.turn()
		time.Sleep(turnBound + time.Second) //nolint:forbidigo // the bubble's clock
		assert.Empty(t, p.live(), "a loop that was told to stop waits for the output")
		end()
		endWaiting()
		assert.Empty(t, p.live())
	})
}

// TestEndpointGivesUpOnUnfinishedRequest: libbeat's own server would wait without limit.
func TestEndpointGivesUpOnUnfinishedRequest(t *testing.T) {
	log := logptest.NewTestingLogger(t, "")
	socket := filepath.Join(t.TempDir(), "http.sock")
	cfg := conf.MustNewConfigFrom(map[string]any{"enabled": true, "host": "unix://" + socket})
	libbeat, err := api.New(log, cfg)
	require.NoError(t, err)
	libbeat.Start()
	libbeat.Router().HandleFunc("/late", probe(func() []string { return nil })) // routes come after the start, too
	server, err := takeOver(libbeat, cfg, log)
	require.NoError(t, err)
	assert.Equal(t, headerTimeout, server.ReadHeaderTimeout)
	assert.Positive(t, server.WriteTimeout)
	assert.Positive(t, server.IdleTimeout)

	dial := func() net.Conn {
		c, err := new(net.Dialer).DialContext(t.Context(), "unix", socket)
		require.NoError(t, err)
		return c
	}
	slow := dial() // closed by the server, after some seconds
	_, err = io.WriteString(slow, "GET /late HTTP/1.1\r\nHost:")
	require.NoError(t, err)
	c := dial()
	_, err = io.WriteString(c, "GET /late HTTP/1.1\r\nHost: beat\r\nConnection: close\r\n\r\n")
	require.NoError(t, err)
	line, err := bufio.NewReader(c).ReadString('\n')
	require.NoError(t, err)
	assert.Equal(t, "HTTP/1.1 200 OK\r\n", line)
	require.NoError(t, c.Close())
	require.NoError(t, slow.SetReadDeadline(time.Now().Add(4*headerTimeout)))
	rest, err := io.ReadAll(slow)
	require.NoError(t, err, "the server did not close the connection")
	assert.NotContains(t, string(rest), "200 OK")
	require.NoError(t, server.Close())
	assert.NoFileExists(t, socket)
	require.NoError(t, libbeat.Stop())
}

// systemdSocket is what $NOTIFY_SOCKET names, and its messages.
func systemdSocket(t *testing.T) <-chan string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	c, err := new(net.ListenConfig).ListenPacket(t.Context(), "unixgram", path)
	require.NoError(t, err)
	t.Setenv("NOTIFY_SOCKET", path)
	messages := make(chan string, 100)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		buf := make([]byte, 1024)
		for {
			n, _, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			messages <- string(buf[:n])
		}
	}()
	t.Cleanup(func() {
		_ = c.Close()
		<-ended
	})
	return messages
}

// TestSystemdHearsOfStartLifeAndStop, and nothing of life while a loop is stuck.
func TestSystemdHearsOfStartLifeAndStop(t *testing.T) {
	messages := systemdSocket(t)
	t.Setenv("WATCHDOG_USEC", "2000")
	stuck := make(chan struct{})
	live := func() []string {
		select {
		case <-stuck:
			return []string{"input acme, audit_events"}
		default:
			return nil
		}
	}
	stopping, done := systemd{live, logptest.NewTestingLogger(t, "")}.run()
	assert.Equal(t, "READY=1", <-messages)
	assert.Equal(t, "WATCHDOG=1", <-messages)
	close(stuck)
	stopping()
	last := ""
	for last != "STOPPING=1" {
		last = <-messages
	}
	done()
	for len(messages) > 0 { // at most the one that was under way
		assert.Equal(t, "WATCHDOG=1", <-messages)
	}
}

// TestWithoutSystemdNothingRuns, and nothing is sent.
func TestWithoutSystemdNothingRuns(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	stopping, done := systemd{func() []string { return nil }, logptest.NewTestingLogger(t, "")}.run()
	stopping()
	done()
}
