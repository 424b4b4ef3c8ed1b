// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What an account is made of.

package account

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"

	"github.com/elastic/elastic-agent-libs/logp"
	"github.com/elastic/elastic-agent-libs/transport/httpcommon"
	"github.com/elastic/elastic-agent-libs/transport/tlscommon"

	"onepasswordbeat/internal/eventsapi"
	"onepasswordbeat/internal/safetext"
)

// Options are the settings of an account. Exactly one of Token and TokenFile is set.
type Options struct {
	Token      safetext.Secret // the bearer token
	TokenFile  string          // a file that holds the token; it is read again when it changes
	URL        string          // the server, https://host[:port]; "": the one that the token names
	APIVersion string          // "v1" or "v2"; "": "v2"
	RateLimit  RateLimit
	Transport  httpcommon.HTTPTransportSettings // timeout, proxy, TLS
	UserAgent  string
	Log        *logp.Logger // nil: no log
}

// RateLimit is the maximum number of requests with one token. 0 switches a limit off.
type RateLimit struct{ PerMinute, PerHour int }

// Check returns an error if no account can be made of the options: the TLS files cannot be loaded, or the token would
// leave the machine unencrypted. It sends nothing and does not read the token file.
func Check(opts Options) error {
	_, err := opts.loadTLS()
	return err
}

func (o Options) loadTLS() (*tlscommon.TLSConfig, error) {
	if err := o.checkProxy(); err != nil {
		return nil, err
	}
	settings := o.Transport.TLS
	if settings == nil {
		settings = &tlscommon.Config{}
	}
	cfg, err := tlscommon.LoadTLSConfig(settings, o.logger())
	if err != nil {
		return nil, fmt.Errorf("the ssl settings cannot be used: %w", err)
	}
	return cfg, nil
}

// checkProxy rejects a proxy in front of a server on the loopback interface without TLS: the token would travel to the
// proxy in clear text.
func (o Options) checkProxy() error {
	proxy := o.Transport.Proxy
	if proxy.URL == nil || proxy.Disable || strings.TrimSpace(o.URL) == "" {
		return nil
	}
	if u, err := eventsapi.ValidateBaseURL(o.URL); err == nil && u.Scheme == "http" {
		return errors.New("url with http:// and proxy_url are both set: the token would travel to the proxy unencrypted. Remove proxy_url, or write https:// in url")
	}
	return nil
}

// proxySecrets are what the proxy in front of a server knows, and may echo: its password, also together with the user
// name, and the values of its headers.
func (o Options) proxySecrets(server string) (secrets []string) {
	var proxy *url.URL
	if settings := o.Transport.Proxy; settings.URL != nil {
		proxy = settings.URL.URI()
	} else if u, err := url.Parse(server); err == nil && !settings.Disable {
		proxy, _ = http.ProxyFromEnvironment(&http.Request{URL: u})
	}
	if proxy != nil {
		if password, ok := proxy.User.Password(); ok {
			secrets = append(secrets, password, proxy.User.Username()+":"+password)
		}
	}
	for _, value := range o.Transport.Proxy.Headers {
		secrets = append(secrets, value)
	}
	return secrets
}

func (o Options) logger() *logp.Logger {
	if o.Log == nil {
		return logp.NewNopLogger()
	}
	return o.Log
}

// sameRoute is whether two inputs with one token reach the server in the same way.
func (o Options) sameRoute(other Options) bool {
	return o.URL == other.URL && o.APIVersion == other.APIVersion && reflect.DeepEqual(o.Transport, other.Transport)
}
