// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Checks of the settings. Each message says what to write instead.

package config

import (
	"errors"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"onepasswordbeat/internal/eventsapi"
	"onepasswordbeat/internal/safetext"

	conf "github.com/elastic/elastic-agent-libs/config"
	"github.com/elastic/elastic-agent-libs/transport/tlscommon"
)

// Validate returns every problem of the settings in one error, a line each, or nil. It reads no file and asks no
// server; the token's value is in none of its messages.
func (c *Config) Validate() error {
	var p problems
	c.check(&p)
	return p.err(c.Token)
}

// check adds the problems of all settings to p. A key with a problem is not checked again.
func (c *Config) check(p *problems) {
	c.checkID(p)
	c.checkToken(p)
	c.checkURL(p)
	c.checkEventTypes(p)
	c.checkAPI(p)
	c.checkTimes(p)
	c.checkNamespace(p)
	c.checkTransport(p)
}

var validID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,128}$`)

func (c *Config) checkID(p *problems) {
	if c.ID != "" && !validID.MatchString(c.ID) {
		p.add("id", "invalid id %.60q: use 1 to 128 of the characters A-Z a-z 0-9 . _ -", c.ID)
	}
}

// missingToken is the problem of an input without token and token_file.
const missingToken = `neither token nor token_file is set: write token: "${` + TokenVariable + "}\" and run `./onepasswordbeat keystore add " +
	TokenVariable + "` or export it, or name a token_file"

// checkTokenIsThere says why there is no token: a variable that holds nothing, or a key that is not there or misspelt.
func (c *Config) checkTokenIsThere(cfg *conf.C, p *problems) {
	if p.has("token") || p.has("token_file") || cleanToken(c.Token.Reveal()) != "" || strings.TrimSpace(c.TokenFile) != "" {
		return
	}
	field, _ := reflect.TypeOf(*c).FieldByName("Token")
	if variable := variablesOf(cfg, field).last; variable != "" {
		p.add("token", "%s is empty: %s", variable, setToken(variable))
		return
	}
	text := missingToken
	if unknown := UnknownKeys(cfg); len(unknown) > 0 {
		text += " (unknown settings: " + strings.Join(unknown, ", ") + ")"
	}
	p.add("token", "%s", text)
}

func (c *Config) checkToken(p *problems) {
	if p.has("token") || p.has("token_file") {
		return
	}
	token, file := cleanToken(c.Token.Reveal()), strings.TrimSpace(c.TokenFile)
	switch {
	case token != "" && file != "":
		p.add("token", "token and token_file are both set: keep one of them")
	case token == "" && file == "":
		p.add("token", missingToken)
	case isPlaceholder(token):
		variable := token[2 : len(token)-1]
		p.add("token", "unresolved ${...} placeholder: %s", unsetProblem("token", variable))
	case isPlaceholder(file):
		p.add("token_file", "unresolved ${...} placeholder: set that variable, or write the path")
	case token != "":
		c.checkTokenText(p, token)
	case safetext.LooksLikeToken(file):
		p.add("token_file", "this looks like the token itself: write it under token, or write the path of a file that holds it")
	}
}

// checkTokenText looks at a token that stands in the configuration. The API has the last word on it: what cannot be
// read here is rejected only if the server's address depends on it.
func (c *Config) checkTokenText(p *problems, token string) {
	if _, err := eventsapi.NormalizeToken(token); err != nil {
		p.add("token", "%v", err)
		return
	}
	if strings.TrimSpace(c.URL) != "" {
		return
	}
	_, err := eventsapi.ParseToken(token)
	switch {
	case errors.Is(err, eventsapi.ErrTokenNoURL):
		p.add("token", "%v", err)
	case err != nil:
		p.add("token", "%v; copy it from 1Password again, or set url to your account's server, such as https://events.1password.com", err)
	}
}

func (c *Config) checkURL(p *problems) {
	raw := strings.TrimSpace(c.URL)
	switch {
	case raw == "":
	case isPlaceholder(raw):
		p.add("url", "unresolved ${...} placeholder: set that variable, or remove url: the token names its server")
	case safetext.LooksLikeToken(raw):
		p.add("url", "this looks like a token: write it under token and remove url: the token names its server")
	default:
		if _, err := eventsapi.ValidateBaseURL(raw); err != nil {
			p.add("url", "%v; or remove url: the token names its server", err)
		}
	}
}

func (c *Config) checkEventTypes(p *problems) {
	known := EventTypes()
	choice := strings.Join(known, ", ")
	if len(c.EventTypes) == 0 {
		p.add("event_types", "the list is empty: name at least one of %s, or remove the key to fetch all", choice)
	}
	for i, name := range c.EventTypes {
		if !slices.Contains(known, name) {
			p.add("event_types", "unknown event type %.60q: choose from %s", name, choice)
		}
		if slices.Contains(c.EventTypes[:i], name) {
			p.add("event_types", "%.60q is listed twice: remove one of them", name)
		}
	}
}

