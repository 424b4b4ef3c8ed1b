// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The credentials in the proxy_url of an Elasticsearch client. libbeat writes that URL to the log as it is.

package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"

	conf "github.com/elastic/elastic-agent-libs/config"
)

// HideProxyCredentials moves user name and password from the proxy_url of an Elasticsearch output, or of monitoring, into
// the header that they become on their way to the proxy. The proxy gets the same request. A SOCKS proxy gets no headers:
// the error says what to do. Nothing is changed without credentials.
func HideProxyCredentials(settings *conf.C) error {
	raw, err := settings.String("proxy_url", -1)
	if err != nil {
		return nil //nolint:nilerr // there is none
	}
	if !strings.Contains(raw, "@") {
		return nil
	}
	proxy, err := url.Parse(raw)
	switch {
	case err != nil || proxy.User == nil: // the error quotes the URL
		return errors.New("proxy_url: it contains an @ but is not a URL with a user name and a password: write it as http://user:password@proxy.example.com:3128, with special characters of the password as % and two digits")
	case proxy.Scheme != "http" && proxy.Scheme != "https":
		return fmt.Errorf("proxy_url: libbeat would write the user name and password of a %.10s proxy to the log: remove them from proxy_url, or remove proxy_url and set HTTPS_PROXY in the environment of the beat", proxy.Scheme)
	}
	password, _ := proxy.User.Password()
	header := "Basic " + base64.StdEncoding.EncodeToString([]byte(proxy.User.Username()+":"+password))
	proxy.User = nil
	for key, value := range map[string]string{"proxy_url": proxy.String(), "proxy_headers.Proxy-Authorization": header} {
		if err := settings.SetString(key, -1, value); err != nil {
			return fmt.Errorf("%s: it must hold keys of its own: %w", strings.SplitN(key, ".", 2)[0], err)
		}
	}
	if encrypted(settings) {
		return nil // the header is part of CONNECT, and the server does not see it
	}
	return settings.SetString("headers.Proxy-Authorization", -1, header)
}

// DropProxyCredentials removes user name and password from proxy_url, where HideProxyCredentials can't keep them: the
// proxy stays, and rejects the output without them.
func DropProxyCredentials(settings *conf.C) error {
	raw, err := settings.String("proxy_url", -1)
	if err != nil {
		return nil //nolint:nilerr // there is none
	}
	at := strings.LastIndexByte(raw, '@')
	if at < 0 {
		return nil
	}
	scheme, _, found := strings.Cut(raw[:at], "://")
	if !found || scheme == "" {
		scheme = "http"
	}
	return settings.SetString("proxy_url", -1, scheme+"://"+raw[at+1:])
}

// encrypted reports whether all hosts of an output are reached over TLS.
func encrypted(settings *conf.C) bool {
	section := struct {
		Hosts    []string `config:"hosts"`
		Protocol string   `config:"protocol"`
	}{Hosts: []string{"localhost"}}
	if err := settings.Unpack(&section); err != nil {
		return true // libbeat reports the error
	}
	for _, host := range section.Hosts {
		if !strings.HasPrefix(host, "https://") && (section.Protocol != "https" || strings.Contains(host, "://")) {
			return false
		}
	}
	return true
}
