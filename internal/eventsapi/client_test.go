// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The client against servers that behave, and against some that do not.

package eventsapi

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/internal/safetext"
)

const (
	testToken = "eyJhbGciOiJFUzI1NiJ9.eyJhdWQiOlsiZXZlbnRzLmV4YW1wbGUuY29tIl19.c2lnbmF0dXJlLXNpZ25hdHVyZQ"
	emptyPage = `{"cursor":"c1","has_more":false,"items":[]}`
)

// newClient returns a client of a server; options change its configuration.
func newClient(t testing.TB, baseURL string, options ...func(*Config)) *Client {
	t.Helper()
	cfg := Config{BaseURL: baseURL, UserAgent: "onepasswordbeat/1.2.3", Token: func() (string, error) { return testToken, nil }, Timeout: 5 * time.Second}
	for _, o := range options {
		o(&cfg)
	}
	c, err := New(cfg)
	require.NoError(t, err)
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// serve starts a server of one handler and returns a client for it.
func serve(t testing.TB, handler http.HandlerFunc, options ...func(*Config)) *Client {
	t.Helper()
	srv := httptest.NewServer(handler)
	t.Cleanup(srv.Close)
	return newClient(t, srv.URL, options...)
}

// fetchError fetches a page in vain and returns the error, having checked what holds for all of them.
func fetchError(t testing.TB, c *Client) *Error {
	t.Helper()
	page, err := c.Fetch(t.Context(), "auditevents", Query{Cursor: "c0"})
	require.Nil(t, page)
	var e *Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, c.base.Host, e.Host)
	assert.Equal(t, "/api/v2/auditevents", e.Path)
	assertNoSecret(t, err)
	return e
}

func assertNoSecret(t testing.TB, err error) {
	t.Helper()
	texts := map[string]bool{err.Error(): true, fmt.Sprintf("%+v %#v", err, err): true}
	if cause := errors.Unwrap(err); cause != nil {
		texts[cause.Error()] = true
	}
	for text := range texts {
		for part := range strings.SplitSeq(testToken, ".") {
			assert.NotContains(t, text, part)
		}
		assert.NotContains(t, text, "hunter2")
		assert.NotContains(t, err.Error(), "\n")
	}
}

func timeout(d time.Duration) func(*Config) { return func(c *Config) { c.Timeout = d } }

