// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The HTTP endpoint: libbeat's routes and ours, on a server that gives up on a client that does not finish its request.

package beater

import (
	"errors"
	"fmt"
	"net/http"
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

// serveEndpoint adds our routes to libbeat's endpoint. cfg are its settings; nil leaves libbeat's server in place, and the
// server is nil.
func serveEndpoint(b *beat.Beat, cfg *conf.C, p *probes, log *logp.Logger) (*http.Server, error) {
	mux := b.API.Router()
	if err := inputmon.AttachHandler(mux, b.Monitoring.InputsRegistry()); err != nil {
		return nil, fmt.Errorf("cannot serve the metrics of the inputs: %w", err)
	}
	mux.HandleFunc("/healthz", probe(p.live))
	mux.HandleFunc("/readyz", probe(p.ready))
	mux.Handle("/metrics", prometheus.Handler(version.Version, p.sources))
	if cfg == nil {
		return nil, nil //nolint:nilnil // libbeat has the server
	}
	return takeOver(b.API, cfg, log)
}

// closeEndpoint ends the endpoint, and removes its Unix socket. server may be nil.
func closeEndpoint(server *http.Server, log *logp.Logger) {
	if server == nil {
		return
	}
	if err := server.Close(); err != nil {
		log.Warnw("the HTTP endpoint did not close", "error", err)
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
