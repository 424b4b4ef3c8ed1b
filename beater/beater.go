// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// New, Run, Stop.

package beater

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/elastic/beats/v7/libbeat/beat"
	"github.com/elastic/beats/v7/libbeat/cfgfile"
	"github.com/elastic/beats/v7/libbeat/common/reload"
	"github.com/elastic/beats/v7/libbeat/management"
	conf "github.com/elastic/elastic-agent-libs/config"
	"github.com/elastic/elastic-agent-libs/logp"

	"onepasswordbeat/config"
	"onepasswordbeat/internal/account"
	"onepasswordbeat/internal/delivery"
	"onepasswordbeat/internal/registry"
)

// Onepasswordbeat is the running beat.
type Onepasswordbeat struct {
	inputs   []*conf.C // of the configuration file; none under Elastic Agent
	states   registry.Settings
	diskQ    bool
	log      *logp.Logger
	stopOnce sync.Once
	stopped  chan struct{}
	probes   *probes
	endpoint *http.Server // nil without http.enabled
}

// Settings are what the beater needs to know of the rest of the configuration.
type Settings struct {
	// DiskQueue is set when queue.disk is in use: an ACK says then that an event
	// is on disk, and the delivery guard has nothing to look at.
	DiskQueue func() bool
	// Setup prepares what libbeat's `setup` command asks a beat for.
	Setup func(*beat.Beat)
	// HTTP is the section `http` of the configuration; nil leaves the endpoint to libbeat's own server.
	HTTP func() *conf.C
}

// New returns the creator of the beater. It checks every input, so that the start and `test config` reject an invalid
// setting in the same words.
func New(s Settings) beat.Creator {
	return func(b *beat.Beat, cfg *conf.C) (beat.Beater, error) {
		bt := &Onepasswordbeat{
			log:     b.Info.Logger.Named("onepasswordbeat"),
			diskQ:   s.DiskQueue != nil && s.DiskQueue(),
			stopped: make(chan struct{}),
			probes:  newProbes(),
		}
		if b.API != nil {
			var section *conf.C
			if s.HTTP != nil {
				section = s.HTTP()
			}
			server, err := serveEndpoint(b, section, bt.probes, bt.log)
			if err != nil {
				return nil, err
			}
			bt.endpoint = server
		}
		if b.InSetupCmd && s.Setup != nil {
			s.Setup(b)
		}
		if b.InSetupCmd {
			return bt, nil // set-up needs no account
		}
		states, err := RegistrySettings(b, cfg)
		if bt.states = states; b.Manager.Enabled() {
			return bt, err // Elastic Agent brings its inputs later
		}
		inputs, inputsErr := Inputs(cfg)
		if err := errors.Join(err, inputsErr); err != nil {
			return nil, err
		}
		if keys := config.UnknownStateKeys(cfg); len(keys) > 0 {
			bt.log.Warnw("unknown settings in onepasswordbeat.state", "settings", keys)
		}
		bt.inputs = inputs
		return bt, nil
	}
}

// Inputs returns the enabled inputs of the beat's section of the configuration,
// each of them checked.
func Inputs(cfg *conf.C) ([]*conf.C, error) {
	section := struct {
		Inputs []*conf.C `config:"inputs"`
	}{}
	if err := cfg.Unpack(&section); err != nil {
		return nil, fmt.Errorf("onepasswordbeat.inputs cannot be read, write it %s: %w", asList, err)
	}
	var enabled []*conf.C
	var errs []error
	for i, in := range section.Inputs {
		_ = config.ExpandInput(in) // unpack reports the error
		if !in.Enabled() {
			continue
		}
		enabled = append(enabled, in)
		_, err := unpack(in)
		if err := errors.Join(err, checkProcessors(in)); err != nil {
			errs = append(errs, fmt.Errorf("onepasswordbeat.inputs.%d: %w", i, err))
		}
	}
	if len(enabled) == 0 {
		return nil, noInput(cfg, len(section.Inputs))
	}
	errs = append(errs, config.CheckIDs(enabled))
	return enabled, errors.Join(errs...)
}

// asList is how inputs are written.
const asList = "as a list, each input beginning with `- type: onepassword`"

// noInput is the error of a configuration without an enabled input.
func noInput(cfg *conf.C, inputs int) error {
	section, err := cfg.Child("inputs", -1)
	switch {
	case inputs == 1:
		return errors.New("the only input is disabled (`enabled: false`): remove that setting, or add an input")
	case inputs > 1:
		return fmt.Errorf("all %d inputs are disabled (`enabled: false`): remove that setting from at least one of them", inputs)
	case err == nil && section.IsDict():
		return errors.New("onepasswordbeat.inputs is not a list: write it " + asList)
	default:
		return errors.New("no input is configured: put one below `onepasswordbeat.inputs`, as in onepasswordbeat.yml")
	}
}

