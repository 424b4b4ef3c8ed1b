// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Where the HTTP endpoint listens.

package beater

import (
	"context"
	"errors"
	"net"
	"net/url"
	"os"
	"strconv"

	"github.com/elastic/beats/v7/libbeat/api"
)

// listenTCP listens at host and port, or at the host of an http:// URL.
func listenTCP(settings api.Config) (net.Listener, error) {
	address := settings.Host + ":" + strconv.Itoa(settings.Port) // as libbeat makes it: an IPv6 address has brackets
	if u, err := url.Parse(settings.Host); err == nil && u.Scheme == "http" {
		address = u.Host
	}
	return new(net.ListenConfig).Listen(context.Background(), "tcp", address)
}

// socketMode is the mode of a Unix socket, as libbeat sets it.
const socketMode = 0o740

// listenUnix listens at the path of a unix:// URL.
func listenUnix(path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	l, err := new(net.ListenConfig).Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, err
	}
	return l, os.Chmod(path, socketMode)
}
