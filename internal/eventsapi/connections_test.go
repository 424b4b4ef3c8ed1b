// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Servers that speak HTTP/2 in their own way. The frames are written by hand: no library writes these.

package eventsapi

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Types of frames (RFC 9113, 6).
const (
	frameData     = 0
	frameHeaders  = 1
	frameSettings = 4
	frameGoAway   = 7
)

func frame(kind, flags byte, stream uint32, payload []byte) []byte {
	head := binary.BigEndian.AppendUint32(nil, uint32(len(payload))<<8|uint32(kind))
	head = binary.BigEndian.AppendUint32(append(head, flags), stream)
	return append(head, payload...)
}

// http2Server is a server that does something with each request, and a client for it.
func http2Server(t *testing.T, request func(c net.Conn, stream uint32), options ...func(*Config)) (c *Client, connections *atomic.Int32) {
	t.Helper()
	certificates := httptest.NewTLSServer(nil)
	t.Cleanup(certificates.Close)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: certificates.TLS.Certificates, NextProtos: []string{"h2"}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	connections = new(atomic.Int32)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			t.Cleanup(func() { _ = c.Close() })
			go serveHTTP2(c, request)
		}
	}()
	transport := newTransport()
	transport.TLSClientConfig.RootCAs = certificates.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs //nolint:errcheck,forcetypeassert // httptest's own
	return newClient(t, "https://"+l.Addr().String(), append(options, func(cfg *Config) { cfg.Transport = transport })...), connections
}

func serveHTTP2(c net.Conn, request func(c net.Conn, stream uint32)) {
	defer func() { _ = c.Close() }()
	_, _ = c.Write(frame(frameSettings, 0, 0, nil))
	_, _ = io.ReadFull(c, make([]byte, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")))
	for head := make([]byte, 9); ; {
		if _, err := io.ReadFull(c, head); err != nil {
			return
		}
		if _, err := io.CopyN(io.Discard, c, int64(binary.BigEndian.Uint32(head)>>8)); err != nil {
			return
		}
		if head[3] == frameHeaders {
			request(c, binary.BigEndian.Uint32(head[5:]))
		}
	}
}

// TestServerThatDoesNotRead: the client's writes to the connection block, and its request ends all the same.
func TestServerThatDoesNotRead(t *testing.T) {
	flood := func(c net.Conn, stream uint32) {
		const padded, endHeaders, status200 = 8, 4, 0x88
		_, _ = c.Write(frame(frameHeaders, endHeaders, stream, []byte{status200}))
		padding := bytes.Repeat(frame(frameData, padded, stream, append([]byte{255}, make([]byte, 255)...)), 100) // the client answers each
		for {
			if _, err := c.Write(padding); err != nil {
				return
			}
		}
	}
	t.Run("timeout", func(t *testing.T) {
		c, _ := http2Server(t, flood, timeout(3*time.Second))
		e := fetchError(t, c)
		assert.Equal(t, Network, e.Class)
		assert.Contains(t, e.Error(), "within the timeout of 3s")
	})
	t.Run("canceled", func(t *testing.T) {
		c, _ := http2Server(t, flood, timeout(time.Minute))
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		_, err := c.Introspect(ctx)
		assert.Equal(t, Network, ClassOf(err))
	})
}

// TestServerThatEndsEachConnection: a request is not repeated for as long as its timeout.
func TestServerThatEndsEachConnection(t *testing.T) {
	c, connections := http2Server(t, func(c net.Conn, _ uint32) {
		_, _ = c.Write(frame(frameGoAway, 0, 0, make([]byte, 8))) // nothing was processed: it may be sent again
		_ = c.Close()
	}, timeout(time.Minute))
	e := fetchError(t, c)
	assert.Equal(t, Network, e.Class)
	assert.Contains(t, e.Error(), "the server ended 10 connections in a row")
	assert.LessOrEqual(t, connections.Load(), int32(maxConnections+2))
}

// TestProxyIsNotBelieved: a proxy responds to CONNECT with any reason, and echoes its password.
func TestProxyIsNotBelieved(t *testing.T) {
	for line, want := range map[string]string{
		"407 \x1b[31mNo":                   "the proxy requires a user name and password",
		"200OK":                            "malformed HTTP",
		"204 fine":                         "the proxy rejected the connection: 204 fine",
		"502 hunter2hunter2 not permitted": "the proxy rejected the connection: 502 [redacted] not permitted",
		"403 dXNlcjpodW50ZXIyaHVudGVyMg==": "the proxy rejected the connection: 403 [redacted]",
	} {
		t.Run(line, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a test
			require.NoError(t, err)
			defer func() { _ = l.Close() }()
			go func() {
				c, err := l.Accept()
				if err != nil {
					return
				}
				_, _ = c.Read(make([]byte, 4096))
				_, _ = io.WriteString(c, "HTTP/1.1 "+line+"\r\nContent-Length: 0\r\n\r\n")
				_ = c.Close()
			}()
			c := proxied(t, "http://user:hunter2hunter2@"+l.Addr().String())
			c.secrets = []string{"hunter2hunter2", "user:hunter2hunter2"}
			got := fetchError(t, c).Error()
			assert.Contains(t, got, want)
			assert.False(t, strings.Contains(got, "hunter2") || strings.Contains(got, "aHVudGVy"), got)
		})
	}
}

// TestIntrospectionThatEchoesTheToken: no name that a server states shows the token.
func TestIntrospectionThatEchoesTheToken(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"uuid":"`+testToken[10:80]+`","account_uuid":"`+strings.ToLower(testToken[:60])+`","features":["`+testToken[40:]+`"]}`)
	})
	who, err := c.Introspect(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "[redacted]", who.UUID)
	assert.Equal(t, "[redacted]", who.AccountUUID)
	assert.Equal(t, []string{"[redacted]"}, who.Features)
}