// InputIDs returns the ids of all inputs of the beat's section of the
// configuration, whatever else they hold.
func InputIDs(cfg *conf.C) ([]string, error) {
	section := struct {
		Inputs []*conf.C `config:"inputs"`
	}{}
	if err := cfg.Unpack(&section); err != nil {
		return nil, fmt.Errorf("onepasswordbeat.inputs cannot be read: %w", err)
	}
	ids := make([]string, len(section.Inputs))
	for i, in := range section.Inputs {
		if err := config.ExpandInput(in); err != nil {
			return nil, fmt.Errorf("onepasswordbeat.inputs.%d: %w", i, err)
		}
		id, _ := in.String("id", -1) // an input without an id has the default one
		ids[i] = cmp.Or(id, DefaultID)
	}
	return ids, nil
}

// Run collects until the beat is stopped.
func (bt *Onepasswordbeat) Run(b *beat.Beat) error {
	defer closeEndpoint(bt.endpoint, bt.log)
	b.Manager.SetStopCallback(func() {
		b.Instrumentation.Tracer().Close()
		bt.Stop()
	})
	if err := b.Manager.PreInit(); err != nil {
		return err
	}
	store, closeStore, err := openStore(b, bt.states)
	if err != nil {
		return err
	}
	responses := &delivery.Responses{}
	unwatch, err := responses.Watch()
	if err != nil {
		return errors.Join(err, closeStore())
	}
	defer unwatch()
	guard := delivery.NewGuard(bt.output(b, responses))

	diag := newDiagnostics(store)
	runners, err := newRunners(&manager{beat: b, store: store, unstored: unstored(bt.states), guard: guard, budget: delivery.NewBudget(delivery.UsualBudget, delivery.LargeBudget), accounts: &account.Pool{}, running: diag, probes: bt.probes, log: bt.log})
	if err != nil {
		return errors.Join(err, closeStore())
	}
	if b.Manager.Enabled() {
		diag.register(b)
		b.Registry.MustRegisterInput(&managedInputs{runners, diag, bt.probes})
	} else if err := start(runners, bt.inputs); err != nil {
		runners.Stop()
		return errors.Join(err, closeStore())
	} else {
		bt.probes.expect(len(bt.inputs))
	}
	b.Manager.PostInit()
	stopping, stopped := systemd{bt.probes.live, bt.log}.run()
	defer stopped()
	endSummary := summarize(diag, bt.log)
	<-bt.stopped
	endSummary()
	stopping()

	// The order matters, see the package comment.
	dog := &watchdog{log: bt.log, timeout: diag.shutdownTimeout() + stopSlack, running: diag.stillRunning}
	return dog.run(
		step{"the inputs stop", func() error { runners.Stop(); return nil }},
		step{"the registry closes", closeStore},
		step{"the output closes", func() error {
			if publisher, ok := b.Publisher.(io.Closer); ok {
				return bt.closePublisher(publisher)
			}
			return nil
		}},
	)
}

// publisherTimeout is how long an output may take to close. Kafka's would first retry everything if its broker is down.
const publisherTimeout = 3 * time.Second

// closePublisher closes the publisher, or leaves it to the end of the process:
// nothing depends on it any more, every cursor is stored.
func (bt *Onepasswordbeat) closePublisher(publisher io.Closer) error {
	closed := make(chan error, 1)
	go func() { closed <- publisher.Close() }()
	timeout := time.NewTimer(publisherTimeout)
	defer timeout.Stop()
	select {
	case err := <-closed:
		return err
	case <-timeout.C:
		bt.log.Warnw("output did not close in time; events that it has not confirmed are sent again after the next start", "timeout", publisherTimeout)
		return nil
	}
}

// Stop makes Run return. It may be called more than once.
func (bt *Onepasswordbeat) Stop() {
	bt.stopOnce.Do(func() { close(bt.stopped) })
}

// output is what the delivery guard looks at; nil where that says nothing of delivery.
func (bt *Onepasswordbeat) output(b *beat.Beat, responses *delivery.Responses) delivery.Output {
	if bt.diskQ {
		bt.log.Warn("queue.disk is in use: an event counts as delivered once it is on disk; from there on the queue's guarantee applies")
		return nil
	}
	return delivery.NewMonitor(b.Monitoring.StatsRegistry(), b.Monitoring.StateRegistry(), responses, maxMessage(b))
}

// maxMessage is max_message_bytes of Kafka's output; 0 if it is not set.
func maxMessage(b *beat.Beat) int {
	if b.Config == nil || !b.Config.Output.IsSet() {
		return 0
	}
	n, err := b.Config.Output.Config().Int("max_message_bytes", -1)
	if err != nil {
		return 0
	}
	return int(n)
}

func start(runners *cfgfile.RunnerList, inputs []*conf.C) error {
	configs := make([]*reload.ConfigWithMeta, len(inputs))
	for i, in := range inputs {
		configs[i] = &reload.ConfigWithMeta{Config: in}
	}
	return runners.Reload(configs)
}

func newRunners(m *manager) (*cfgfile.RunnerList, error) {
	factory, err := newFactory(m)
	if err != nil {
		return nil, err
	}
	return cfgfile.NewRunnerList(management.DebugK, factory, m.beat.Publisher, m.beat.Info.Logger), nil
}
