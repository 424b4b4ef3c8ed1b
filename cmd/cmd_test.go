// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The root command, its defaults, and the times and states of the state commands.

package cmd

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/elastic/beats/v7/libbeat/beat"
	"github.com/elastic/beats/v7/libbeat/cfgfile"
	"github.com/elastic/beats/v7/libbeat/idxmgmt"
	conf "github.com/elastic/elastic-agent-libs/config"
	"github.com/elastic/elastic-agent-libs/logp"

	"onepasswordbeat/internal/indexsetup"
	"onepasswordbeat/internal/registry"
	"onepasswordbeat/version"
)

var now = time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)

func TestSettings(t *testing.T) {
	s := settings(&captured{})
	assert.Equal(t, "onepasswordbeat", s.Name)
	assert.Equal(t, "onepasswordbeat", s.IndexPrefix)
	assert.Equal(t, version.Version, s.Version)
	assert.NotNil(t, s.IndexManagement)
	assert.NotNil(t, s.Processing)
	assert.NotEmpty(t, s.ConfigOverrides)
}

// TestDefaultsOfTheRoot loads files as libbeat does.
func TestDefaultsOfTheRoot(t *testing.T) {
	cfgfile.Initialize()
	tests := map[string]struct {
		file     string
		flags    []string
		timeouts map[string]string // key → value; "" is absent
		disk     bool
	}{
		"silent":                {"", nil, map[string]string{"queue.mem.flush.timeout": "500ms"}, false},
		"an output":             {"output.elasticsearch.hosts: [localhost]", nil, map[string]string{"queue.mem.flush.timeout": "500ms", "output.elasticsearch.queue.mem.flush.timeout": ""}, false},
		"other queue settings":  {"queue.mem.events: 100", nil, map[string]string{"queue.mem.flush.timeout": "500ms"}, false},
		"the user's timeout":    {"queue.mem: {events: 100, flush.timeout: 3s}", nil, map[string]string{"queue.mem.flush.timeout": "3s"}, false},
		"the user's zero":       {"queue.mem.flush.timeout: 0s", nil, map[string]string{"queue.mem.flush.timeout": "0s"}, false},
		"disk":                  {"queue.disk.max_size: 1GB", nil, map[string]string{"queue.mem.flush.timeout": ""}, true},
		"below the output":      {"output.kafka: {hosts: [a], queue.mem.events: 100}", nil, map[string]string{"queue.mem.flush.timeout": "", "output.kafka.queue.mem.flush.timeout": "500ms"}, false},
		"own, below the output": {"output.file: {path: x, queue.mem.flush.timeout: 2s}", nil, map[string]string{"queue.mem.flush.timeout": "", "output.file.queue.mem.flush.timeout": "2s"}, false},
		"disk below the output": {"output.console.queue.disk.max_size: 1GB", nil, map[string]string{"queue.mem.flush.timeout": "", "output.console.queue.mem.flush.timeout": ""}, true},
		"disk by -E":            {"output.console.pretty: true", []string{"queue.disk.max_size=1GB"}, map[string]string{"queue.mem.flush.timeout": ""}, true},
		"output's disk by -E":   {"output.console.pretty: true", []string{"output.console.queue.disk.max_size=1GB"}, map[string]string{"queue.mem.flush.timeout": "", "output.console.queue.mem.flush.timeout": ""}, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			setFlags(t, test.flags)
			path := filepath.Join(t.TempDir(), "beat.yml")
			require.NoError(t, os.WriteFile(path, []byte(test.file+"\n"), 0o600))
			c, err := cfgfile.Load(path, overrides())
			require.NoError(t, err)
			for key, want := range test.timeouts {
				got, err := c.String(key, -1)
				if want == "" {
					require.Error(t, err, "%s is %q", key, got)
					continue
				}
				require.NoError(t, err, key)
				assert.Equal(t, want, got)
			}
			for key, want := range map[string]string{"setup.template.name": indexsetup.TemplateName, "setup.template.pattern": "logs-1password.*-*"} {
				got, err := c.String(key, -1)
				require.NoError(t, err, key)
				assert.Equal(t, want, got)
			}
			captured := &captured{}
			assert.False(t, captured.diskQueue(), "before there is a configuration")
			_, err = captured.from(func(*logp.Logger, beat.Info, *conf.C) (idxmgmt.Supporter, error) { return nil, nil })(nil, beat.Info{}, withCommandLine(c)) //nolint:nilnil // not used
			require.NoError(t, err)
			assert.Equal(t, test.disk, captured.diskQueue())
		})
	}
}