func (c *Config) checkAPI(p *problems) {
	if c.Limit < 1 || c.Limit > MaxLimit {
		p.add("limit", "%d is out of range: the API returns 1 to %d events per page; write for example limit: %d", c.Limit, MaxLimit, MaxLimit)
	}
	if v := eventsapi.Version(c.APIVersion); v != eventsapi.V1 && v != eventsapi.V2 {
		p.add("api_version", "unknown API version %.60q: write v2 or v1", c.APIVersion)
	}
	if c.RateLimit.RequestsPerMinute < 0 {
		p.add("rate_limit.requests_per_minute", "%d is negative: write the number of requests, or 0 for no limit", c.RateLimit.RequestsPerMinute)
	}
	if c.RateLimit.RequestsPerHour < 0 {
		p.add("rate_limit.requests_per_hour", "%d is negative: write the number of requests, or 0 for no limit", c.RateLimit.RequestsPerHour)
	}
}

func (c *Config) checkTimes(p *problems) {
	if c.Interval < MinInterval || c.Interval > MaxInterval {
		p.add("interval", "%s is out of range: write %s to %s, for example interval: 5s", showDuration(c.Interval), showDuration(MinInterval), showDuration(MaxInterval))
	}
	if c.InitialInterval <= 0 || c.InitialInterval > MaxInitialInterval {
		p.add("initial_interval", "%s is out of range: write more than 0 and at most %s, which is how long the API keeps events; for example initial_interval: 24h",
			showDuration(c.InitialInterval), showDuration(MaxInitialInterval))
	}
	if c.ShutdownTimeout < 0 {
		p.add("shutdown_timeout", "%s is negative: write a time to wait, for example shutdown_timeout: 5s, or 0 not to wait", c.ShutdownTimeout)
	}
	if c.Transport.Timeout <= 0 {
		p.add("timeout", "%s is out of range: timeout must be greater than 0, for example timeout: 60s", c.Transport.Timeout)
	}
	if c.Transport.IdleConnTimeout < 0 {
		p.add("idle_connection_timeout", "%s is negative: write for example idle_connection_timeout: 90s", c.Transport.IdleConnTimeout)
	}
}

// forbiddenInNamespace is what Elasticsearch forbids in an index name, and the hyphen, which separates the parts of a
// data stream's name.
const forbiddenInNamespace = "\\/*?\"<>| ,#:-"

func (c *Config) checkNamespace(p *problems) {
	ns := c.Namespace
	const rule = "use lower case letters, digits, _ and ., for example namespace: "
	switch {
	case ns == "":
		p.add("namespace", "it is empty: "+rule+"default")
	case len(ns) > MaxNamespaceBytes:
		p.add("namespace", "it has %d bytes: Elasticsearch accepts at most %d; shorten it", len(ns), MaxNamespaceBytes)
	case ns != strings.ToLower(ns):
		p.add("namespace", "%.120q has upper case letters, which Elasticsearch rejects: write %q", ns, validNamespace(ns))
	case ns != validNamespace(ns):
		p.add("namespace", "%.120q has characters that a data stream's name cannot have: "+rule+"%s", ns, validNamespace(ns))
	}
}

// validNamespace is the namespace that is closest to what somebody wrote.
func validNamespace(ns string) string {
	valid := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || strings.ContainsRune(forbiddenInNamespace, r) {
			return '_'
		}
		return r
	}, strings.ToLower(ns))
	for len(valid) > MaxNamespaceBytes { // lower case may be longer
		_, last := utf8.DecodeLastRuneInString(valid)
		valid = valid[:len(valid)-last]
	}
	return valid
}

func (c *Config) checkTransport(p *problems) {
	if c.Transport.Auth != nil {
		p.add("auth", "the token is the only credential of the API: remove auth (a proxy's user and password go into proxy_url)")
	}
	c.checkProxy(p)
	if c.Transport.TLS == nil {
		return
	}
	for _, version := range c.Transport.TLS.Versions {
		if version < tlscommon.TLSVersion12 {
			p.add("ssl.supported_protocols", "%s is not secure: write TLSv1.2, TLSv1.3 or both, or remove the key", version)
		}
	}
}

// checkProxy rejects URLs that net/http would read as the address of an HTTP proxy, or as none. Its messages do not
// contain the URL, which may hold a password.
func (c *Config) checkProxy(p *problems) {
	proxy := c.Transport.Proxy
	if proxy.URL == nil || proxy.Disable {
		return
	}
	const example = "write for example proxy_url: http://proxy.example.com:3128"
	switch u := proxy.URL.URI(); {
	case u.Scheme == "" || u.Host == "":
		p.add("proxy_url", "it has no scheme or no host: %s", example)
	case !slices.Contains(proxySchemes, u.Scheme):
		p.add("proxy_url", "unsupported scheme %.20q, choose from %s: %s", u.Scheme, strings.Join(proxySchemes, ", "), example)
	}
}

// proxySchemes are those that net/http knows.
var proxySchemes = []string{"http", "https", "socks5", "socks5h"}

// cleanToken takes off what copying, editors and `echo` put around a token: white space, a byte order mark.
func cleanToken(raw string) string {
	token, _ := eventsapi.NormalizeToken(raw) // checkTokenText reports what is wrong with it
	return token
}
