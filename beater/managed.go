// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What is different under Elastic Agent: its inputs come and go, and one that is
// wrong is reported, while the others go on.

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
		} else if c.StatusReporter != nil { // else it is shown as starting for ever
			c.StatusReporter.UpdateStatus(status.Stopped, "it is switched off")
		}
	}
	m.diagnostics.configured(enabled)
	m.probes.expect(len(enabled))
	return m.RunnerList.Reload(enabled)
}

// neverFailing makes an input that only reports what is wrong where there can be
// none. libbeat ends a reload with an error in it before the other units are
// healthy.
type neverFailing struct{ cfgfile.RunnerFactory }

func (f neverFailing) Create(p beat.PipelineConnector, cfg *conf.C) (cfgfile.Runner, error) {
	if reason, err := cfg.String(config.PolicyError, -1); err == nil {
		return &wrongInput{err: errors.New(reason)}, nil
	}
	if err := errors.Join(config.ExpandInput(cfg), checkProcessors(cfg)); err != nil {
		return &wrongInput{err: err}, nil //nolint:nilerr // the input tells it
	}
	runner, err := f.RunnerFactory.Create(p, cfg)
	if err != nil {
		return &wrongInput{err: err}, nil //nolint:nilerr // the input tells it
	}
	return runner, nil
}

// wrongInput is an input that can't be: all it does is to say so.
type wrongInput struct {
	err      error
	reporter status.StatusReporter
}

// SetStatusReporter sets where Start reports.
func (w *wrongInput) SetStatusReporter(r status.StatusReporter) { w.reporter = r }

// Start reports why there is no input.
func (w *wrongInput) Start() {
	if w.reporter != nil {
		w.reporter.UpdateStatus(status.Failed, "the policy is wrong here: "+strings.ReplaceAll(w.err.Error(), "\n", "; "))
	}
}

// Stop has nothing to end.
func (w *wrongInput) Stop() {
	if w.reporter != nil {
		w.reporter.UpdateStatus(status.Stopped, "")
	}
}

func (w *wrongInput) String() string { return inputType + " (wrong)" }