// setFlags gives -E for the length of a test. libbeat's own is one for the process
// and only grows.
func setFlags(t *testing.T, settings []string) {
	t.Helper()
	if len(settings) == 0 {
		return
	}
	f := flag.Lookup("E")
	require.NotNil(t, f)
	cli := conf.NewConfig()
	set := conf.NewSettingsFlag(cli)
	for _, s := range settings {
		require.NoError(t, set.Set(s))
	}
	old := f.Value
	f.Value = set
	t.Cleanup(func() { f.Value = old })
}

func TestUsersTemplateSettingsWin(t *testing.T) {
	path := filepath.Join(t.TempDir(), "beat.yml")
	require.NoError(t, os.WriteFile(path, []byte("setup.template: {name: mine, priority: 7}\n"), 0o600))
	c, err := cfgfile.Load(path, overrides())
	require.NoError(t, err)
	for key, want := range map[string]string{"setup.template.name": "mine", "setup.template.pattern": "logs-1password.*-*", "setup.template.priority": "7"} {
		got, err := c.String(key, -1)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
}

func TestSetExportVersion(t *testing.T) {
	export, template, other := &cobra.Command{}, &cobra.Command{Use: "template"}, &cobra.Command{Use: "config"}
	template.Flags().String("es.version", "0.1.0", "")
	other.Flags().String("dir", "", "")
	export.AddCommand(template, other)
	setExportVersion(export)
	f := template.Flags().Lookup("es.version")
	assert.Equal(t, indexsetup.MinVersion, f.Value.String())
	assert.Equal(t, indexsetup.MinVersion, f.DefValue)
	assert.False(t, f.Changed)
	require.NoError(t, template.Flags().Parse([]string{"--es.version", "9.1.0"}))
	assert.Equal(t, "9.1.0", f.Value.String())
}

func TestRootCommand(t *testing.T) {
	root := RootCommand()
	for _, path := range [][]string{
		{"test", "api"}, {"test", "config"}, {"test", "output"}, {"state", "list"}, {"state", "reset"}, {"setup"}, {"keystore", "add"},
		{"export", "config"}, {"export", "template"}, {"export", "ilm-policy"}, {"version"}, {"run"},
	} {
		found, rest, err := root.Find(path)
		require.NoError(t, err, "%v", path)
		assert.Empty(t, rest, "%v", path)
		assert.Equal(t, path[len(path)-1], found.Name())
		assert.NotEmpty(t, found.Short, "%v", path)
	}
	template, _, err := root.Find([]string{"export", "template"})
	require.NoError(t, err)
	assert.Equal(t, indexsetup.MinVersion, template.Flags().Lookup("es.version").Value.String())
}

// TestHidden: what libbeat offers to every beat, and means nothing here.
func TestHidden(t *testing.T) {
	root := RootCommand()
	for name, hidden := range map[string]bool{"dashboards": true, "enable-all-filesets": true, "force-enable-module-filesets": true, "pipelines": false, "index-management": false} {
		assert.Equal(t, hidden, root.SetupCmd.Flags().Lookup(name).Hidden, name)
	}
	for name, hidden := range map[string]bool{"dashboard": true, "index-pattern": true, "template": false, "ilm-policy": false, "config": false} {
		found, _, err := root.ExportCmd.Find([]string{name})
		require.NoError(t, err)
		assert.Equal(t, hidden, found.Hidden, name)
	}
	require.NoError(t, root.SetupCmd.PreRunE(root.SetupCmd, nil))
	require.NoError(t, root.SetupCmd.Flags().Set("dashboards", "true"))
	require.ErrorIs(t, root.SetupCmd.PreRunE(root.SetupCmd, nil), errNoDashboards)
}

func TestParseSince(t *testing.T) {
	tests := map[string]struct {
		want time.Time
		err  string
	}{
		"":                          {now.Add(-24 * time.Hour), ""},
		"48h":                       {now.Add(-48 * time.Hour), ""},
		"90m30s":                    {now.Add(-90*time.Minute - 30*time.Second), ""},
		"2026-01-31T09:00:00Z":      {time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC), ""},
		"2026-01-31T09:00:00+02:00": {time.Date(2026, 1, 31, 7, 0, 0, 0, time.UTC), ""},
		"2026-01-31T09:00:00.25Z":   {time.Date(2026, 1, 31, 9, 0, 0, 250_000_000, time.UTC), ""},
		"2026-05-06T07:08:09Z":      {time.Time{}, "is not in the past"},
		"2027-01-01T00:00:00Z":      {time.Time{}, "is not in the past"},
		"0s":                        {time.Time{}, "neither a time"},
		"-1h":                       {time.Time{}, "neither a time"},
		"2026-01-31":                {time.Time{}, "neither a time such as 2026-01-31T09:00:00Z nor a duration such as 48h"},
		"yesterday":                 {time.Time{}, `--since "yesterday"`},
		"2d":                        {time.Time{}, "neither a time"},
	}
	for in, test := range tests {
		t.Run(in, func(t *testing.T) {
			got, err := parseSince(in, now)
			if test.err != "" {
				require.ErrorContains(t, err, test.err)
				return
			}
			require.NoError(t, err)
			assert.True(t, test.want.Equal(got), "%s", got)
		})
	}
}

