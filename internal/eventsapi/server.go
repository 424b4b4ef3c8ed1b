// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Servers: which URLs are accepted, which ones 1Password runs, and the transport to reach them.

package eventsapi

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// ServerInfo is a server of the Events API that 1Password runs.
type ServerInfo struct {
	// URL as in Config.BaseURL.
	URL string
	// Region in words.
	Region string
}

// KnownServers lists 1Password's servers, by the Events API reference except for the last one, which integrations of others name. A token works on one of them only.
func KnownServers() []ServerInfo {
	return []ServerInfo{
		{"https://events.1password.com", "United States"},
		{"https://events.ent.1password.com", "United States, Enterprise"},
		{"https://events.1password.ca", "Canada"},
		{"https://events.1password.eu", "Europe"},
		{"https://events.ent.1password.eu", "Europe, Enterprise"},
	}
}

// knownServers are the URLs of KnownServers as a part of a sentence.
func knownServers() string {
	var urls []string
	for _, s := range KnownServers() {
		urls = append(urls, s.URL)
	}
	return strings.Join(urls, ", ")
}

// ValidateBaseURL checks the address of a server: https://host[:port] and nothing behind it, or http:// for a host on the loopback interface.
// The errors say how to write it and do not repeat it, since a password or a token may have been pasted there.
func ValidateBaseURL(raw string) (*url.URL, error) {
	const example = "write it like https://events.1password.com"
	raw = strings.TrimSpace(raw)
	if raw == "" {
		return nil, errors.New("the URL is empty: " + example)
	}
	if !strings.Contains(raw, "://") {
		if plausibleHost(raw) {
			return nil, fmt.Errorf("the URL has no scheme: write https://%s", raw)
		}
		return nil, errors.New("the URL has no scheme: " + example)
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("the URL cannot be read: " + example)
	}
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("the URL's scheme is not https: " + example)
	case u.User != nil:
		return nil, errors.New("the URL holds a user name or password: remove it, the token is all that the API needs")
	case !plausibleHost(u.Host):
		return nil, errors.New("the URL has no valid host: " + example)
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return nil, fmt.Errorf("the token would travel unencrypted: write https://%s (http:// is for localhost, 127.0.0.0/8 and [::1] only)", u.Host)
	case u.Path != "" && u.Path != "/":
		return nil, fmt.Errorf("the URL has a path: write %s://%s, the paths of the API are added to it", u.Scheme, u.Host)
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(raw, "#"):
		return nil, fmt.Errorf("the URL has a query or a fragment: write %s://%s", u.Scheme, u.Host)
	}
	return &url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host)}, nil
}

// plausibleHost is whether s is a host name or an IP address (IPv6 in brackets), with or without a port.
func plausibleHost(s string) bool {
	host, port := s, ""
	if i := strings.LastIndexByte(s, ':'); i >= 0 && !strings.HasSuffix(s, "]") {
		host, port = s[:i], s[i+1:]
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return false
		}
	}
	if inner, ok := strings.CutPrefix(host, "["); ok {
		addr, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		return err == nil && addr.Is6() && addr.Zone() == "" && strings.HasSuffix(inner, "]")
	}
	return plausibleName(host)
}

// plausibleName checks the letters, digits and hyphens of a host name, and the lengths that DNS allows.
func plausibleName(host string) bool {
	if len(host) > 253 {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		if strings.Trim(strings.ToLower(label), "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	return true
}

// isLoopback knows names and addresses that do not leave the machine. It resolves nothing.
func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && addr.Unmap().IsLoopback()
}

// sameServer compares scheme, host and port.
func sameServer(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && portOf(a) == portOf(b)
}

func portOf(u *url.URL) string {
	if port := u.Port(); port != "" {
		return port
	}
	return map[string]string{"http": "80", "https": "443"}[u.Scheme]
}

// HTTP2 returns the HTTP/2 settings of a transport. Without pings a dead connection would be used for every next request
// until the kernel gives up on it. The buffer bounds what a server can send before its response is read.
func HTTP2() *http.HTTP2Config {
	return &http.HTTP2Config{SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second, MaxReceiveBufferPerStream: 1 << 20}
}

// Bound sets the limits that a transport of any kind needs: for the headers of a response and what HTTP/2 buffers. It also
// keeps what a proxy responds to CONNECT.
func Bound(t *http.Transport) {
	t.MaxResponseHeaderBytes = maxHeaderBytes
	t.HTTP2 = HTTP2()
	t.OnProxyConnectResponse = checkConnect
}

// newTransport is net/http's own with a floor under TLS, room for one idle connection per event type, and pings, because without them
// a dead HTTP/2 connection would be taken for every next request until the kernel gives up on it.
func newTransport() *http.Transport {
	t := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: 15 * time.Second,
		ForceAttemptHTTP2:   true,
		MaxIdleConns:        16,
		MaxIdleConnsPerHost: 4,
		IdleConnTimeout:     90 * time.Second,
	}
	Bound(t)
	return t
}
