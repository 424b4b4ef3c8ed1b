// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Set-up against an Elasticsearch that only remembers, through libbeat's own
// client, and its export to files.

package indexsetup

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/elastic/beats/v7/libbeat/asset"
	"github.com/elastic/beats/v7/libbeat/beat"
	"github.com/elastic/beats/v7/libbeat/esleg/eslegclient"
	"github.com/elastic/beats/v7/libbeat/idxmgmt"
	"github.com/elastic/beats/v7/libbeat/idxmgmt/lifecycle"
	conf "github.com/elastic/elastic-agent-libs/config"
	"github.com/elastic/elastic-agent-libs/logp/logptest"
	"github.com/elastic/elastic-agent-libs/mapstr"
	"github.com/elastic/elastic-agent-libs/paths"
	"github.com/elastic/elastic-agent-libs/version"

	_ "onepasswordbeat/include" // registers fields.yml
)

const (
	templatePath = "/_index_template/onepasswordbeat"
	policyPath   = "/_ilm/policy/onepasswordbeat"
)

// elasticsearch keeps what is PUT, and answers what it is told to.
type elasticsearch struct {
	mu      sync.Mutex
	stored  map[string]string // path → body
	status  map[string]int    // "METHOD path" → status of a rejection
	changes []string          // "PUT path", in order
	flavor  string            // build_flavor, "default" if it is empty
}

func (es *elasticsearch) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	es.mu.Lock()
	defer es.mu.Unlock()
	w.Header().Set("X-Elastic-Product", "Elasticsearch")
	w.Header().Set("Content-Type", "application/json")
	if status := es.status[r.Method+" "+r.URL.Path]; status != 0 {
		w.WriteHeader(status)
		if r.Method != http.MethodHead {
			_, _ = io.WriteString(w, `{"error":{"type":"security_exception","reason":"action is unauthorized for user [writer]"},"status":403}`)
		}
		return
	}
	_, known := es.stored[r.URL.Path]
	switch {
	case r.URL.Path == "/":
		_, _ = fmt.Fprintf(w, `{"version":{"number":"9.1.0","build_flavor":%q}}`, cmp.Or(es.flavor, "default"))
	case r.Method == http.MethodPut:
		body, _ := io.ReadAll(r.Body)
		es.stored[r.URL.Path] = string(body)
		es.changes = append(es.changes, "PUT "+r.URL.Path)
		_, _ = io.WriteString(w, `{"acknowledged":true}`)
	case known && r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, templatesPath):
		_, _ = fmt.Fprintf(w, `{"index_templates":[{"name":"x","index_template":%s}]}`, es.stored[r.URL.Path])
	case known:
		_, _ = io.WriteString(w, `{}`)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// takeChanges returns what was PUT since the last call.
func (es *elasticsearch) takeChanges() []string {
	es.mu.Lock()
	defer es.mu.Unlock()
	changes := es.changes
	es.changes = nil
	return changes
}

// rig is an Elasticsearch and an index management with some settings.
type rig struct {
	es      *elasticsearch
	manager idxmgmt.Manager
	support *support
	logs    *observer.ObservedLogs
}

// newRig also gives the test a temporary folder of its own, which must be empty
// in the end.
func newRig(t *testing.T, es *elasticsearch, settings map[string]any) *rig {
	t.Helper()
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	t.Cleanup(func() {
		left, err := os.ReadDir(temp)
		require.NoError(t, err)
		assert.Empty(t, left, "temporary files are removed")
	})
	log, logs := logptest.NewTestingLoggerWithObserver(t, "")
	support, info, raw := newSupport(t, settings)
	support.log = log
	srv := httptest.NewServer(es)
	t.Cleanup(srv.Close)
	conn, err := eslegclient.NewConnection(eslegclient.ConnectionSettings{URL: srv.URL}, log)
	require.NoError(t, err)
	require.NoError(t, conn.Connect(t.Context()))
	t.Cleanup(func() { _ = conn.Close() })
	client, err := idxmgmt.NewESClientHandler(conn, info, raw)
	require.NoError(t, err)
	return &rig{es: es, manager: support.Manager(client, fields(t)), support: support, logs: logs}
}

