// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

package account

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/elastic/elastic-agent-libs/transport/httpcommon"
)

// TestProxySecrets: what a proxy could echo is known, wherever it is set.
func TestProxySecrets(t *testing.T) {
	var o Options
	assert.Empty(t, o.proxySecrets("https://events.example.com"))
	uri, err := httpcommon.NewProxyURIFromString("http://user:p%40ss-word@proxy.example.com:3128")
	require.NoError(t, err)
	o.Transport.Proxy = httpcommon.HTTPClientProxySettings{URL: uri, Headers: map[string]string{"X-Key": "a-key"}}
	assert.Equal(t, []string{"p@ss-word", "user:p@ss-word", "a-key"}, o.proxySecrets("https://events.example.com"))
}
