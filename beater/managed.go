// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Inputs under Elastic Agent: they come and go, and an invalid one is reported while the others run.

package beater

import (
	"errors"
	"strings"

	"github.com/elastic/beats/v7/libbeat/beat"
	"github.com/elastic/beats/v7/libbeat/cfgfile"
	"github.com/elastic/beats/v7/libbeat/common/reload"
	"github.com/elastic/beats/v7/libbeat/management/status"
	conf "github.com/elastic/elastic-agent-libs/config"

	"onepasswordbeat/config"
)

// managedInputs is the list of inputs that Elastic Agent reloads.
type managedInputs struct {
	*cfgfile.RunnerList
	diagnostics *diagnostics
	probes      *probes
}

// Reload stops what is no longer in the list and starts what is new.
func (m *managedInputs) Reload(configs []*reload.ConfigWithMeta) error {
	var enabled []*reload.ConfigWithMeta
	for _, c := range configs {
		if c.Config.Enabled() {
			enabled = append(enabled, c)
		} else if c.StatusReporter != nil { // otherwise it is shown as starting
			c.StatusReporter.UpdateStatus(status.Stopped, "disabled")
		}
	}
	m.diagnostics.configured(enabled)
	m.probes.expect(len(enabled))
	return m.RunnerList.Reload(enabled)
}

// failureReporting creates, instead of an invalid input, one that only reports the error. libbeat ends a reload at its
// first error, before the other units are healthy.
type failureReporting struct{ cfgfile.RunnerFactory }

func (f failureReporting) Create(p beat.PipelineConnector, cfg *conf.C) (cfgfile.Runner, error) {
	if reason, err := cfg.String(config.PolicyError, -1); err == nil {
		return &invalidInput{err: errors.New(reason)}, nil
	}
	if err := errors.Join(config.ExpandInput(cfg), checkProcessors(cfg)); err != nil {
		return &invalidInput{err: err}, nil //nolint:nilerr // the input reports it
	}
	runner, err := f.RunnerFactory.Create(p, cfg)
	if err != nil {
		return &invalidInput{err: err}, nil //nolint:nilerr // the input reports it
	}
	return runner, nil
}

// invalidInput reports why there is no input.
type invalidInput struct {
	err      error
	reporter status.StatusReporter
}

// SetStatusReporter sets where Start reports.
func (w *invalidInput) SetStatusReporter(r status.StatusReporter) { w.reporter = r }

// Start reports why there is no input.
func (w *invalidInput) Start() {
	if w.reporter != nil {
		w.reporter.UpdateStatus(status.Failed, "invalid policy: "+strings.ReplaceAll(w.err.Error(), "\n", "; "))
	}
}

// Stop has nothing to end.
func (w *invalidInput) Stop() {
	if w.reporter != nil {
		w.reporter.UpdateStatus(status.Stopped, "")
	}
}

func (w *invalidInput) String() string { return inputType + " (invalid)" }
