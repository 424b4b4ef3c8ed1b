// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package indexsetup loads the index template, the ILM policy and, for
// `setup --pipelines` only, the integration's ingest pipelines into
// Elasticsearch: one template for the data streams of all event types.
//
// libbeat's own set-up makes a template and then a data stream named like the
// template, and fails where it can't. Here the data streams come into being with
// their first event, from a template for logs-1password.*-*. The template's body
// is libbeat's, made from fields.yml; only how it is loaded differs.
//
//   - A template or a policy that is there stays as it is, unless
//     setup.template.overwrite or setup.ilm.overwrite is set: `setup` run again
//     changes nothing that a user changed.
//   - A run sets up at its first connection. A role that may only write does not
//     need the rights for it where the template is there already.
//   - Elasticsearch Serverless has no ILM: there the template has a data stream
//     lifecycle, which deletes nothing unless the user sets a retention.
//   - Where it is not there and can't be loaded, the connection fails with the
//     reason and nothing is sent: it would be mapped wrongly.
package indexsetup

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/elastic/beats/v7/libbeat/beat"
	"github.com/elastic/beats/v7/libbeat/idxmgmt"
	"github.com/elastic/beats/v7/libbeat/idxmgmt/lifecycle"
	"github.com/elastic/beats/v7/libbeat/template"
	conf "github.com/elastic/elastic-agent-libs/config"
	"github.com/elastic/elastic-agent-libs/logp"
	"github.com/elastic/elastic-agent-libs/mapstr"
	"github.com/elastic/elastic-agent-libs/paths"
	"github.com/elastic/elastic-agent-libs/version"
)

const (
	// TemplateName is the index template's name and, by libbeat's default, the
	// ILM policy's. It has no version in it: two templates for the same data
	// streams with the same priority are rejected.
	TemplateName = "onepasswordbeat"
	// MinVersion is the oldest Elasticsearch that the template is made for.
	MinVersion = "8.18.0"
)

// Factory makes libbeat's index management.
func Factory(log *logp.Logger, info beat.Info, root *conf.C) (idxmgmt.Supporter, error) {
	base, err := idxmgmt.MakeDefaultSupport(nil, log)(log, info, root)
	if err != nil {
		return nil, err
	}
	section := struct {
		Lifecycle lifecycle.RawConfig     `config:",inline"`
		Template  template.TemplateConfig `config:"setup.template"`
	}{Template: template.DefaultConfig(info)}
	if err := root.Unpack(&section); err != nil {
		return nil, fmt.Errorf("setup.template or setup.ilm can't be read: %w", err)
	}
	ilm, err := lifecycle.DefaultSupport(log, info, section.Lifecycle.ILM.Enabled() || section.Lifecycle.ILM == nil)
	if err != nil {
		return nil, err
	}
	retention, err := retentionOf(section.Lifecycle.DSL)
	if err != nil {
		return nil, err
	}
	return &support{Supporter: base, log: log.Named("index-setup"), info: info, template: section.Template, ilm: ilm, retention: retention}, nil
}

// support is libbeat's own but for the set-up.
type support struct {
	idxmgmt.Supporter
	log       *logp.Logger
	info      beat.Info
	template  template.TemplateConfig
	ilm       lifecycle.Supporter
	retention string    // of the data stream lifecycle; "" keeps everything
	warned    sync.Once // of a policy that can't be looked at: once, not at each connection
}

func (s *support) Enabled() bool { return s.template.Enabled || s.ilm.Enabled() }

func (s *support) Manager(client idxmgmt.ClientHandler, assets idxmgmt.Asseter) idxmgmt.Manager {
	return &manager{support: s, client: client, policy: s.ilm.Manager(client), assets: assets}
}

// manager sets up one Elasticsearch, or prints what it would load.
type manager struct {
	*support
	client idxmgmt.ClientHandler
	policy lifecycle.Manager
	assets idxmgmt.Asseter
}

// serverless reports whether the template is for Elasticsearch Serverless: it is set up
// there, or `export` is asked for it by setup.dsl.enabled.
func (m *manager) serverless() bool { return m.client.Mode() == lifecycle.DSL }

// VerifySetup has no warnings: what is not loaded is said by Setup.
func (m *manager) VerifySetup(_, _ idxmgmt.LoadMode) (bool, string) { return true, "" }