func newSupport(t *testing.T, settings map[string]any) (*support, beat.Info, lifecycle.RawConfig) {
	t.Helper()
	log := logptest.NewTestingLogger(t, "")
	info := beat.Info{Beat: "onepasswordbeat", IndexPrefix: "onepasswordbeat", Version: "0.1.0", Logger: log, Paths: paths.New()}
	root, err := conf.MergeConfigs(conf.MustNewConfigFrom(map[string]any{
		"setup.template.name": TemplateName, "setup.template.pattern": "logs-1password.*-*",
	}), conf.MustNewConfigFrom(settings))
	require.NoError(t, err)
	made, err := Factory(log, info, root)
	require.NoError(t, err)
	s, ok := made.(*support)
	require.True(t, ok)
	var raw lifecycle.RawConfig
	require.NoError(t, root.Unpack(&raw))
	return s, info, raw
}

func fields(t *testing.T) idxmgmt.Asseter {
	t.Helper()
	raw, err := asset.GetFields("onepasswordbeat")
	require.NoError(t, err)
	return idxmgmt.BeatsAssets(raw)
}

func newES() *elasticsearch {
	return &elasticsearch{stored: map[string]string{}, status: map[string]int{}}
}

// run sets up as a run does at its first connection, command as `setup` does.
func (r *rig) run() error { return r.manager.Setup(idxmgmt.LoadModeEnabled, idxmgmt.LoadModeEnabled) }
func (r *rig) command() error {
	return r.manager.Setup(idxmgmt.LoadModeOverwrite, idxmgmt.LoadModeEnabled)
}

func parse(t *testing.T, raw string) mapstr.M {
	t.Helper()
	var m mapstr.M
	require.NoError(t, json.Unmarshal([]byte(raw), &m))
	return m
}

func value(t *testing.T, m mapstr.M, key string) any {
	t.Helper()
	v, err := m.GetValue(key)
	require.NoError(t, err, key)
	return v
}

// fieldType looks a dotted field up in a template's mapping.
func fieldType(t *testing.T, template mapstr.M, field string) any {
	t.Helper()
	return value(t, template, "template.mappings.properties."+strings.ReplaceAll(field, ".", ".properties.")+".type")
}

func TestTemplate(t *testing.T) {
	r := newRig(t, newES(), nil)
	require.NoError(t, r.run())
	assert.Equal(t, []string{"PUT " + policyPath, "PUT " + templatePath}, r.es.takeChanges(), "and no data stream")
	template := parse(t, r.es.stored[templatePath])
	assert.Equal(t, []any{"logs-1password.*-*"}, template["index_patterns"])
	assert.EqualValues(t, 150, template["priority"])
	assert.NotNil(t, template["data_stream"])
	assert.Equal(t, []any{"ecs@mappings"}, template["composed_of"])
	assert.Equal(t, template["composed_of"], template["ignore_missing_component_templates"])
	assert.Equal(t, "onepasswordbeat", value(t, template, "template.settings.index.lifecycle.name"))
	assert.Equal(t, true, value(t, template, "template.settings.index.mapping.ignore_malformed"))
	assert.Equal(t, true, value(t, template, "template.settings.index.mapping.total_fields.ignore_dynamic_beyond_limit"))
	assert.EqualValues(t, 1024, value(t, template, "template.settings.index.mapping.ignore_above"))
	dynamic, _ := value(t, template, "template.mappings.dynamic_templates").([]any)
	keywords := 0
	for _, entry := range dynamic {
		for name, dt := range entry.(map[string]any) { //nolint:errcheck // what Elasticsearch takes
			mapping, _ := dt.(map[string]any)["mapping"].(map[string]any) //nolint:errcheck // as above
			if mapping["type"] == "keyword" {
				assert.EqualValues(t, 1024, mapping["ignore_above"], name)
				keywords++
			}
		}
	}
	assert.Greater(t, keywords, 3)
	assert.Equal(t, "match_only_text", value(t, template, "template.mappings.properties.user.properties.name.fields.text.type"))
	for field, want := range map[string]string{
		"@timestamp": "date", "event.created": "date", "event.id": "keyword", "event.category": "keyword", "source.ip": "ip",
		"source.geo.location": "geo_point", "source.address": "keyword", "user.id": "keyword", "related.ip": "ip", "organization.id": "keyword",
		"message": "match_only_text", "onepassword.object_type": "keyword", "onepassword.aux_id": "long", "onepassword.actor_details.uuid": "keyword", "host.os.name": "keyword",
	} {
		assert.Equal(t, want, fieldType(t, template, field), field)
	}
	assert.NotEmpty(t, value(t, parse(t, r.es.stored[policyPath]), "policy.phases.hot.actions.rollover"))
}

