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
	"github.com/elastic/elastic-agent-libs/logp"
	"github.com/elastic/elastic-agent-libs/mapstr"
	"github.com/elastic/elastic-agent-libs/monitoring"

	"onepasswordbeat/config"
	"onepasswordbeat/internal/account"
	"onepasswordbeat/internal/delivery"
	"onepasswordbeat/internal/harvester"
	"onepasswordbeat/internal/names"
	"onepasswordbeat/internal/registry"
	"onepasswordbeat/module"
)

// manager creates inputs. It is the v2 InputManager of the type onepassword.
type manager struct {
	beat     *beat.Beat
	store    store
	unstored time.Duration // harvester.Settings.Unstored
	guard    *delivery.Guard
	budget   *delivery.Budget
	accounts *account.Pool
	running  *diagnostics
	probes   *probes
	gc       gcTuner
	log      *logp.Logger
}

// input is one 1Password account.
type input struct {
	manager *manager
	cfg     config.Config

	destination string
}

// Name is the type of the input.
func (in *input) Name() string { return inputType }

// Test sends one request, to check the token.
func (in *input) Test(ctx v2.TestContext) error {
	lease, err := in.manager.accounts.Get(AccountOptions(in.cfg, ctx.Logger))
	if err != nil {
		return err
	}
	defer lease.Close()
	_, err = lease.Account.Introspect(v2.GoContextFromCanceler(ctx.Cancelation))
	return err
}

// Run runs the harvesters until the input is cancelled. They do not wait for each
// other, and none ends because of another's trouble.
func (in *input) Run(ctx v2.Context, pipeline beat.PipelineConnector) error {
	lease, err := in.account()
	if err != nil {
		return err
	}
	defer lease.Close()
	defer in.manager.probes.input()()
	stop, cancel := context.WithCancel(v2.GoContextFromCanceler(ctx.Cancelation))
	defer cancel()

	in.manager.running.expectStop(in.cfg.ShutdownTimeout)
	status := newInputHealth(ctx)
	named := names.New(names.Files(in.cfg.Names), ctx.Logger)
	var group errgroup.Group
	group.Go(func() error { named.Run(stop); return nil })
	for _, name := range in.cfg.EventTypes {
		c := &collector{input: in, log: ctx.Logger, lease: lease, names: named, report: status.of(name)}
		group.Go(func() error { return c.run(stop, pipeline, name) })
	}
	return group.Wait()
}

// account leases the input's account. Its copy of the settings is not to stay on the stack of Run.
func (in *input) account() (*account.Lease, error) {
	return in.manager.accounts.Get(AccountOptions(in.cfg, in.manager.log))
}

// collector is one event type of an input.
type collector struct {
	*input
	log    *logp.Logger
	lease  *account.Lease
	names  *names.Names // or nil
	report func(mgmt.Status, string)
}

// run collects until stop, and only while no other input does so under the same key.
func (c *collector) run(stop context.Context, pipeline beat.PipelineConnector, name string) error {
	mod, ok := module.ByName(name)
	if !ok {
		return fmt.Errorf("event type %q is unknown", name)
	}
	key := registry.Key{Input: c.cfg.ID, EventType: name}
	loop, ended := c.manager.probes.begin(key)
	defer ended()
	defer c.manager.gc.begin(c.manager.log)()
	defer context.AfterFunc(stop, loop.rest)()
	seen, end := c.reserve(stop, key)
	if seen == nil {
		return nil
	}
	defer end()
	metricsID := c.cfg.ID + "::" + name
	inputs := c.manager.beat.Monitoring.InputsRegistry()
	reg := inputmon.NewMetricsRegistry(metricsID, inputType, inputs, c.log)
	defer inputmon.CancelMetricsRegistry(metricsID, inputType, inputs, c.log)
	return c.harvester(mod, key, reg, seen, loop).Run(stop, pipeline)
}

// harvester makes the harvester of an event type. It is a function of its own: its frame is as large as run's, which
// stays on the stack for as long as the event type is collected.
func (c *collector) harvester(mod module.Module, key registry.Key, reg *monitoring.Registry, seen *runningType, probe *loop) *harvester.Harvester {
	log := c.log.With("event_type", key.EventType)
	metrics := harvester.NewMetrics(reg, log)
	probe.measure(metrics)
	settings := harvesterSettings(c.cfg, key)
	settings.Destination, settings.Unstored = c.destination, c.manager.unstored
	return harvester.New(harvester.Options{
		Key:      key,
		Module:   mod,
		Settings: settings,
		Fetcher:  c.lease.Account,
		Limiter:  c.lease.Limiter,
		Store:    probe.watch(c.manager.store),
		Guard:    c.manager.guard,
		Budget:   c.manager.budget,
		Metrics:  metrics,
		Enrich:   c.enrich(mod),
		Report:   c.names.Health(both(seen.note, c.report)),
		Log:      log,
		Now:      time.Now,
		Turned:   probe.turn,
	})
}

// enrich adds names to the events of types that have ids of vaults, groups or items.
func (c *collector) enrich(mod module.Module) func(mapstr.M) {
	if c.names == nil || !mod.Named {
		return nil
	}
	return c.names.Fill
}

// reserve reserves the key for this input. It waits while another input has it: libbeat does not start this input again
// when Elastic Agent removes the other one. It returns nil at a stop.
func (c *collector) reserve(stop context.Context, key registry.Key) (*runningType, func()) {
	for {
		seen, end, other := c.manager.running.begin(key, c.lease.Limiter)
		if other == nil {
			return seen, end
		}
		c.report(mgmt.Failed, fmt.Sprintf("id: another input or stream collects %s with the same id %q: give each its own, otherwise they share their cursors", key.EventType, key.Input))
		select {
		case <-other:
		case <-stop.Done():
			return nil, nil
		}
	}
}

// both reports health to two places.
func both(a, b func(mgmt.Status, string)) func(mgmt.Status, string) {
	return func(s mgmt.Status, msg string) {
		a(s, msg)
		b(s, msg)
	}
}
