// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// An input: one account, a harvester for each event type.

package beater

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	v2 "github.com/elastic/beats/v7/filebeat/input/v2"
	"github.com/elastic/beats/v7/libbeat/beat"
	mgmt "github.com/elastic/beats/v7/libbeat/management/status"
	"github.com/elastic/beats/v7/libbeat/monitoring/inputmon"

	"onepasswordbeat/config"
	"onepasswordbeat/internal/harvester"
	"onepasswordbeat/internal/registry"
	"onepasswordbeat/module"
)

// input is one 1Password account.
type input struct {
	manager *manager
	cfg     config.Config
}

// Name is the type of the input.
func (in *input) Name() string { return inputType }

// Test makes one request: whether the server takes the token.
func (in *input) Test(ctx v2.TestContext) error {
	acct, _, release, err := in.manager.accounts.Get(in.cfg, userAgent(), ctx.Logger)
	if err != nil {
		return err
	}
	defer release()
	_, err = acct.Introspect(v2.GoContextFromCanceler(ctx.Cancelation))
	return err
}

// Run runs the harvesters until the input is cancelled. They do not wait for each
// other, and none ends because of another's trouble.
func (in *input) Run(ctx v2.Context, pipeline beat.PipelineConnector) error {
	acct, limiter, release, err := in.manager.accounts.Get(in.cfg, userAgent(), in.manager.log)
	if err != nil {
		return err
	}
	defer release()
	stop, cancel := context.WithCancel(v2.GoContextFromCanceler(ctx.Cancelation))
	defer cancel()

	status := newInputHealth(ctx)
	var group errgroup.Group
	started := 0
	for _, name := range in.cfg.EventTypes {
		mod, ok := module.ByName(name)
		if !ok {
			return fmt.Errorf("event type %q is unknown", name)
		}
		key := registry.Key{Input: in.cfg.ID, EventType: name}
		seen, end, ok := in.manager.running.begin(key, limiter)
		if !ok {
			status.of(name)(mgmt.Failed, fmt.Sprintf("id: another input or stream collects %s with the same id %q: give each its own, or they would share their cursors", name, in.cfg.ID))
			continue
		}
		defer end()
		log := ctx.Logger.With("event_type", name)
		metricsID := in.cfg.ID + "::" + name
		inputs := in.manager.beat.Monitoring.InputsRegistry()
		reg := inputmon.NewMetricsRegistry(metricsID, inputType, inputs, ctx.Logger)
		defer inputmon.CancelMetricsRegistry(metricsID, inputType, inputs, ctx.Logger)
		h := harvester.New(harvester.Options{
			Key:     key,
			Module:  mod,
			Config:  in.cfg,
			Fetcher: acct,
			Limiter: limiter,
			Store:   in.manager.store,
			Guard:   in.manager.guard,
			Metrics: harvester.NewMetrics(reg, log),
			Report:  both(seen.note, status.of(name)),
			Log:     log,
			Now:     time.Now,
		})
		group.Go(func() error { return h.Run(stop, pipeline) })
		started++
	}
	if started == 0 {
		<-stop.Done()
	}
	return group.Wait()
}

// both reports health to two places.
func both(a, b func(mgmt.Status, string)) func(mgmt.Status, string) {
	return func(s mgmt.Status, msg string) {
		a(s, msg)
		b(s, msg)
	}
}
