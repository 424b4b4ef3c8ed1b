// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Requests of an account: the token and what it says, rotation, TLS and proxies.

package account

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	conf "github.com/elastic/elastic-agent-libs/config"
	"github.com/elastic/elastic-agent-libs/logp/logptest"
	"github.com/elastic/elastic-agent-libs/transport/httpcommon"
	"github.com/elastic/elastic-agent-libs/transport/tlscommon"

	"onepasswordbeat/internal/eventsapi"
	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/internal/safetext"
)

const userAgent = "onepasswordbeat/1.2.3"

// secretPart is in every token and proxy password of these tests.
const secretPart = "hunter2"

// token returns a token with these claims and a telling signature.
func token(claims map[string]any) string {
	raw, err := json.Marshal(claims)
	if err != nil {
		panic(err) // a mistake in a test
	}
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"ES256"}`)) + "." + encode(raw) + "." + secretPart
}

func tokenFor(host string) string { return token(map[string]any{"aud": []string{host}}) }

// options reads settings as they stand in a configuration.
func options(t *testing.T, settings map[string]any) Options {
	t.Helper()
	var c struct {
		Token      string                           `config:"token"`
		TokenFile  string                           `config:"token_file"`
		URL        string                           `config:"url"`
		APIVersion string                           `config:"api_version"`
		Transport  httpcommon.HTTPTransportSettings `config:",inline"`
	}
	c.Transport = httpcommon.DefaultHTTPTransportSettings()
	require.NoError(t, conf.MustNewConfigFrom(settings).Unpack(&c))
	return Options{
		Token: safetext.Secret(c.Token), TokenFile: c.TokenFile, URL: c.URL, APIVersion: c.APIVersion, Transport: c.Transport,
		UserAgent: userAgent, RateLimit: RateLimit{PerMinute: 600, PerHour: 30_000},
	}
}

// newAccount makes an account of settings as they stand in a configuration.
func newAccount(t *testing.T, settings map[string]any) (*Account, *observer.ObservedLogs) {
	t.Helper()
	opts := options(t, settings)
	log, logs := logptest.NewTestingLoggerWithObserver(t, "")
	opts.Log = log
	a, err := New(opts)
	require.NoError(t, err)
	t.Cleanup(a.Close)
	t.Cleanup(func() { assertNoSecret(t, "the log", logLines(logs)) })
	return a, logs
}

func logLines(logs *observer.ObservedLogs) string {
	var b strings.Builder
	for _, e := range logs.All() {
		fmt.Fprintf(&b, "%s %s %v\n", e.Level, e.Message, e.ContextMap())
	}
	return b.String()
}

func assertNoSecret(t *testing.T, what, text string) {
	t.Helper()
	assert.NotContains(t, text, secretPart, what)
	assert.NotContains(t, text, "eyJ", what)
}

func fetch(t *testing.T, a *Account) error {
	t.Helper()
	_, err := a.Fetch(t.Context(), "auditevents", eventsapi.Query{Limit: 1})
	if err != nil {
		assertNoSecret(t, "the error", fmt.Sprintf("%s|%v|%+v|%#v", err, err, err, err))
		var e *eventsapi.Error
		require.ErrorAs(t, err, &e)
	}
	return err
}

func requireClass(t *testing.T, class eventsapi.Class, err error, parts ...string) {
	t.Helper()
	require.Equal(t, class, eventsapi.ClassOf(err), "%v", err)
	for _, part := range parts {
		require.ErrorContains(t, err, part)
	}
}

func TestFetchAndIntrospect(t *testing.T) {
	srv := eventsapitest.StartTB(t, eventsapitest.Config{Backlog: eventsapitest.Each(3)})
	a, _ := newAccount(t, map[string]any{"token": srv.Token(), "url": srv.URL})
	page, err := a.Fetch(t.Context(), "auditevents", eventsapi.Query{Limit: 2, StartTime: time.Now().Add(-48 * time.Hour)})
	require.NoError(t, err)
	assert.Len(t, page.Items, 2)
	who, err := a.Introspect(t.Context())
	require.NoError(t, err)
	assert.Equal(t, srv.ID(), who.AccountUUID)
	assert.Equal(t, srv.ID(), a.UUID(t.Context()))
	claims, server, err := a.Token()
	require.NoError(t, err)
	assert.Equal(t, srv.URL, server)
	assert.Len(t, claims.Features, 3)
	for _, r := range srv.Requests() {
		assert.Equal(t, userAgent, r.UserAgent)
	}
}

func TestServerIsTheTokens(t *testing.T) {
	ca := newAuthority(t)
	srv, requests := serveTLS(t, ca, "127.0.0.1", nil)
	a, _ := newAccount(t, map[string]any{"token": tokenFor(srv.Listener.Addr().String()), "ssl.certificate_authorities": []string{ca.file}})
	require.NoError(t, fetch(t, a))
	assert.Equal(t, "/api/v2/auditevents", requests.all()[0].URL.Path)
}

// TestTokenThatCannotBeRead works where url names the server.
func TestTokenThatCannotBeRead(t *testing.T) {
	ca := newAuthority(t)
	srv, requests := serveTLS(t, ca, "127.0.0.1", nil)
	a, _ := newAccount(t, map[string]any{"token": "opaque-" + secretPart, "url": srv.URL, "ssl.certificate_authorities": []string{ca.file}, "api_version": "v1"})
	require.NoError(t, fetch(t, a))
	assert.Equal(t, "/api/v1/auditevents", requests.all()[0].URL.Path)
	assert.Equal(t, "Bearer opaque-"+secretPart, requests.all()[0].Header.Get("Authorization"))
	assert.Empty(t, a.UUID(t.Context()))
}

func TestFeatureThatTheTokenLacks(t *testing.T) {
	srv := eventsapitest.StartTB(t, eventsapitest.Config{})
	a, _ := newAccount(t, map[string]any{"token": srv.Token(eventsapitest.WithFeatures(eventsapitest.ItemUsages)), "url": srv.URL})
	requireClass(t, eventsapi.Forbidden, fetch(t, a), "auditevents", "[itemusages]")
	assert.Empty(t, srv.Requests(), "rejected without a request")
	_, err := a.Fetch(t.Context(), "itemusages", eventsapi.Query{})
	require.NoError(t, err)
}

func TestExpiryIsLoggedOncePerToken(t *testing.T) {
	now := time.Now()
	expiring := func(in time.Duration) string {
		return token(map[string]any{"aud": []string{"events.example.com"}, "exp": now.Add(in).Unix()})
	}
	file := filepath.Join(t.TempDir(), "token")
	a, logs := newAccount(t, map[string]any{"token_file": file})
	a.now = func() time.Time { return now }
	said := 0
	for _, step := range []struct {
		token string
		want  string // a new line in the log; empty: none
	}{
		{expiring(15 * 24 * time.Hour), ""},
		{expiring(13*24*time.Hour + time.Hour), "the token expires soon"},
		{expiring(time.Hour), "the token expires soon"},
		{expiring(-time.Hour), "the token expired"},
		{tokenFor("events.example.com"), ""},
	} {
		require.NoError(t, os.WriteFile(file, []byte(step.token), 0o600))
		for range 3 {
			_, _, err := a.Token()
			require.NoError(t, err)
		}
		lines := logs.FilterLevelExact(zapcore.ErrorLevel).All()[said:]
		if step.want == "" {
			assert.Empty(t, lines)
			continue
		}
		require.Len(t, lines, 1)
		said++
		assert.Contains(t, lines[0].Message, step.want)
		assert.Contains(t, lines[0].Message, "create a new token at 1Password")
	}
}

// TestRotation: each request carries the token that is in the file, also one of the
// same size and time.
func TestRotation(t *testing.T) {
	srv := eventsapitest.StartTB(t, eventsapitest.Config{})
	first, second := srv.Token(), srv.Token()
	require.Len(t, second, len(first))
	srv.Revoke(second)
	file := filepath.Join(t.TempDir(), "token")
	at := time.Now().Truncate(time.Second)
	put := func(content string) {
		t.Helper()
		next := file + ".new"
		require.NoError(t, os.WriteFile(next, []byte(content), 0o600))
		require.NoError(t, os.Chtimes(next, at, at))
		require.NoError(t, os.Rename(next, file))
	}
	a, _ := newAccount(t, map[string]any{"token_file": file, "url": srv.URL})
	assert.Zero(t, a.TokenGeneration(), "there is none")
	requireClass(t, eventsapi.Token, fetch(t, a), "token_file can't be read", file)
	put(first)
	assert.EqualValues(t, 1, a.TokenGeneration())
	require.NoError(t, fetch(t, a))
	put("\ufeff  " + first + "\r\n")
	assert.EqualValues(t, 1, a.TokenGeneration(), "the same in another dress")
	put(second)
	assert.EqualValues(t, 2, a.TokenGeneration())
	requireClass(t, eventsapi.Auth, fetch(t, a))
	assert.EqualValues(t, 2, a.TokenGeneration(), "its use by one harvester hides it from no other")
	put(first)
	assert.EqualValues(t, 3, a.TokenGeneration())
	require.NoError(t, fetch(t, a))
	require.NoError(t, os.Remove(file))
	assert.Zero(t, a.TokenGeneration(), "no token to try")
	requireClass(t, eventsapi.Token, fetch(t, a))
	put(first)
	assert.EqualValues(t, 3, a.TokenGeneration())
	require.NoError(t, fetch(t, a))
}

func TestTokenFileThatHoldsNone(t *testing.T) {
	dir := t.TempDir()
	tests := map[string]struct {
		content string
		want    string
	}{
		"empty":       {"", "there is no token"},
		"blank":       {" \n\n", "there is no token"},
		"large":       {strings.Repeat("x", eventsapi.MaxTokenBytes+1), "holds no token: it has 65537 bytes"},
		"no token":    {"something else", "a space"},
		"half":        {tokenFor("events.example.com")[:30], "3 parts"},
		"no server":   {tokenFor(eventsapitest.DeprecatedAudience), "set `url`"},
		"two of them": {tokenFor("events.example.com") + "\n" + tokenFor("events.example.com"), "several lines"},
		"quoted":      {`"` + tokenFor("events.example.com") + `"`, "in quotes"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
			require.NoError(t, os.WriteFile(file, []byte(test.content), 0o600))
			a, _ := newAccount(t, map[string]any{"token_file": file})
			requireClass(t, eventsapi.Token, fetch(t, a), test.want, file)
			_, err := a.Introspect(t.Context())
			requireClass(t, eventsapi.Token, err)
			assert.Empty(t, a.UUID(t.Context()))
		})
	}
	t.Run("a folder", func(t *testing.T) {
		a, _ := newAccount(t, map[string]any{"token_file": dir})
		requireClass(t, eventsapi.Token, fetch(t, a), "is not a regular file")
	})
}

// TestRotatedTokenNamesAnotherServer: the next request goes there, and only there.
func TestRotatedTokenNamesAnotherServer(t *testing.T) {
	ca := newAuthority(t)
	one, toOne := serveTLS(t, ca, "127.0.0.1", nil)
	two, toTwo := serveTLS(t, ca, "127.0.0.1", nil)
	file := filepath.Join(t.TempDir(), "token")
	a, _ := newAccount(t, map[string]any{"token_file": file, "ssl.certificate_authorities": []string{ca.file}})
	for i, srv := range []*httptest.Server{one, two, one} {
		require.NoError(t, os.WriteFile(file, []byte(tokenFor(srv.Listener.Addr().String())), 0o600))
		require.NoError(t, fetch(t, a))
		assert.Len(t, append(toOne.all(), toTwo.all()...), i+1)
	}
	assert.Len(t, toOne.all(), 2)
	assert.Len(t, toTwo.all(), 1)

	// One harvester has its client when another one sees the new token.
	client, _, err := a.current()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, []byte(tokenFor(two.Listener.Addr().String())), 0o600))
	_, _, err = a.current()
	require.NoError(t, err)
	_, err = client.Fetch(t.Context(), "auditevents", eventsapi.Query{Limit: 1})
	requireClass(t, eventsapi.Token, err, "at this moment")
	assert.Len(t, toOne.all(), 2)
}

func TestTLS(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	oldTLS := func(srv *httptest.Server) {
		srv.TLS.MinVersion, srv.TLS.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 // what the account must reject
	}
	http2 := func(srv *httptest.Server) { srv.EnableHTTP2 = true }
	clientCert := func(srv *httptest.Server) {
		srv.TLS.ClientAuth, srv.TLS.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
		srv.TLS.ClientCAs.AddCert(ca.cert)
	}
	_, certFile, keyFile := ca.leaf(t, "collector.example.com")
	cas := []string{ca.file}
	tests := map[string]struct {
		certFor  string
		change   func(*httptest.Server)
		settings map[string]any
		want     []string // parts of the error
		proto    int
	}{
		"known CA":              {"127.0.0.1", nil, map[string]any{"ssl.certificate_authorities": cas}, nil, 1},
		"HTTP/2":                {"127.0.0.1", http2, map[string]any{"ssl.certificate_authorities": cas}, nil, 2},
		"client certificate":    {"127.0.0.1", clientCert, map[string]any{"ssl.certificate_authorities": cas, "ssl.certificate": certFile, "ssl.key": keyFile}, nil, 1},
		"no client certificate": {"127.0.0.1", clientCert, map[string]any{"ssl.certificate_authorities": cas}, []string{"certificate"}, 0},
		"unknown CA":            {"127.0.0.1", nil, nil, []string{"ssl.certificate_authorities"}, 0},
		"another CA":            {"127.0.0.1", nil, map[string]any{"ssl.certificate_authorities": []string{other.file}}, []string{"ssl.certificate_authorities"}, 0},
		"disabled means full":   {"127.0.0.1", nil, map[string]any{"ssl.enabled": false}, []string{"ssl.certificate_authorities"}, 0},
		"wrong name":            {"events.example.com", nil, map[string]any{"ssl.certificate_authorities": cas}, []string{"127.0.0.1"}, 0},
		"wrong address":         {"192.0.2.1", nil, map[string]any{"ssl.certificate_authorities": cas}, []string{"127.0.0.1"}, 0},
		"strict, wrong name":    {"events.example.com", nil, map[string]any{"ssl.certificate_authorities": cas, "ssl.verification_mode": "strict"}, []string{"127.0.0.1"}, 0},
		"no check of the name":  {"events.example.com", nil, map[string]any{"ssl.certificate_authorities": cas, "ssl.verification_mode": "certificate"}, nil, 1},
		"no check at all":       {"events.example.com", http2, map[string]any{"ssl.verification_mode": "none"}, nil, 2},
		"TLS 1.1":               {"127.0.0.1", oldTLS, map[string]any{"ssl.certificate_authorities": cas}, []string{"protocol version"}, 0},
		"TLS 1.1, no check":     {"127.0.0.1", oldTLS, map[string]any{"ssl.verification_mode": "none"}, []string{"protocol version"}, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			srv, requests := serveTLS(t, ca, test.certFor, test.change)
			settings := map[string]any{"token": tokenFor("events.example.com"), "url": srv.URL}
			for k, v := range test.settings {
				settings[k] = v
			}
			a, _ := newAccount(t, settings)
			err := fetch(t, a)
			if test.proto == 0 {
				requireClass(t, eventsapi.Network, err, test.want...)
				assert.Empty(t, requests.all(), "the token was not sent")
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.proto, requests.all()[0].ProtoMajor)
		})
	}
}

func TestTLSSettingsThatCannotBeUsed(t *testing.T) {
	opts := options(t, map[string]any{"token": tokenFor("events.example.com")})
	opts.Transport.TLS = &tlscommon.Config{CAs: []string{"/no/such/ca.pem"}}
	require.ErrorContains(t, Check(opts), "the ssl settings cannot be used")
	_, err := New(opts)
	require.ErrorContains(t, err, "the ssl settings cannot be used")
}

// TestPlainHTTPNeverPassesAProxy: the token would leave the machine in clear text.
func TestPlainHTTPNeverPassesAProxy(t *testing.T) {
	for _, url := range []string{"http://127.0.0.1:8080", "http://localhost", "http://[::1]:80"} {
		opts := options(t, map[string]any{"token": tokenFor("events.example.com"), "url": url, "proxy_url": "http://proxy.example.com:3128"})
		require.ErrorContains(t, Check(opts), "unencrypted", url)
		opts.Transport.Proxy.Disable = true
		require.NoError(t, Check(opts), url)
	}
}

func withCredentials(proxyURL string) string {
	return strings.Replace(proxyURL, "://", "://proxyuser:"+secretPart+"@", 1)
}

func TestProxy(t *testing.T) {
	ca := newAuthority(t)
	tests := map[string]struct {
		certFor string
		proxyCA *authority // of an https:// proxy
		want    string     // part of the error
	}{
		"works":                   {"events.example.com", nil, ""},
		"https":                   {"events.example.com", ca, ""},
		"wrong name":              {"elsewhere.example.com", nil, "events.example.com"},
		"https, wrong name":       {"elsewhere.example.com", ca, "events.example.com"},
		"https, the proxy's name": {"127.0.0.1", ca, "events.example.com"},
		"https, unknown CA":       {"events.example.com", newAuthority(t), "proxy"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			srv, requests := serveTLS(t, ca, test.certFor, func(s *httptest.Server) { s.EnableHTTP2 = true })
			proxy, connects := serveProxy(t, srv.Listener.Addr().String(), test.proxyCA)
			a, _ := newAccount(t, map[string]any{
				"token": tokenFor("events.example.com"), "ssl.certificate_authorities": []string{ca.file},
				"proxy_url": withCredentials(proxy.URL),
			})
			err := fetch(t, a)
			if test.want != "" {
				requireClass(t, eventsapi.Network, err, test.want)
				assert.Empty(t, requests.all(), "the token was not sent")
				return
			}
			require.NoError(t, err)
			assert.Equal(t, "events.example.com", requests.all()[0].Host)
			assert.Equal(t, 2, requests.all()[0].ProtoMajor)
			require.Len(t, connects.all(), 1)
			connect := connects.all()[0]
			assert.Equal(t, "events.example.com:443", connect.Host)
			assert.Empty(t, connect.Header.Get("Authorization"), "the token is not for the proxy")
			user, password, _ := (&http.Request{Header: http.Header{"Authorization": connect.Header["Proxy-Authorization"]}}).BasicAuth()
			assert.Equal(t, "proxyuser:"+secretPart, user+":"+password)
		})
	}
}

func TestProxyThatIsNotThere(t *testing.T) {
	var listen net.ListenConfig
	l, err := listen.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	for _, scheme := range []string{"http", "https", "socks5"} {
		a, _ := newAccount(t, map[string]any{"token": tokenFor("events.example.com"), "proxy_url": withCredentials(scheme + "://" + l.Addr().String())})
		requireClass(t, eventsapi.Network, fetch(t, a), "refused")
	}
}

// TestProxyOfTheEnvironment runs itself again: net/http reads these variables once
// a process.
func TestProxyOfTheEnvironment(t *testing.T) {
	if caFile := os.Getenv("TEST_ACCOUNT_CA"); caFile != "" {
		a, _ := newAccount(t, map[string]any{"token": tokenFor("events.example.com"), "ssl.certificate_authorities": []string{caFile}, "proxy_disable": os.Getenv("TEST_ACCOUNT_DISABLE") != ""})
		if os.Getenv("TEST_ACCOUNT_DISABLE") != "" {
			transport, err := a.transport("https://events.example.com")
			require.NoError(t, err)
			require.Nil(t, transport.(*http.Transport).Proxy) //nolint:errcheck,forcetypeassert // httpcommon's own
			return
		}
		require.NoError(t, fetch(t, a))
		return
	}
	ca := newAuthority(t)
	srv, requests := serveTLS(t, ca, "events.example.com", nil)
	proxy, connects := serveProxy(t, srv.Listener.Addr().String(), nil)
	self, err := os.Executable()
	require.NoError(t, err)
	for _, disable := range []string{"1", ""} {
		cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestProxyOfTheEnvironment$")
		cmd.Env = append(os.Environ(), "HTTPS_PROXY="+withCredentials(proxy.URL), "https_proxy=", "NO_PROXY=", "no_proxy=", "TEST_ACCOUNT_CA="+ca.file, "TEST_ACCOUNT_DISABLE="+disable)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	assert.Len(t, connects.all(), 1)
	assert.Len(t, requests.all(), 1)
}

// TestNoSecretInAnyFailure: fetch looks at every error, newAccount at the log.
func TestNoSecretInAnyFailure(t *testing.T) {
	srv := eventsapitest.StartTB(t, eventsapitest.Config{})
	good := srv.Token()
	for name, fault := range map[string]eventsapitest.Fault{
		"400": eventsapitest.HTTPStatus(400), "401": eventsapitest.HTTPStatus(401), "403": eventsapitest.HTTPStatus(403), "404": eventsapitest.HTTPStatus(404),
		"429": eventsapitest.TooManyRequests(time.Second, eventsapitest.RetryAfterSeconds), "500": eventsapitest.HTTPStatus(500),
		"reset": {Kind: eventsapitest.Reset}, "cut": {Kind: eventsapitest.Cut}, "garbage": {Kind: eventsapitest.Garbage}, "html": {Kind: eventsapitest.HTML},
	} {
		t.Run(name, func(t *testing.T) {
			a, _ := newAccount(t, map[string]any{"token": good, "url": srv.URL})
			srv.Script(fault)
			require.Error(t, fetch(t, a))
		})
	}
	t.Run("echo", func(t *testing.T) {
		echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, "bad header: "+r.Header.Get("Authorization"), http.StatusUnauthorized)
		}))
		defer echo.Close()
		a, _ := newAccount(t, map[string]any{"token": tokenFor("events.example.com"), "url": echo.URL})
		require.Error(t, fetch(t, a))
	})
	t.Run("unknown host", func(t *testing.T) {
		a, _ := newAccount(t, map[string]any{"token": tokenFor("no-such-host.invalid"), "timeout": "5s"})
		requireClass(t, eventsapi.Network, fetch(t, a))
	})
	t.Run("characters that no header takes", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "token")
		require.NoError(t, os.WriteFile(file, []byte("ab\x01c "+secretPart), 0o600))
		a, _ := newAccount(t, map[string]any{"token_file": file, "url": srv.URL})
		requireClass(t, eventsapi.Token, fetch(t, a))
	})
	t.Run("a server that can't be one", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "token")
		require.NoError(t, os.WriteFile(file, []byte(tokenFor("events.example.com/path?a=b")), 0o600))
		a, _ := newAccount(t, map[string]any{"token_file": file})
		requireClass(t, eventsapi.Token, fetch(t, a))
	})
}

func TestHostOf(t *testing.T) {
	assert.Equal(t, "events.example.com:8443", hostOf("https://events.example.com:8443/x"))
	assert.Empty(t, hostOf("https://[::1"))
}

// TestTokenFileThatOthersCanRead is used, with one warning. A file that its group can read is fine: so Kubernetes mounts
// a Secret with defaultMode 0440 and an fsGroup.
func TestTokenFileThatOthersCanRead(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("its permissions are not in the mode")
	}
	for mode, warned := range map[os.FileMode]bool{0o600: false, 0o400: false, 0o440: false, 0o640: false, 0o644: true, 0o444: true, 0o604: true} {
		file := filepath.Join(t.TempDir(), "token")
		require.NoError(t, os.WriteFile(file, []byte(tokenFor("events.example.com")), 0o600))
		require.NoError(t, os.Chmod(file, mode))
		a, logs := newAccount(t, map[string]any{"token_file": file})
		for range 3 {
			_, _, err := a.Token()
			require.NoError(t, err)
		}
		assert.Equal(t, warned, a.Warning() != "", "%o", mode)
		lines := logs.FilterMessageSnippet("can be read by every user").Len()
		assert.Equal(t, map[bool]int{true: 1, false: 0}[warned], lines, "%o", mode)
	}
}

// TestFailedIntrospectionIsRemembered: an account without a name in its token asks the server once, and again only after
// a backoff, for all event types together.
func TestFailedIntrospectionIsRemembered(t *testing.T) {
	var asked atomic.Int32
	var healthy atomic.Bool
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		if !healthy.Load() {
			http.Error(w, "broken", http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(w, `{"uuid":"U","account_uuid":"ACCOUNT"}`)
	}))
	t.Cleanup(srv.Close)
	a, _ := newAccount(t, map[string]any{"token": tokenFor("events.example.com"), "url": srv.URL})
	now := time.Now()
	a.now = func() time.Time { return now }
	var group sync.WaitGroup
	for range 6 {
		group.Go(func() { assert.Empty(t, a.UUID(t.Context())) })
	}
	group.Wait()
	assert.WithinDuration(t, time.Now(), a.ServerTime(t.Context()), time.Minute, "the Date of an error counts, too")
	assert.EqualValues(t, 1, asked.Load())
	for _, step := range []struct {
		after time.Duration
		asked int32
	}{{59 * time.Second, 1}, {2 * time.Second, 2}, {61 * time.Second, 2}, {60 * time.Second, 3}} {
		now = now.Add(step.after)
		assert.Empty(t, a.UUID(t.Context()))
		assert.Equal(t, step.asked, asked.Load())
	}
	healthy.Store(true)
	now = now.Add(time.Hour)
	for range 3 {
		assert.Equal(t, "ACCOUNT", a.UUID(t.Context()))
	}
	assert.EqualValues(t, 4, asked.Load())
}