func TestFetchRequest(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 6789, time.FixedZone("", 3600))
	tests := map[string]struct {
		version    Version
		query      Query
		path, body string
	}{
		"nothing":  {"", Query{}, "/api/v2/auditevents", `{}`},
		"limit":    {V1, Query{Limit: 1000}, "/api/v1/auditevents", `{"limit":1000}`},
		"times":    {V2, Query{Limit: 7, StartTime: start, EndTime: start.Add(time.Hour).Truncate(time.Second)}, "/api/v2/auditevents", `{"limit":7,"start_time":"2026-01-02T02:04:05.000006789Z","end_time":"2026-01-02T03:04:05Z"}`},
		"cursor":   {V2, Query{Cursor: "a-b_c", Limit: 7, StartTime: start, EndTime: start}, "/api/v2/auditevents", `{"cursor":"a-b_c"}`},
		"odd ones": {V2, Query{Cursor: `<"&>`}, "/api/v2/auditevents", `{"cursor":"<\"&>"}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				assert.Equal(t, http.MethodPost, r.Method)
				assert.Equal(t, test.path, r.URL.String())
				assert.Equal(t, test.body, string(body))
				assert.Equal(t, "Bearer "+testToken, r.Header.Get("Authorization"))
				assert.Equal(t, "application/json", r.Header.Get("Content-Type"))
				assert.Equal(t, "application/json", r.Header.Get("Accept"))
				assert.Equal(t, "onepasswordbeat/1.2.3", r.Header.Get("User-Agent"))
				assert.NotContains(t, r.Header, "Idempotency-Key")
				w.Header().Set("Date", "Fri, 02 Jan 2026 03:04:05 GMT")
				_, _ = io.WriteString(w, `{"cursor":"c1","has_more":true,"items":[{"uuid":"A"}]}`)
			}, func(cfg *Config) { cfg.Version = test.version })
			page, err := c.Fetch(t.Context(), "auditevents", test.query)
			require.NoError(t, err)
			assert.Equal(t, &Page{Cursor: "c1", HasMore: true, Items: []json.RawMessage{json.RawMessage(`{"uuid":"A"}`)}, Bytes: 54,
				ServerTime: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}, page)
		})
	}
}

func TestFetchBodies(t *testing.T) {
	large := syntheticPage(1000)
	zip := func(w io.Writer, data []byte) {
		zw := gzip.NewWriter(w)
		_, _ = zw.Write(data)
		_ = zw.Close()
	}
	tests := map[string]http.HandlerFunc{
		"with a length": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(len(large)))
			_, _ = w.Write(large)
		},
		"chunked": func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i < len(large); i += 100_000 {
				_, _ = w.Write(large[i:min(i+100_000, len(large))])
				_ = http.NewResponseController(w).Flush()
			}
		},
		"gzip": func(w http.ResponseWriter, r *http.Request) {
			assert.Equal(t, "gzip", r.Header.Get("Accept-Encoding"))
			w.Header().Set("Content-Encoding", "gzip")
			zip(w, large)
		},
		"gzip in two members": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "GZIP")
			zip(w, large[:1000])
			zip(w, large[1000:])
		},
	}
	for name, handler := range tests {
		t.Run(name, func(t *testing.T) {
			var connections atomic.Int32
			srv := httptest.NewUnstartedServer(handler)
			srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
				if s == http.StateNew {
					connections.Add(1)
				}
			}
			srv.Start()
			defer srv.Close()
			c := newClient(t, srv.URL)
			for range 3 {
				page, err := c.Fetch(t.Context(), "auditevents", Query{})
				require.NoError(t, err)
				assert.Len(t, page.Items, 1000)
				assert.Equal(t, int64(len(large)), page.Bytes)
			}
			assert.EqualValues(t, 1, connections.Load(), "the connection is kept")
		})
	}
}

func TestFetchErrors(t *testing.T) {
	status := func(code int, body string, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(code)
			_, _ = io.WriteString(w, body)
		}
	}
	tests := map[string]struct {
		handler http.HandlerFunc
		class   Class
		text    string // the whole error, HOST standing for the server
	}{
		"401 live":     {status(401, `{"Error":{"Message":"Unauthorized"}}`), Auth, "401 from HOST: token rejected: Unauthorized"},
		"401 docs":     {status(401, `{"status":401,"message":"Unauthorized access"}`), Auth, "401 from HOST: token rejected: Unauthorized access"},
		"401 empty":    {status(401, ``), Auth, "401 from HOST: token rejected"},
		"403":          {status(403, `{"error":"no"}`), Forbidden, "403 from HOST: access denied: no"},
		"400":          {status(400, `{"Error":{"Message":"Bad Request"}}`), BadRequest, "400 from HOST: request rejected (cursor, limit or time): Bad Request"},
		"422":          {status(422, `{"error":{"message":"limit"}}`), BadRequest, "422 from HOST: request rejected (cursor, limit or time): limit"},
		"400 by proxy": {status(400, `<html><head><title>400 Bad Request</title></head></html>`), Unexpected, "400 from HOST: unexpected response: an HTML page, from a proxy? 400 Bad Request"},
		"401 by proxy": {status(401, "\ufeff <!DOCTYPE html><title>Sign in</title>"), Unexpected, "401 from HOST: unexpected response: an HTML page, from a proxy? Sign in"},
		"403 by proxy": {status(403, `<html><h1>Blocked</h1></html>`), Unexpected, "403 from HOST: unexpected response: an HTML page, from a proxy? Blocked"},
		"404 by proxy": {status(404, `<html><h1>Not here</h1></html>`), Unexpected, "404 from HOST: unexpected response: an HTML page, from a proxy? Not here"},
		"502 by proxy": {status(502, `<html><h1>Bad gateway</h1></html>`), Server, "502 from HOST: server error: an HTML page, from a proxy? Bad gateway"},
		"404":          {status(404, "404 page not found\n"), NotFound, "404 from HOST/api/v2/auditevents: no such path: 404 page not found"},
		"405":          {status(405, ""), Unexpected, "405 from HOST: unexpected response"},
		"407":          {status(407, ""), Network, "407 from HOST: Proxy Authentication Required"},
		"429":          {status(429, `{"Error":{"Message":"Too many requests"}}`, "Retry-After", "17"), RateLimited, "429 from HOST: too many requests: Too many requests (retry after 17s)"},
		"500":          {status(500, ``), Server, "500 from HOST: server error"},
		"503":          {status(503, `busy`, "Retry-After", "1"), Server, "503 from HOST: server error: busy (retry after 1s)"},
		"204":          {status(204, ``), Unexpected, "204 from HOST: unexpected response"},
		"302":          {status(302, ``, "Location", "https://login.example.net/in?token=1"), Redirect, "302 from HOST: redirect rejected, the token was not sent on: to https://login.example.net"},
		"307 same":     {status(307, ``, "Location", "/other"), Redirect, "307 from HOST: redirect rejected, the token was not sent on: to another path of this server"},
		"301 nowhere":  {status(301, ``), Redirect, "301 from HOST: redirect rejected, the token was not sent on: it names no target"},
		"301 garbage":  {status(301, ``, "Location", "http://[::1"), Redirect, "301 from HOST: redirect rejected, the token was not sent on: its target cannot be read"},
		"echo":         {status(401, "bad token Bearer "+testToken+" !"), Auth, "401 from HOST: token rejected: bad token Bearer [redacted] !"},
		"no JSON":      {status(200, "OK"), Malformed, "200 from HOST: unusable response: not a page: invalid JSON at byte 0"},
		"no gzip":      {status(200, emptyPage, "Content-Encoding", "gzip"), Malformed, "200 from HOST: unusable response: the response's gzip is damaged, after 0 bytes"},
		"brotli":       {status(200, emptyPage, "Content-Encoding", "br"), Malformed, `200 from HOST: unusable response: Content-Encoding "br" was not requested`},
		"empty gzip":   {status(200, "", "Content-Encoding", "gzip"), Malformed, "200 from HOST: unusable response: the response was cut off, after 0 bytes"},
		"cut": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, emptyPage[:20])
		}, Malformed, "200 from HOST: unusable response: the response was cut off, after 20 bytes"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := serve(t, test.handler)
			e := fetchError(t, c)
			assert.Equal(t, test.class, e.Class)
			assert.Equal(t, test.text, strings.ReplaceAll(e.Summary(), e.Host, "HOST"))
			assert.Equal(t, e.Summary()+"; "+e.Advice(), e.Error())
			assert.LessOrEqual(t, len(e.Error()), safetext.MaxBytes)
		})
	}
}

// TestInvariant9_EchoedTokenIsInNoError: a server, a proxy or a transport repeats the request's header in what it answers.
func TestInvariant9_EchoedTokenIsInNoError(t *testing.T) {
	const echo = `{"Error":{"Message":"Bearer ` + testToken + `"},"status":400,"message":"Bearer ` + testToken + `","cursor":"` + testToken + `","has_more":"` + testToken + `"}`
	bodies := map[string]string{
		"JSON": echo, "text": "bad header: Bearer " + testToken, "page": "<html><title>" + testToken + "</title><p>" + testToken + "</p></html>",
		"half": "…" + testToken[len(testToken)/2:], "wrapped": testToken[:40] + "\n" + testToken[40:], "cut": `{"cursor":"` + testToken,
	}
	for kind, body := range bodies {
		for _, code := range []int{200, 204, 301, 307, 400, 401, 403, 404, 407, 418, 422, 429, 500, 502, 503} {
			t.Run(fmt.Sprint(kind, " ", code), func(t *testing.T) {
				assertNoSecret(t, fetchError(t, serve(t, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Location", "https://login.example.net/"+testToken+"?token="+testToken)
					w.Header().Set("Retry-After", testToken)
					w.WriteHeader(code)
					_, _ = io.WriteString(w, body)
				})))
			})
		}
	}
	t.Run("transport", func(t *testing.T) {
		c := newClient(t, "https://events.example.com", func(c *Config) { c.Transport = failing{errors.New("header Bearer " + testToken)} })
		assertNoSecret(t, fetchError(t, c))
	})
}