func TestWarnOfOldStart(t *testing.T) {
	for age, want := range map[time.Duration]string{
		2880 * time.Hour:             "",
		2880*time.Hour + time.Second: "1Password keeps events for 120 days: nothing older will come.\n",
	} {
		var out writer
		warnOfOldStart(&out, now.Add(-age), now)
		assert.Equal(t, want, string(out), age.String())
	}
}

func TestRegistryPlace(t *testing.T) {
	dataPath := t.TempDir()
	for _, want := range []string{" (there was no registry there: a new one was made)", ""} {
		var place registryPlace
		r, err := place.open(dataPath, logp.NewNopLogger())
		require.NoError(t, err)
		require.NoError(t, r.Close())
		assert.Equal(t, want, place.remark())
	}
}

func TestListStates(t *testing.T) {
	r, err := registry.Open(t.TempDir(), logp.NewNopLogger())
	require.NoError(t, err)
	defer func() { require.NoError(t, r.Close()) }()
	for _, s := range []struct {
		input, eventType string
		state            registry.State
	}{
		{"acme", "audit_events", registry.State{Account: "ACCOUNT", Cursor: "secret-cursor", LastEvent: now.Add(-time.Minute), Updated: now.Add(-90 * time.Second)}},
		{"acme", "item_usages", registry.State{StartTime: now.Add(-24 * time.Hour), Updated: now.Add(-2 * time.Hour)}},
	} {
		require.NoError(t, r.Commit(t.Context(), registry.Key{Input: s.input, EventType: s.eventType}, s.state))
	}
	var out writer
	require.NoError(t, listStates(t.Context(), &out, r, stateFilter{}, now))
	assert.Equal(t, ""+
		"INPUT  EVENT TYPE    ACCOUNT  POSITION                    CURSOR AGE  LAST EVENT\n"+
		"acme   audit_events  ACCOUNT  cursor                      1m30s       2026-05-06T07:07:09Z\n"+
		"acme   item_usages   -        since 2026-05-05T07:08:09Z  2h0m0s      -\n", string(out))
}