func TestSettings(t *testing.T) {
	tests := map[string]struct {
		settings map[string]any
		changes  []string
		check    func(t *testing.T, es *elasticsearch)
	}{
		"without ILM": {
			map[string]any{"setup.ilm.enabled": false},
			[]string{"PUT " + templatePath},
			func(t *testing.T, es *elasticsearch) { assert.NotContains(t, es.stored[templatePath], "lifecycle") },
		},
		"an own policy": {
			map[string]any{"setup.ilm.policy_name": "shared", "setup.template.settings.index.number_of_shards": 3},
			[]string{"PUT /_ilm/policy/shared", "PUT " + templatePath},
			func(t *testing.T, es *elasticsearch) {
				template := parse(t, es.stored[templatePath])
				assert.Equal(t, "shared", value(t, template, "template.settings.index.lifecycle.name"))
				assert.EqualValues(t, 3, value(t, template, "template.settings.index.number_of_shards"))
			},
		},
		"a policy named in the settings": {
			map[string]any{"setup.ilm.check_exists": false, "setup.template.settings.index": map[string]any{"lifecycle": map[string]any{"name": "mine", "origination_date": 1}}},
			[]string{"PUT " + templatePath},
			func(t *testing.T, es *elasticsearch) {
				template := parse(t, es.stored[templatePath])
				assert.Equal(t, "mine", value(t, template, "template.settings.index.lifecycle.name"))
				assert.EqualValues(t, 1, value(t, template, "template.settings.index.lifecycle.origination_date"))
			},
		},
		"a pipeline": {
			map[string]any{"setup.template.settings.index.default_pipeline": "enrich"},
			[]string{"PUT " + policyPath, "PUT " + templatePath},
			func(t *testing.T, es *elasticsearch) {
				assert.Equal(t, "enrich", value(t, parse(t, es.stored[templatePath]), "template.settings.index.default_pipeline"))
			},
		},
		"strict about types": {
			map[string]any{"setup.template.settings.index.mapping.ignore_malformed": false},
			[]string{"PUT " + policyPath, "PUT " + templatePath},
			func(t *testing.T, es *elasticsearch) {
				assert.Equal(t, false, value(t, parse(t, es.stored[templatePath]), "template.settings.index.mapping.ignore_malformed"))
			},
		},
		"names and priority": {
			map[string]any{"setup.template.name": "mine", "setup.template.pattern": "logs-mine-*", "setup.template.priority": 300},
			[]string{"PUT " + policyPath, "PUT /_index_template/mine"},
			func(t *testing.T, es *elasticsearch) {
				template := parse(t, es.stored["/_index_template/mine"])
				assert.Equal(t, []any{"logs-mine-*"}, template["index_patterns"])
				assert.EqualValues(t, 300, template["priority"])
			},
		},
		"no template": {map[string]any{"setup.template.enabled": false}, []string{"PUT " + policyPath}, nil},
		"nothing":     {map[string]any{"setup.template.enabled": false, "setup.ilm.enabled": false}, nil, nil},
		"appended fields": {map[string]any{"setup.template.append_fields": []any{map[string]any{"name": "team", "type": "keyword"}}}, []string{"PUT " + policyPath, "PUT " + templatePath}, func(t *testing.T, es *elasticsearch) {
			assert.Equal(t, "keyword", fieldType(t, parse(t, es.stored[templatePath]), "team"))
		}},
		"policy of an own name": {map[string]any{"setup.ilm.check_exists": false}, []string{"PUT " + templatePath}, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, newES(), test.settings)
			require.NoError(t, r.run())
			assert.Equal(t, test.changes, r.es.takeChanges())
			assert.Equal(t, len(test.changes) > 0, r.support.Enabled())
			if test.check != nil {
				test.check(t, r.es)
			}
		})
	}
}

// TestExistingOnesStay: neither a run nor `setup` changes what is there, unless
// told to.
func TestExistingOnesStay(t *testing.T) {
	tests := map[string]struct {
		settings map[string]any
		changes  []string
	}{
		"default":            {nil, nil},
		"overwrite template": {map[string]any{"setup.template.overwrite": true}, []string{"PUT " + templatePath}},
		"overwrite policy":   {map[string]any{"setup.ilm.overwrite": true}, []string{"PUT " + policyPath}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			es := newES()
			require.NoError(t, newRig(t, es, nil).command())
			es.takeChanges()
			es.stored[templatePath], es.stored[policyPath] = "the user's own", "as well"
			r := newRig(t, es, test.settings)
			for range 2 {
				require.NoError(t, r.command())
				assert.Equal(t, test.changes, es.takeChanges())
				require.NoError(t, r.run())
				assert.Equal(t, test.changes, es.takeChanges())
			}
		})
	}
}