// Setup loads the policy and the template where they are missing. The `setup`
// command asks for LoadModeOverwrite of the template, a run for LoadModeEnabled,
// and `export` for LoadModeForce.
func (m *manager) Setup(tmplMode, ilmMode idxmgmt.LoadMode) error {
	byCommand := tmplMode != idxmgmt.LoadModeEnabled
	withILM, err := m.loadPolicy(ilmMode)
	if err != nil && byCommand {
		return fmt.Errorf("the ILM policy %q can't be loaded: %w", m.client.PolicyName(), err)
	}
	if err != nil {
		m.warned.Do(func() {
			m.log.Warnw("The ILM policy could not be checked. If it is not there, data streams do not roll over: "+
				"run `onepasswordbeat setup` once with a role that may load it, or set setup.ilm.enabled: false",
				"policy", m.client.PolicyName(), "error", err)
		})
	}
	if tmplMode == idxmgmt.LoadModeDisabled || !m.template.Enabled && tmplMode != idxmgmt.LoadModeForce {
		return nil
	}
	err = m.loadTemplate(withILM)
	if err != nil && m.template.Overwrite && !byCommand {
		return fmt.Errorf("the index template %q could not be loaded: %w. setup.template.overwrite is set, and has it loaded at each connection, "+
			"there or not: take it out of the configuration, and give it to `onepasswordbeat setup` with -E", m.template.Name, err)
	}
	if err != nil {
		return fmt.Errorf("the index template %q is not there or could not be looked at, and could not be loaded: %w. "+
			"Nothing is sent before it is there, because events would be mapped wrongly. Run `onepasswordbeat setup` once with a role "+
			"that may load it (docs/roles.md); or set setup.template.enabled: false if another template serves %s",
			m.template.Name, err, m.template.Pattern)
	}
	return nil
}

// loadPolicy loads the ILM policy if it is missing, and tells whether the
// template names it.
func (m *manager) loadPolicy(mode idxmgmt.LoadMode) (withILM bool, err error) {
	if m.serverless() || !m.ilm.Enabled() {
		return false, nil
	}
	if enabled, err := m.policy.CheckEnabled(); err != nil || !enabled {
		return false, err
	}
	if mode == idxmgmt.LoadModeDisabled {
		return true, nil
	}
	_, err = m.policy.EnsurePolicy(m.client.Overwrite())
	return true, err
}

// loadTemplate has libbeat load the body as a template of its own, which makes no
// data stream. libbeat takes such a template from a file, which it reads last: the
// file is only made where the template is to be loaded.
func (m *manager) loadTemplate(withILM bool) error {
	cfg := m.template
	cfg.Enabled = true
	name, err := LoadedName(m.info, cfg)
	if err != nil {
		return err
	}
	own := cfg.JSON.Enabled
	cfg.JSON.Enabled, cfg.JSON.Name = true, name
	if own {
		return m.client.Load(cfg, m.info, nil, false)
	}
	cfg.JSON.IsDataStream, cfg.JSON.Path = false, noFile
	if err := m.client.Load(cfg, m.info, nil, false); !errors.Is(err, fs.ErrNotExist) {
		return err // it is there already, or could not be looked at
	}
	body, err := m.body(m.template, withILM)
	if err != nil {
		return err
	}
	path, remove, err := tempFile(body, os.TempDir(), m.info.Paths.Data)
	if err != nil {
		return err
	}
	defer remove()
	cfg.JSON.Path = path
	return m.client.Load(cfg, m.info, nil, false)
}

// noFile is a file that is never there.
const noFile = "onepasswordbeat-template-not-made-yet.json"

// LoadedName is the name that the template has in Elasticsearch.
func LoadedName(info beat.Info, cfg template.TemplateConfig) (string, error) {
	if cfg.JSON.Enabled && cfg.JSON.Name != "" {
		return cfg.JSON.Name, nil // libbeat takes it as it is
	}
	cfg.JSON.Enabled = false
	tmpl, err := template.New(false, info.Version, info.IndexPrefix, true, *version.MustNew(MinVersion), cfg, false, info.Logger)
	if err != nil {
		return "", fmt.Errorf("setup.template.name or setup.template.pattern can't be read: %w", err)
	}
	return tmpl.GetName(), nil
}