// TestWebPageInPlaceOfAnError: the advice is about what stands in between, not about the token.
func TestWebPageInPlaceOfAnError(t *testing.T) {
	for _, code := range []int{400, 401, 403, 404, 405} {
		e := fetchError(t, serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			_, _ = io.WriteString(w, "<html><title>x</title></html>")
		}))
		assert.True(t, e.HTML)
		assert.Contains(t, e.Error(), "proxy_url")
		assert.NotContains(t, e.Error(), "create a")
	}
}

// serveRaw starts a server that sends raw bytes after the request and keeps the connection open until the test ends.
func serveRaw(t *testing.T, response string) *Client {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
			go func() {
				buf := make([]byte, 4<<10)
				for {
					if _, err := conn.Read(buf); err != nil {
						return
					}
					_, _ = io.WriteString(conn, response)
				}
			}()
		}
	}()
	c, err := New(Config{BaseURL: "http://" + l.Addr().String(), Token: func() (string, error) { return testToken, nil }})
	require.NoError(t, err)
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// TestUnreadStatuses: only a 200 and the beginning of a 4xx or 5xx are read. What else a server sends, and that it keeps
// the connection open, delays nothing. The client's timeout is a minute, the test's own deadline much less.
func TestUnreadStatuses(t *testing.T) {
	for name, response := range map[string]string{
		"101": "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
		"201": "HTTP/1.1 201 Created\r\nContent-Length: 1000000\r\n\r\nx",
		"206": "HTTP/1.1 206 Partial Content\r\nTransfer-Encoding: chunked\r\n\r\n",
		"302": "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 1000000\r\n\r\nx",
		"304": "HTTP/1.1 304 Not Modified\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			c := serveRaw(t, response)
			_, err := c.Fetch(ctx, "auditevents", Query{})
			var e *Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, name, strconv.Itoa(e.Status))
			_, err = c.Introspect(ctx)
			require.ErrorAs(t, err, &e)
			require.NoError(t, ctx.Err())
		})
	}
}

