// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Where the HTTP endpoint may listen besides TCP: a Unix socket.

//go:build !windows

package beater

import (
	"net"
	"net/url"

	"github.com/elastic/beats/v7/libbeat/api"
)

func listen(settings api.Config) (net.Listener, error) {
	if u, err := url.Parse(settings.Host); err == nil && u.Scheme == "unix" {
		return listenUnix(u.Path)
	}
	return listenTCP(settings)
}
