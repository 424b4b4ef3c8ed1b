// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	conf "github.com/elastic/elastic-agent-libs/config"
)

// TestHideProxyCredentials: they go to the proxy as a header, and not to a server behind a tunnel.
func TestHideProxyCredentials(t *testing.T) {
	const header = "Basic dXNlcjpwQHNz" // user:p@ss
	tests := map[string]struct{ before, after map[string]any }{
		"none":    {map[string]any{"hosts": []any{"a"}}, map[string]any{"hosts": []any{"a"}}},
		"no user": {map[string]any{"proxy_url": "http://proxy:3128"}, map[string]any{"proxy_url": "http://proxy:3128"}},
		"a tunnel": {
			map[string]any{"proxy_url": "http://user:p%40ss@proxy:3128/", "hosts": []any{"https://a:9200"}, "proxy_headers": map[string]any{"X-A": "b"}},
			map[string]any{"proxy_url": "http://proxy:3128/", "hosts": []any{"https://a:9200"}, "proxy_headers": map[string]any{"X-A": "b", "Proxy-Authorization": header}},
		},
		"protocol": {
			map[string]any{"proxy_url": "https://user:p%40ss@proxy", "hosts": []any{"a:9200"}, "protocol": "https"},
			map[string]any{"proxy_url": "https://proxy", "hosts": []any{"a:9200"}, "protocol": "https", "proxy_headers": map[string]any{"Proxy-Authorization": header}},
		},
		"no tunnel": {
			map[string]any{"proxy_url": "http://user:p%40ss@proxy", "hosts": []any{"a:9200"}},
			map[string]any{"proxy_url": "http://proxy", "hosts": []any{"a:9200"}, "proxy_headers": map[string]any{"Proxy-Authorization": header}, "headers": map[string]any{"Proxy-Authorization": header}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cfg := conf.MustNewConfigFrom(test.before)
			for range 2 { // the second time finds nothing to do
				require.NoError(t, HideProxyCredentials(cfg))
			}
			var got map[string]any
			require.NoError(t, cfg.Unpack(&got))
			assert.Equal(t, test.after, got)
		})
	}
}

// TestProxyCredentialsThatCannotBeHidden: libbeat would log them, and so do errors of net/url. The error does not quote
// them, and they can be dropped.
func TestProxyCredentialsThatCannotBeHidden(t *testing.T) {
	for raw, want := range map[string]struct{ advice, dropped string }{
		"socks5://user:secret@proxy:1080":  {"set HTTPS_PROXY", "socks5://proxy:1080"},
		"socks5h://user:sec@ret@proxy":     {"set HTTPS_PROXY", "socks5h://proxy"},
		"http://user:secret%zz@proxy:3128": {"two digits", "http://proxy:3128"},
		"http://user:se[cret@proxy:3128":   {"two digits", "http://proxy:3128"},
		"user:secret@proxy:3128":           {"two digits", "http://proxy:3128"},
		"//user:secret@proxy:3128":         {"HTTPS_PROXY", "http://proxy:3128"},
	} {
		cfg := conf.MustNewConfigFrom(map[string]any{"proxy_url": raw})
		err := HideProxyCredentials(cfg)
		require.ErrorContains(t, err, want.advice, raw)
		require.NotContains(t, strings.ReplaceAll(err.Error(), "user", ""), "sec", raw)
		require.NoError(t, DropProxyCredentials(cfg))
		got, err := cfg.String("proxy_url", -1)
		require.NoError(t, err)
		assert.Equal(t, want.dropped, got)
	}
	cfg := conf.MustNewConfigFrom(map[string]any{"proxy_url": "socks5://proxy:1080"})
	require.NoError(t, HideProxyCredentials(cfg))
	require.NoError(t, DropProxyCredentials(cfg))
}
