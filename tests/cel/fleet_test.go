// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// From manifests and templates to an input's configuration, as Fleet and Elastic
// Agent make one.

package cel

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aymerick/raymond"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"onepasswordbeat/module"
)

// root is the integration package.
const root = "../../packages/1password"

// The package's inputs.
const (
	celInput  = "cel"
	beatInput = "onepassword"
)

// M is a part of a configuration.
type M = map[string]any

// variable is one in a manifest.
type variable struct {
	Name    string `yaml:"name"`
	Type    string `yaml:"type"`
	Multi   bool   `yaml:"multi"`
	Default any    `yaml:"default"`
	Options []struct {
		Value string `yaml:"value"`
	} `yaml:"options"`
	Required bool `yaml:"required"`
	Secret   bool `yaml:"secret"`
}

// manifest is what counts here of the package's manifest and of a data stream's.
type manifest struct {
	Vars            []variable `yaml:"vars"`
	PolicyTemplates []struct {
		Inputs []struct {
			Type            string     `yaml:"type"`
			DeploymentModes []string   `yaml:"deployment_modes"`
			Vars            []variable `yaml:"vars"`
		} `yaml:"inputs"`
	} `yaml:"policy_templates"`
	Streams []struct {
		Input        string     `yaml:"input"`
		TemplatePath string     `yaml:"template_path"`
		Enabled      bool       `yaml:"enabled"`
		Vars         []variable `yaml:"vars"`
	} `yaml:"streams"`
}

func readManifest(t testing.TB, elem ...string) manifest {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(append([]string{root}, elem...)...))
	require.NoError(t, err)
	var m manifest
	require.NoError(t, yaml.Unmarshal(raw, &m))
	return m
}

// variables are those that a template sees: the package's, the input's and the
// stream's. It returns the template too.
func variables(t testing.TB, input, stream string) (vars map[string]variable, template string) {
	t.Helper()
	vars = map[string]variable{}
	add := func(list []variable) {
		for _, v := range list {
			vars[v.Name] = v
		}
	}
	pkg := readManifest(t, "manifest.yml")
	add(pkg.Vars)
	for _, in := range pkg.PolicyTemplates[0].Inputs {
		if in.Type == input {
			add(in.Vars)
		}
	}
	for _, s := range readManifest(t, "data_stream", stream, "manifest.yml").Streams {
		if s.Input == input {
			add(s.Vars)
			raw, err := os.ReadFile(filepath.Join(root, "data_stream", stream, "agent", "stream", s.TemplatePath))
			require.NoError(t, err)
			template = string(raw)
		}
	}
	return vars, template
}

// render renders a stream as Fleet does for a person who set these values; nil is a
// value that was taken away. Fleet takes no value for a select that it does not offer.
func render(t testing.TB, input, stream string, set M) M {
	t.Helper()
	vars, source := variables(t, input, stream)
	for name := range set {
		require.Contains(t, vars, name, "no such variable")
	}
	values, documents := M{}, M{}
	for name, v := range vars {
		value, ok := set[name]
		if !ok {
			value = v.Default
		}
		requireOption(t, v, value)
		values[name] = handlebarsValue(t, v, value, documents)
	}
	tpl, err := raymond.Parse(source)
	require.NoError(t, err)
	tpl.RegisterHelpers(helpers)
	text, err := tpl.Exec(values)
	require.NoError(t, err)
	for mark, document := range documents { // a line that is nothing but a YAML variable
		written := ""
		if document != nil {
			raw, err := yaml.Marshal(document)
			require.NoError(t, err)
			written = string(raw)
		}
		text = regexp.MustCompile(`(?m)^"`+regexp.QuoteMeta(mark)+`"`).ReplaceAllLiteralString(text, written)
	}
	var out M
	require.NoError(t, yaml.Unmarshal([]byte(text), &out), "%s", text)
	return replaceMarks(out, documents).(M) //nolint:errcheck // a map stays one
}

// requireOption checks a select's value.
func requireOption(t testing.TB, v variable, value any) {
	t.Helper()
	if len(v.Options) == 0 || value == nil {
		return
	}
	for _, option := range v.Options {
		if option.Value == value {
			return
		}
	}
	t.Fatalf("%s offers no %v", v.Name, value)
}

// handlebarsValue is a variable's value as the template sees it. A YAML variable is a
// mark, whose document goes into documents. Fleet does not escape HTML.
func handlebarsValue(t testing.TB, v variable, value any, documents M) any {
	t.Helper()
	switch value := value.(type) {
	case string:
		if v.Type == "yaml" && value != "" {
			mark := "##" + v.Name + "##"
			var document any
			require.NoError(t, yaml.Unmarshal([]byte(value), &document))
			documents[mark] = document
			return raymond.SafeString(`"` + mark + `"`)
		}
		return raymond.SafeString(quoteSpecial(v, value))
	case []any:
		list := make([]any, len(value))
		for i := range value {
			list[i] = handlebarsValue(t, v, value[i], documents)
		}
		return list
	default:
		return value
	}
}

// quoteSpecial quotes what YAML would take for a number or an alias.
func quoteSpecial(v variable, text string) string {
	if _, err := strconv.ParseFloat(text, 64); v.Type == "text" && (err == nil || strings.HasPrefix(text, "*")) {
		return `"` + text + `"`
	}
	return text
}

// helpers are those of Fleet that the templates use.
var helpers = map[string]any{
	"contains": func(item, in string, options *raymond.Options) string {
		if strings.Contains(in, item) {
			return options.Fn()
		}
		return ""
	},
	"escape_string": func(value any) raymond.SafeString {
		text := raymond.Str(value)
		return raymond.SafeString("'" + strings.ReplaceAll(strings.ReplaceAll(text, "'", "''"), "\n", "\n\n") + "'")
	},
}

// replaceMarks puts the documents of YAML variables where their marks stand.
func replaceMarks(value any, documents M) any {
	switch v := value.(type) {
	case string:
		if document, ok := documents[v]; ok {
			return document
		}
	case M:
		for key := range v {
			v[key] = replaceMarks(v[key], documents)
		}
	case []any:
		for i := range v {
			v[i] = replaceMarks(v[i], documents)
		}
	}
	return value
}

// agent adds what Elastic Agent adds to a stream.
func agent(input, stream string, rendered M) M {
	m, _ := module.ByName(stream)
	out := maps.Clone(rendered)
	out["type"] = input
	out["id"] = input + "-" + m.Dataset + "-test"
	out["index"] = "logs-" + m.Dataset + "-default"
	out["data_stream"] = M{"dataset": m.Dataset}
	own, _ := rendered["processors"].([]any)
	out["processors"] = append([]any{
		M{"add_fields": M{"target": "data_stream", "fields": M{"type": "logs", "dataset": m.Dataset, "namespace": "default"}}},
		M{"add_fields": M{"target": "event", "fields": M{"dataset": m.Dataset}}},
	}, own...)
	return out
}

// streams are the names of the data streams.
func streams() []string {
	var names []string
	for _, m := range module.All() {
		names = append(names, m.Name)
	}
	return names
}

// sortedKeys are the keys of a map in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// toJSON is a configuration file's text: JSON is YAML.
func toJSON(t testing.TB, v any) []byte {
	t.Helper()
	raw, err := json.MarshalIndent(v, "", "  ")
	require.NoError(t, err)
	return raw
}
