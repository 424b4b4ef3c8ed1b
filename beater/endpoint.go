// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The HTTP endpoint: libbeat's routes and ours, on a server that gives up on a client that does not finish its request.

package beater

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/elastic/beats/v7/libbeat/api"
	"github.com/elastic/beats/v7/libbeat/beat"
	"github.com/elastic/beats/v7/libbeat/monitoring/inputmon"
	conf "github.com/elastic/elastic-agent-libs/config"
	"github.com/elastic/elastic-agent-libs/logp"

	"onepasswordbeat/internal/prometheus"
	"onepasswordbeat/version"
)

const (
	headerTimeout = 5 * time.Second // for the headers of a request
	writeTimeout  = 2 * time.Minute // for a response; pprof's take a minute
	idleTimeout   = 2 * time.Minute // for the next request of a connection
	maxHeader     = 16 << 10        // bytes
)

// serve adds our routes to libbeat's endpoint.
func (bt *Onepasswordbeat) serve(b *beat.Beat, cfg *conf.C) error {
	mux := b.API.Router()
	if err := inputmon.AttachHandler(mux, b.Monitoring.InputsRegistry()); err != nil {
		return fmt.Errorf("cannot serve the metrics of the inputs: %w", err)
	}
	mux.HandleFunc("/healthz", probe(bt.probes.live))
	mux.HandleFunc("/readyz", probe(bt.probes.ready))
	mux.Handle("/metrics", prometheus.Handler(version.Version, bt.probes.sources))
	if cfg == nil {
		return nil
	}
	server, err := takeOver(b.API, cfg, bt.log)
	bt.endpoint = server
	return err
}

// closeEndpoint ends the endpoint, and removes its Unix socket.
func (bt *Onepasswordbeat) closeEndpoint() {
	if bt.endpoint == nil {
		return
	}
	if err := bt.endpoint.Close(); err != nil {
		bt.log.Warnw("the HTTP endpoint did not close", "error", err)
	}
}

// takeOver serves libbeat's routes in its place: its server has no timeouts, so that connections which send nothing
// would add up. It listens where libbeat did.
func takeOver(libbeat *api.Server, cfg *conf.C, log *logp.Logger) (*http.Server, error) {
	settings := api.DefaultConfig
	if err := cfg.Unpack(&settings); err != nil {
		return nil, fmt.Errorf("http: %w", err)
	}
	if err := libbeat.Stop(); err != nil {
		return nil, fmt.Errorf("http: %w", err)
	}
	l, err := listen(settings)
	if err != nil {
		return nil, fmt.Errorf("http: cannot listen at %s: %w", settings.Host, err)
	}
	server := &http.Server{
		Handler:           libbeat.Router(),
		ReadHeaderTimeout: headerTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
	}
	go func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Errorw("the HTTP endpoint ended", "error", err)
		}
	}()
	return server, nil
}

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