// TestRights: what a role may not do, in a run and in `setup`.
func TestRights(t *testing.T) {
	look, load := "HEAD "+templatePath, "PUT "+templatePath
	lookPolicy, loadPolicy := "GET "+policyPath, "PUT "+policyPath
	tests := map[string]struct {
		rejected   []string
		there      bool // both are, by someone else's set-up
		runErr     string
		runWarns   bool
		commandErr string
		changes    []string // by the run
	}{
		"may write, all is there":                 {[]string{load, loadPolicy, lookPolicy}, true, "", true, "the ILM policy", nil},
		"may look at both, all is there":          {[]string{load, loadPolicy}, true, "", false, "", nil},
		"may not look at the template":            {[]string{look}, true, "the index template", false, "the index template", nil},
		"may not load the template":               {[]string{load}, false, "the index template", false, "the index template", []string{loadPolicy}},
		"may not load the policy":                 {[]string{loadPolicy}, false, "", true, "the ILM policy", []string{load}},
		"may not look at the policy":              {[]string{lookPolicy}, false, "", true, "the ILM policy", []string{load}},
		"may do nothing, and nothing is there":    {[]string{look, load, lookPolicy, loadPolicy}, false, "the index template", true, "the ILM policy", nil},
		"may do everything, and nothing is there": {nil, false, "", false, "", []string{loadPolicy, load}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			make := func() *rig {
				es := newES()
				if test.there {
					es.stored[templatePath], es.stored[policyPath] = "{}", "{}"
				}
				for _, r := range test.rejected {
					es.status[r] = http.StatusForbidden
				}
				return newRig(t, es, nil)
			}
			r := make()
			err := r.run()
			checkSetupError(t, test.runErr, err)
			if test.runErr != "" {
				for _, remedy := range []string{"Nothing is sent before it is there", "onepasswordbeat setup", "docs/roles.md", "setup.template.enabled: false", "logs-1password.*-*"} {
					require.ErrorContains(t, err, remedy)
				}
			}
			assert.Equal(t, test.changes, r.es.takeChanges())
			warnings := r.logs.FilterLevelExact(zapcore.WarnLevel).FilterMessageSnippet("The ILM policy could not be checked").FilterField(zap.String("policy", "onepasswordbeat"))
			assert.Equal(t, test.runWarns, warnings.Len() == 1, "%v", r.logs.All())
			checkSetupError(t, test.commandErr, make().command())
		})
	}
}

// TestOverwriteWithoutTheRight: the setting is the cause, not a missing template.
func TestOverwriteWithoutTheRight(t *testing.T) {
	es := newES()
	es.stored[templatePath], es.stored[policyPath] = "{}", "{}"
	es.status["PUT "+templatePath] = http.StatusForbidden
	err := newRig(t, es, map[string]any{"setup.template.overwrite": true}).run()
	require.ErrorContains(t, err, "403")
	require.ErrorContains(t, err, "setup.template.overwrite is set")
	assert.NotContains(t, err.Error(), "is not there")
}

func checkSetupError(t *testing.T, want string, err error) {
	t.Helper()
	if want == "" {
		require.NoError(t, err)
		return
	}
	require.ErrorContains(t, err, want)
	require.ErrorContains(t, err, "403")
	require.ErrorContains(t, err, "onepasswordbeat", "its name")
}

func TestJSONTemplateOfTheUsers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "own.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"index_patterns":["logs-1password.*-*"],"priority":160}`), 0o600))
	r := newRig(t, newES(), map[string]any{"setup.template.json": map[string]any{"enabled": true, "path": file, "name": "own"}})
	require.NoError(t, r.run())
	assert.Equal(t, []string{"PUT " + policyPath, "PUT /_index_template/own"}, r.es.takeChanges())
	assert.JSONEq(t, `{"index_patterns":["logs-1password.*-*"],"priority":160}`, r.es.stored["/_index_template/own"])
}

func TestFieldsFileOfTheUsers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "fields.yml")
	require.NoError(t, os.WriteFile(file, []byte("- key: own\n  title: Own\n  description: x\n  fields:\n    - name: own.size\n      type: long\n"), 0o600))
	r := newRig(t, newES(), map[string]any{"setup.template.fields": file})
	require.NoError(t, r.run())
	assert.Equal(t, "long", fieldType(t, parse(t, r.es.stored[templatePath]), "own.size"))

	r = newRig(t, newES(), map[string]any{"setup.template.fields": "fields.yml"}) // below path.config, as everywhere in libbeat
	r.support.info.Paths.Config = filepath.Dir(file)
	require.NoError(t, r.run())
	assert.Equal(t, "long", fieldType(t, parse(t, r.es.stored[templatePath]), "own.size"))

	r = newRig(t, newES(), map[string]any{"setup.template.fields": file + ".missing"})
	require.ErrorContains(t, r.run(), "can't be made of fields.yml")
}