// body is the template that libbeat makes of fields.yml and setup.template.*.
func (m *manager) body(cfg template.TemplateConfig, withILM bool) (mapstr.M, error) {
	if withILM {
		cfg.Settings.Index = withPolicy(cfg.Settings.Index, m.client.PolicyName())
	}
	es := version.MustNew(MinVersion)
	// Not m.info.ElasticLicensed: libbeat means whether Elasticsearch has match_only_text, as all of MinVersion do.
	tmpl, err := template.New(m.serverless(), m.info.Version, m.info.IndexPrefix, true, *es, cfg, false, m.log)
	if err != nil {
		return nil, err
	}
	var body mapstr.M
	if cfg.Fields != "" {
		body, err = tmpl.LoadFile(m.info.Paths.Resolve(paths.Config, cfg.Fields))
	} else {
		body, err = tmpl.LoadBytes(m.assets.Fields(m.info.Beat))
	}
	if err != nil {
		return nil, fmt.Errorf("the index template can't be made of fields.yml: %w", err)
	}
	if _, own := cfg.Settings.Index["query"]; !own {
		// libbeat would have a search without a field look at fields.* only.
		_ = body.Delete("template.settings.index.query")
	}
	// What a user's processors add is typed by Elasticsearch's own mappings for ECS.
	// The rules of a component come before the template's own, so a new key of the API
	// is typed by its name as well; a value that is of another type must not have the
	// event rejected. Fleet's data streams have the same setting.
	body["composed_of"] = []string{"ecs@mappings"}
	body["ignore_missing_component_templates"] = []string{"ecs@mappings"}
	if m.serverless() {
		for _, setting := range addLifecycle(body, m.retention) {
			m.log.Infow("left a setting out of the index template, because Elasticsearch Serverless decides on it", "setting", setting)
		}
	}
	for name, value := range lenient {
		if _, err := body.GetValue("template.settings.index.mapping." + name); err != nil { // not set by the user
			_, _ = body.Put("template.settings.index.mapping."+name, value)
		}
	}
	limitDynamicKeywords(body)
	return body, nil
}

// lenient are the settings by which one odd event harms neither itself nor the events after it: a value of another type
// is not indexed, nor are keys beyond the limit of fields, nor keywords that are longer than Elasticsearch's limit
// of 32,766 bytes, whatever template they come from. Fleet's data streams get the same from the package.
var lenient = map[string]any{
	"ignore_malformed": true,
	"ignore_above":     ignoreAbove,
	"total_fields.ignore_dynamic_beyond_limit": true,
}

// ignoreAbove is libbeat's own for keywords that fields.yml names, in characters.
const ignoreAbove = 1024

// limitDynamicKeywords sets ignore_above where libbeat does not: for keys of objects that have no definition.
func limitDynamicKeywords(body mapstr.M) {
	value, err := body.GetValue("template.mappings.dynamic_templates")
	if err != nil {
		return
	}
	templates, _ := value.([]mapstr.M)
	for _, template := range templates {
		for name := range template {
			kind, err := template.GetValue(name + ".mapping.type")
			if err != nil || kind != "keyword" {
				continue
			}
			if _, err := template.GetValue(name + ".mapping.ignore_above"); err != nil {
				_, _ = template.Put(name+".mapping.ignore_above", ignoreAbove)
			}
		}
	}
}

// withPolicy adds index.lifecycle.name to a copy of the settings, unless a policy
// is named there already.
func withPolicy(index map[string]any, policy string) map[string]any {
	merged := map[string]any{}
	for k, v := range index {
		merged[k] = v
	}
	lifecycle := map[string]any{"name": policy}
	if own, ok := merged["lifecycle"].(map[string]any); ok {
		for k, v := range own {
			lifecycle[k] = v
		}
	}
	merged["lifecycle"] = lifecycle
	return merged
}

// tempFile writes a body for libbeat to read, into the first folder that takes it.
func tempFile(body mapstr.M, dirs ...string) (path string, remove func(), err error) {
	raw, err := json.MarshalIndent(body, "", "  ")
	if err != nil {
		return "", nil, err
	}
	var errs []error
	for _, dir := range dirs {
		path, err := writeTemp(dir, raw)
		if err == nil {
			return path, func() { _ = os.Remove(path) }, nil
		}
		errs = append(errs, err)
	}
	return "", nil, fmt.Errorf("can't write the index template to a temporary file: %w", errors.Join(errs...))
}

func writeTemp(dir string, raw []byte) (string, error) {
	dir, err := filepath.Abs(dir) // libbeat takes another path as one below path.config
	if err != nil {
		return "", err
	}
	f, err := os.CreateTemp(dir, "onepasswordbeat-template-*.json")
	if err != nil {
		return "", err
	}
	_, err = f.Write(raw)
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}