// TestListStatesThatCannotBeUsed: the others are shown all the same.
func TestListStatesThatCannotBeUsed(t *testing.T) {
	dataPath := t.TempDir()
	dir := registry.Dir(dataPath)
	require.NoError(t, os.MkdirAll(dir, 0o700))
	for name, content := range map[string]string{
		"meta.json": `{"version":"1"}`, "active.dat": "1.json", "log.json": "",
		"1.json": fmt.Sprintf(`[{"_key":"onepassword::a::audit_events","version":9,"cursor":"x"},{"_key":"onepassword::b::audit_events","version":1,"cursor":"x","updated":%q}]`, now.Format(time.RFC3339)),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	r, err := registry.Open(dataPath, logp.NewNopLogger())
	require.NoError(t, err)
	defer func() { require.NoError(t, r.Close()) }()
	var out writer
	require.NoError(t, listStates(t.Context(), &out, r, stateFilter{}, now))
	assert.Contains(t, string(out), "unusable: the state of input \"a\"")
	assert.Contains(t, string(out), "it has version 9")
	assert.Regexp(t, `(?m)^b +audit_events +- +cursor +0s +-$`, string(out))
}

// TestListStatesOfAHostileRegistry: a terminal gets nothing but text.
func TestListStatesOfAHostileRegistry(t *testing.T) {
	dataPath := t.TempDir()
	dir := registry.Dir(dataPath)
	require.NoError(t, os.MkdirAll(dir, 0o700))
	const escape = `\u001b[31m\u001b]0;owned\u0007\r\n\u202e`
	long := strings.Repeat("x", 900_000)
	for name, content := range map[string]string{
		"meta.json": `{"version":"1"}`, "active.dat": "1.json", "log.json": "",
		"1.json": `[{"_key":"onepassword::a` + escape + long + `::audit_events","version":1,"cursor":"` + escape + long + `","account":"A` + escape + long + `"},` +
			`{"_key":"onepassword::b::` + escape + long + `","version":1,"cursor":"x","updated":"` + escape + long + `"},` +
			`{"_key":"onepassword::c::audit_events","version":9,"cursor":"x"}]`,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	r, err := registry.Open(dataPath, logp.NewNopLogger())
	require.NoError(t, err)
	defer func() { require.NoError(t, r.Close()) }()
	var out writer
	require.NoError(t, listStates(t.Context(), &out, r, stateFilter{}, now))
	assert.Less(t, len(out), 8<<10)
	assert.Equal(t, 4, strings.Count(string(out), "\n"), "%s", out)
	assert.False(t, strings.ContainsFunc(string(out), func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }), "%q", out)
}

func TestListStatesFiltered(t *testing.T) {
	r, err := registry.Open(t.TempDir(), logp.NewNopLogger())
	require.NoError(t, err)
	defer func() { require.NoError(t, r.Close()) }()
	for i, input := range []string{"customer-1", "customer-2", "own"} {
		for j, eventType := range []string{"audit_events", "item_usages"} {
			require.NoError(t, r.Commit(t.Context(), registry.Key{Input: input, EventType: eventType},
				registry.State{Cursor: "c", Updated: now.Add(-time.Duration(10*i+j) * time.Minute)}))
		}
	}
	for name, test := range map[string]struct {
		filter stateFilter
		want   []string // input and event type
	}{
		"pattern":           {stateFilter{input: "customer-*", eventType: "audit_events"}, []string{"customer-1 audit_events", "customer-2 audit_events"}},
		"exact":             {stateFilter{input: "own"}, []string{"own audit_events", "own item_usages"}},
		"old, oldest first": {stateFilter{older: 10 * time.Minute, sort: "age"}, []string{"own item_usages", "own audit_events", "customer-2 item_usages"}},
		"none":              {stateFilter{input: "nobody"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, test.filter.check())
			var out writer
			require.NoError(t, listStates(t.Context(), &out, r, test.filter, now))
			var got []string
			for line := range strings.Lines(string(out)) {
				if f := strings.Fields(line); f[0] != "INPUT" && f[1] != "of" {
					got = append(got, f[0]+" "+f[1])
				}
			}
			assert.Equal(t, test.want, got)
			assert.Contains(t, string(out), fmt.Sprintf("%d of 6 states", len(test.want)))
		})
	}
	for _, bad := range []stateFilter{{input: "["}, {eventType: "x"}, {sort: "y"}} {
		require.Error(t, bad.check())
	}
}

type writer []byte

func (w *writer) Write(p []byte) (int, error) {
	*w = append(*w, p...)
	return len(p), nil
}