// TestNoPlaceForTemporaryFiles: a template that is there needs none, and one that is
// not has the data path.
func TestNoPlaceForTemporaryFiles(t *testing.T) {
	es := newES()
	es.stored[templatePath], es.stored[policyPath] = "{}", "{}"
	r := newRig(t, es, nil)
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "missing"))
	require.NoError(t, r.run())
	assert.Empty(t, es.takeChanges())

	delete(es.stored, templatePath)
	r.support.info.Paths.Data = os.Getenv("TMPDIR")
	require.ErrorContains(t, r.run(), "can't write the index template")
	r.support.info.Paths.Data = t.TempDir()
	require.NoError(t, r.run())
	assert.Equal(t, []string{"PUT " + templatePath}, es.takeChanges())
	left, err := os.ReadDir(r.support.info.Paths.Data)
	require.NoError(t, err)
	assert.Empty(t, left)
}

// TestNames: the template is loaded under the name that libbeat makes of the setting.
func TestNames(t *testing.T) {
	r := newRig(t, newES(), map[string]any{"setup.template.name": "beat-%{[agent.version]}"})
	require.NoError(t, r.run())
	assert.Equal(t, []string{"PUT " + policyPath, "PUT /_index_template/beat-0.1.0"}, r.es.takeChanges())

	file := filepath.Join(t.TempDir(), "own.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"index_patterns":["logs-1password.*-*"]}`), 0o600))
	r = newRig(t, newES(), map[string]any{"setup.template.json": map[string]any{"enabled": true, "path": file}})
	require.NoError(t, r.run())
	assert.Equal(t, []string{"PUT " + policyPath, "PUT " + templatePath}, r.es.takeChanges())
}

// TestExport: `export template` and `export ilm-policy` print what set-up loads.
func TestExport(t *testing.T) {
	loaded := newRig(t, newES(), nil)
	require.NoError(t, loaded.run())

	s, info, raw := newSupport(t, map[string]any{"setup.template.enabled": false})
	files := &printed{}
	client, err := idxmgmt.NewFileClientHandler(files, info, raw)
	require.NoError(t, err)
	m := s.Manager(client, fields(t))
	require.NoError(t, m.Setup(idxmgmt.LoadModeForce, idxmgmt.LoadModeDisabled))
	require.NoError(t, m.Setup(idxmgmt.LoadModeDisabled, idxmgmt.LoadModeForce))
	require.Equal(t, []string{"template onepasswordbeat", "policy onepasswordbeat"}, files.names)
	assert.Equal(t, parse(t, loaded.es.stored[templatePath]), parse(t, files.bodies[0]))
	assert.Equal(t, parse(t, loaded.es.stored[policyPath]), parse(t, files.bodies[1]))
}

// printed is a client of the export commands.
type printed struct{ names, bodies []string }

func (*printed) GetVersion() version.V { return *version.MustNew(MinVersion) }

func (p *printed) Write(component, name, body string) error {
	p.names, p.bodies = append(p.names, fmt.Sprint(component, " ", name)), append(p.bodies, body)
	return nil
}

func TestVerifySetup(t *testing.T) {
	ok, warning := newRig(t, newES(), nil).manager.VerifySetup(idxmgmt.LoadModeOverwrite, idxmgmt.LoadModeEnabled)
	assert.True(t, ok)
	assert.Empty(t, warning)
}

func TestSettingsThatCannotBeRead(t *testing.T) {
	log := logptest.NewTestingLogger(t, "")
	info := beat.Info{Beat: "onepasswordbeat", Version: "0.1.0", Logger: log, Paths: paths.New()}
	_, err := Factory(log, info, conf.MustNewConfigFrom(map[string]any{"setup.template.priority": "high"}))
	require.ErrorContains(t, err, "setup.template")
}

func TestWithPolicyLeavesTheSettingsAlone(t *testing.T) {
	index := map[string]any{"codec": "x", "lifecycle": map[string]any{"name": "mine"}}
	merged := withPolicy(index, "ours")
	assert.Equal(t, map[string]any{"codec": "x", "lifecycle": map[string]any{"name": "mine"}}, merged)
	assert.Equal(t, map[string]any{"lifecycle": map[string]any{"name": "ours"}}, withPolicy(nil, "ours"))
	merged["codec"] = "y"
	assert.Equal(t, "x", index["codec"])
}