// TestErrorBodyIsReadForALittle: 16 KiB, and not for the whole timeout.
func TestErrorBodyIsReadForALittle(t *testing.T) {
	served := make(chan int, 1)
	e := fetchError(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		n := 0
		for r.Context().Err() == nil {
			m, err := w.Write(make([]byte, 1<<10))
			if n += m; err != nil || n > 64<<20 {
				break
			}
		}
		served <- n
	}))
	assert.Equal(t, Server, e.Class)
	assert.Less(t, <-served, 64<<20, "the connection is closed")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, err := serveRaw(t, "HTTP/1.1 500 Oops\r\nContent-Length: 1000\r\n\r\nslow").Fetch(ctx, "auditevents", Query{})
	var slow *Error
	require.ErrorAs(t, err, &slow)
	assert.Equal(t, "slow", slow.Message)
	require.NoError(t, ctx.Err())
}

// TestMemoryIsReservedBeforeItIsAllocated: once for a usual page, once more for a large one; a rejection ends the request.
func TestMemoryIsReservedBeforeItIsAllocated(t *testing.T) {
	large := `{"cursor":"c","has_more":false,"items":["` + strings.Repeat("x", firstReadBytes) + `"]}`
	for body, want := range map[string][]int64{emptyPage: {firstReadBytes}, large: {firstReadBytes, MaxResponseBytes - firstReadBytes}} {
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
		var got []int64
		reserve := func(_ context.Context, n int64) error { got = append(got, n); return nil }
		page, err := c.Fetch(t.Context(), "auditevents", Query{Reserve: reserve})
		require.NoError(t, err)
		assert.Equal(t, int64(len(body)), page.Bytes)
		assert.Equal(t, want, got)
		_, err = c.Fetch(t.Context(), "auditevents", Query{Reserve: func(context.Context, int64) error { return errors.New("full") }})
		require.ErrorContains(t, err, "no memory was free for the response: full; check the output")
		assert.Equal(t, Network, ClassOf(err))
	}
}

// TestServerTime: the Date header, unless it is older than the API.
func TestServerTime(t *testing.T) {
	for date, want := range map[string]time.Time{
		"Fri, 02 Jan 2026 03:04:05 GMT": time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		"Thu, 01 Jan 1970 00:00:00 GMT": {}, "soon": {},
	} {
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Date", date)
			_, _ = io.WriteString(w, emptyPage)
		})
		page, err := c.Fetch(t.Context(), "auditevents", Query{})
		require.NoError(t, err)
		assert.True(t, want.Equal(page.ServerTime), "%s: %s", date, page.ServerTime)
		e := fetchError(t, serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Date", date)
			w.WriteHeader(http.StatusInternalServerError)
		}))
		assert.True(t, want.Equal(e.ServerTime))
		for _, body := range []string{"{}", "<html>", strings.Repeat(" ", 200)} { // too large, the last one
			e := fetchError(t, serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Date", date)
				_, _ = io.WriteString(w, body)
			}, func(cfg *Config) { cfg.MaxResponseBytes = 100 }))
			assert.True(t, want.Equal(e.ServerTime), body)
		}
	}
}

// TestIntrospectionIsSanitized: what a server says of an account is short and printable.
func TestIntrospectionIsSanitized(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"uuid":"U\u001b[31m\n","account_uuid":"`+strings.Repeat("A", 60_000)+`","features":["\u0007x","`+strings.Repeat("y", 300)+`"]}`)
	})
	who, err := c.Introspect(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "U", who.UUID)
	assert.Len(t, who.AccountUUID, maxNameBytes)
	assert.Equal(t, "x", who.Features[0])
	assert.Len(t, who.Features[1], maxNameBytes)
}

func TestTooLarge(t *testing.T) {
	bomb := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		zw := gzip.NewWriter(w)
		for range 64 {
			_, _ = zw.Write(make([]byte, 1<<20))
		}
		_ = zw.Close()
	}
	announced := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(1<<40))
		_, _ = io.WriteString(w, emptyPage)
	}
	endless := func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				return
			}
		}
	}
	for name, handler := range map[string]http.HandlerFunc{"gzip": bomb, "announced": announced, "endless": endless} {
		t.Run(name, func(t *testing.T) {
			e := fetchError(t, serve(t, handler, func(cfg *Config) { cfg.MaxResponseBytes = 2 << 20 }))
			assert.Equal(t, TooLarge, e.Class)
			assert.Contains(t, e.Error(), "set a smaller `limit`")
			assert.Contains(t, e.Error(), "more than 2 MiB after decompression")
		})
	}
	t.Run("exactly the cap", func(t *testing.T) {
		answer := func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, emptyPage) }
		_, err := serve(t, answer, func(cfg *Config) { cfg.MaxResponseBytes = int64(len(emptyPage)) }).Fetch(t.Context(), "auditevents", Query{})
		require.NoError(t, err)
		e := fetchError(t, serve(t, answer, func(cfg *Config) { cfg.MaxResponseBytes = int64(len(emptyPage)) - 1 }))
		assert.Equal(t, TooLarge, e.Class)
	})
}

// hang answers what it is given to begin with, and then nothing until the client is gone.
func hang(code int, beginning string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // net/http notices that the client is gone once the body is read
		if code != 0 {
			w.WriteHeader(code)
			_, _ = io.WriteString(w, beginning)
			_ = http.NewResponseController(w).Flush()
		}
		<-r.Context().Done()
	}
}

func TestTimeout(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{"no answer": hang(0, ""), "in the body": hang(200, emptyPage[:10])} {
		t.Run(name, func(t *testing.T) {
			e := fetchError(t, serve(t, handler, timeout(50*time.Millisecond)))
			assert.Equal(t, Network, e.Class)
			assert.Contains(t, e.Error(), "no complete answer within the timeout of 50ms")
			require.ErrorIs(t, e, ErrTimeout)
			assert.NotErrorIs(t, e, context.DeadlineExceeded, "that would be the caller's")
		})
	}
	t.Run("in the body of an error", func(t *testing.T) {
		e := fetchError(t, serve(t, hang(503, "busy"), timeout(50*time.Millisecond)))
		assert.Equal(t, Server, e.Class, "the status is known")
		assert.Equal(t, "busy", e.Message)
	})
}

func TestCallersContext(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{"no answer": hang(0, ""), "in the body": hang(200, emptyPage[:10])} {
		t.Run(name, func(t *testing.T) {
			started := make(chan struct{}, 1)
			c := serve(t, func(w http.ResponseWriter, r *http.Request) { started <- struct{}{}; handler(w, r) })
			ctx, cancel := context.WithCancel(t.Context())
			go func() { <-started; cancel() }()
			_, err := c.Fetch(ctx, "auditevents", Query{})
			require.ErrorIs(t, err, context.Canceled)
			assert.Equal(t, Canceled, ClassOf(err))
		})
	}
	t.Run("deadline", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		_, err := serve(t, hang(0, "")).Fetch(ctx, "auditevents", Query{})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, Network, ClassOf(err))
	})
}

// hijack takes the connection over and hands it to a function that treats it badly.
func hijack(bad func(net.Conn, *bufio.ReadWriter)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		bad(conn, rw)
		_ = conn.Close()
	}
}

func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
}

func TestNetworkErrors(t *testing.T) {
	tests := map[string]struct {
		bad  func(net.Conn, *bufio.ReadWriter)
		want string
	}{
		"reset":  {func(c net.Conn, _ *bufio.ReadWriter) { reset(c) }, "connection reset, by the server"},
		"closed": {func(net.Conn, *bufio.ReadWriter) {}, "connection closed without a response"},
		"noise":  {func(_ net.Conn, rw *bufio.ReadWriter) { _, _ = rw.WriteString("SSH-2.0-x\r\n"); _ = rw.Flush() }, "malformed HTTP"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			e := fetchError(t, serve(t, hijack(test.bad)))
			assert.Equal(t, Network, e.Class)
			assert.Zero(t, e.Status)
			assert.Contains(t, e.Error(), test.want)
			assert.True(t, strings.HasPrefix(e.Error(), e.Host+": "))
		})
	}
	t.Run("connection refused", func(t *testing.T) {
		srv := httptest.NewServer(http.NotFoundHandler())
		srv.Close()
		assert.Contains(t, fetchError(t, newClient(t, srv.URL)).Error(), "connection refused")
	})
	t.Run("unknown authority", func(t *testing.T) {
		srv := httptest.NewUnstartedServer(http.NotFoundHandler())
		srv.Config.ErrorLog = log.New(io.Discard, "", 0)
		srv.StartTLS()
		defer srv.Close()
		assert.Contains(t, fetchError(t, newClient(t, srv.URL)).Error(), "ssl.certificate_authorities")
	})
	t.Run("no TLS", func(t *testing.T) {
		srv := httptest.NewServer(http.NotFoundHandler())
		defer srv.Close()
		assert.Contains(t, fetchError(t, newClient(t, strings.Replace(srv.URL, "http:", "https:", 1))).Error(), "does not speak TLS")
	})
	t.Run("unknown host", func(t *testing.T) {
		c := newClient(t, "https://events.example.com", func(cfg *Config) {
			cfg.Transport = failing{&net.DNSError{Err: "no such host", Name: "events.example.com", IsNotFound: true}}
		})
		assert.Contains(t, fetchError(t, c).Error(), "unknown to DNS")
	})
}

// failing is a transport that only fails.
type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

func TestTLSVersion(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.TLS = &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10} // what the client must reject
	srv.StartTLS()
	defer srv.Close()
	assert.Equal(t, Network, fetchError(t, newClient(t, srv.URL)).Class)
	assert.EqualValues(t, tls.VersionTLS12, newTransport().TLSClientConfig.MinVersion)
}

func TestHTTP2(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, 2, r.ProtoMajor)
		switch r.URL.Path {
		case "/api/v2/cut":
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, emptyPage[:20])
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		default:
			_, _ = io.WriteString(w, emptyPage)
		}
	}))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	transport := newTransport()
	transport.TLSClientConfig.RootCAs = srv.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs //nolint:errcheck,forcetypeassert // httptest's own
	c := newClient(t, srv.URL, func(cfg *Config) { cfg.Transport = transport })
	for range 3 {
		page, err := c.Fetch(t.Context(), "auditevents", Query{})
		require.NoError(t, err)
		assert.Equal(t, "c1", page.Cursor)
	}
	_, err := c.Fetch(t.Context(), "cut", Query{})
	assert.Contains(t, []Class{Network, Malformed}, ClassOf(err))
}

// proxied returns a client that reaches an https server through a proxy.
func proxied(t *testing.T, proxyURL string) *Client {
	t.Helper()
	u, err := url.Parse(proxyURL)
	require.NoError(t, err)
	transport := newTransport()
	transport.Proxy = http.ProxyURL(u)
	return newClient(t, "https://events.example.com", func(cfg *Config) { cfg.Transport = transport })
}

func TestProxyErrors(t *testing.T) {
	for status, want := range map[int]string{407: "the proxy requires a user name and password", 403: "the proxy rejected the connection: 403 Forbidden", 502: "the proxy rejected the connection: 502 Bad Gateway"} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				assert.Equal(t, http.MethodConnect, r.Method)
				assert.Empty(t, r.Header.Get("Authorization"), "the token is not for the proxy")
				w.WriteHeader(status)
			}))
			defer proxy.Close()
			e := fetchError(t, proxied(t, strings.Replace(proxy.URL, "http://", "http://user:hunter2@", 1)))
			assert.Equal(t, Network, e.Class)
			assert.Contains(t, e.Error(), want)
		})
	}
	t.Run("connection refused", func(t *testing.T) {
		proxy := httptest.NewServer(http.NotFoundHandler())
		proxy.Close()
		assert.Contains(t, fetchError(t, proxied(t, proxy.URL)).Error(), "the proxy cannot be reached: connection refused")
	})
	t.Run("its URL in an error", func(t *testing.T) {
		c := newClient(t, "https://events.example.com", func(cfg *Config) {
			cfg.Transport = failing{&url.Error{Op: "Get", URL: "http://user:hunter2@proxy.example.net:3128", Err: errors.New("odd")}}
		})
		assert.Contains(t, fetchError(t, c).Error(), "http://[redacted]@proxy.example.net:3128")
	})
}

func TestToken(t *testing.T) {
	tests := map[string]struct {
		token string
		err   error
		want  string
	}{
		"none":       {"", nil, "no usable token: the token is empty"},
		"line break": {"abc\ndef", nil, "no usable token: the token has several lines"},
		"error":      {"", errors.New("open token: permission denied"), "no usable token: open token: permission denied"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("nothing is sent") }, func(cfg *Config) { cfg.Token = func() (string, error) { return test.token, test.err } })
			e := fetchError(t, c)
			assert.Equal(t, Token, e.Class)
			assert.Contains(t, e.Error(), test.want)
			if test.err != nil {
				assert.ErrorIs(t, e, test.err)
			}
		})
	}
	t.Run("read anew and trimmed", func(t *testing.T) {
		n := 0
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			assert.Equal(t, fmt.Sprintf("Bearer token-%d", n), r.Header.Get("Authorization"))
			_, _ = io.WriteString(w, emptyPage)
		}, func(cfg *Config) {
			cfg.Token = func() (string, error) { n++; return fmt.Sprintf("token-%d\n", n), nil }
		})
		for range 3 {
			_, err := c.Fetch(t.Context(), "auditevents", Query{})
			require.NoError(t, err)
		}
	})
}

func TestIntrospect(t *testing.T) {
	want := Introspection{UUID: "U", AccountUUID: "A", IssuedAt: time.Date(2026, 1, 2, 6, 4, 5, 0, time.UTC), Features: []string{"auditevents", "itemusages"}}
	without := want
	without.AccountUUID = ""
	tests := map[string]struct {
		version    Version
		path, body string
		want       Introspection
	}{
		"v2":               {V2, "/api/v2/auth/introspect", `{"uuid":"U","issued_at":"2026-01-02T03:04:05-03:00","features":["auditevents","itemusages"],"account_uuid":"A"}`, want},
		"v2 of old":        {V2, "/api/v2/auth/introspect", `{"uuid":"U","issued_at":"2026-01-02T03:04:05-03:00","features":["auditevents","itemusages"]}`, without},
		"v1":               {V1, "/api/auth/introspect", `{"UUID":"U","IssuedAt":"2026-01-02T06:04:05Z","Features":["auditevents","itemusages"]}`, without},
		"v1 keys from v2":  {V2, "/api/v2/auth/introspect", `{"UUID":"U","IssuedAt":"2026-01-02T06:04:05Z","Features":["auditevents","itemusages"]}`, without},
		"features unknown": {V2, "/api/v2/auth/introspect", `{"uuid":"U","issued_at":"soon"}`, Introspection{UUID: "U"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				assert.Equal(t, http.MethodGet, r.Method)
				assert.Equal(t, test.path, r.URL.Path)
				assert.Empty(t, r.Header.Get("Content-Type"))
				_, _ = io.WriteString(w, test.body)
			}, func(cfg *Config) { cfg.Version = test.version })
			got, err := c.Introspect(t.Context())
			require.NoError(t, err)
			assert.True(t, test.want.IssuedAt.Equal(got.IssuedAt))
			got.IssuedAt = test.want.IssuedAt
			assert.WithinDuration(t, time.Now(), got.ServerTime, time.Minute)
			got.ServerTime = time.Time{}
			assert.Equal(t, test.want, *got)
		})
	}
	for body, want := range map[string]string{`{}`: "no uuid", `null`: "no uuid", `<html>`: "HTML", ``: "empty", `{"uuid":7}`: "not an introspection", `{"uuid":"U"} x`: "not an introspection"} {
		t.Run("malformed "+body, func(t *testing.T) {
			_, err := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }).Introspect(t.Context())
			assert.Equal(t, Malformed, ClassOf(err))
			assert.ErrorContains(t, err, want)
		})
	}
}

func TestRedirects(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("another server was asked") }))
	defer elsewhere.Close()
	var hops atomic.Int32
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch hops.Add(1); r.URL.Query().Get("to") {
		case "":
			http.Redirect(w, r, r.URL.Path+"?to=end", http.StatusMovedPermanently)
		case "end":
			assert.Equal(t, "Bearer "+testToken, r.Header.Get("Authorization"))
			_, _ = io.WriteString(w, `{"uuid":"U"}`)
		}
	})
	_, err := c.Introspect(t.Context())
	require.NoError(t, err, "a GET on the same server goes on")
	assert.EqualValues(t, 2, hops.Load())

	hops.Store(0)
	assert.Equal(t, Redirect, fetchError(t, c).Class, "a POST does not")
	assert.EqualValues(t, 1, hops.Load())

	for name, to := range map[string]string{"other port": elsewhere.URL, "other scheme": "https://127.0.0.1", "user": "//u:hunter2@HOST/", "endless": "/again"} {
		t.Run(name, func(t *testing.T) {
			hops.Store(0)
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				hops.Add(1)
				w.Header().Set("Location", strings.ReplaceAll(to, "HOST", r.Host))
				w.WriteHeader(http.StatusFound)
			})
			_, err := c.Introspect(t.Context())
			assert.Equal(t, Redirect, ClassOf(err))
			assertNoSecret(t, err)
			assert.LessOrEqual(t, hops.Load(), int32(maxRedirects+1))
		})
	}
}

// A server closes an idle connection at the moment the next poll goes out: the poll is sent again on a new one.
func TestIdleConnectionClosedByServer(t *testing.T) {
	var requests atomic.Int32
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) == 2 {
			hijack(func(net.Conn, *bufio.ReadWriter) {})(w, r)
			return
		}
		_, _ = io.WriteString(w, emptyPage)
	})
	for range 2 {
		_, err := c.Fetch(t.Context(), "auditevents", Query{Cursor: "c0"})
		require.NoError(t, err)
	}
	assert.EqualValues(t, 3, requests.Load())
}

func TestNoGoroutineStays(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Run("requests", func(t *testing.T) {
		for _, handler := range []http.HandlerFunc{hang(0, ""), hang(200, "{"), hang(503, "x"), hijack(func(c net.Conn, _ *bufio.ReadWriter) { reset(c) }),
			func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, emptyPage) }} {
			_, _ = serve(t, handler, timeout(20*time.Millisecond)).Fetch(t.Context(), "auditevents", Query{})
		}
	})
	// Not assert.Eventually, which is a goroutine more itself.
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; <-tick.C {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<16)
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
		}
	}
}

func TestNew(t *testing.T) {
	token := func() (string, error) { return testToken, nil }
	for want, cfg := range map[string]Config{
		"URL is empty":         {Token: token},
		"no token source":      {BaseURL: "https://events.example.com"},
		`unknown version "v3"`: {BaseURL: "https://events.example.com", Token: token, Version: "v3"},
	} {
		_, err := New(cfg)
		require.ErrorContains(t, err, want)
	}
	_, err := newClient(t, "https://events.example.com").Fetch(t.Context(), "auditevents", Query{StartTime: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)})
	assert.Equal(t, Unexpected, ClassOf(err), "a time that JSON cannot hold")
}

func BenchmarkFetch(b *testing.B) {
	body := syntheticPage(1000)
	c := serve(b, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body)
	})
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Fetch(b.Context(), "auditevents", Query{Cursor: "c0"}); err != nil {
			b.Fatal(err)
		}
	}
}
