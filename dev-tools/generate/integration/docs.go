// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// docs/*.md of the package, rendered from the templates in _dev/build/docs.

package main

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"go.yaml.in/yaml/v3"
)

const templates = pkg + "/_dev/build/docs"

// packageDocs has what the templates' functions show, by the name of the data stream.
type packageDocs struct {
	root    string
	fields  map[string][]field
	samples map[string][]byte
}

// render returns a page for each template. The functions are called as those of elastic-package are.
func (p *packageDocs) render() (map[string][]byte, error) {
	names, err := filepath.Glob(filepath.Join(p.root, filepath.FromSlash(templates), "*.md"))
	if err != nil {
		return nil, err
	}
	pages := map[string][]byte{}
	for _, name := range names {
		source, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		page, err := template.New(path.Base(name)).Funcs(template.FuncMap{
			"generatedHeader": func() string { return generatedHeader },
			"fields":          p.fieldsTable,
			"event":           p.event,
			"inputDocs":       p.inputDocs,
		}).Parse(string(source))
		if err != nil {
			return nil, fmt.Errorf("the template %s is wrong: %w", name, err)
		}
		var b bytes.Buffer
		if err := page.Execute(&b, nil); err != nil {
			return nil, fmt.Errorf("the template %s cannot be rendered: %w", name, err)
		}
		pages[pkg+"/docs/"+filepath.Base(name)] = append(bytes.TrimSpace(b.Bytes()), '\n')
	}
	return pages, nil
}

const generatedHeader = `<!-- Generated from _dev/build/docs by dev-tools/generate/integration. Do not edit. -->
`

// fieldsTable lists the fields of a data stream.
func (p *packageDocs) fieldsTable(stream string) (string, error) {
	list, ok := p.fields[stream]
	if !ok {
		return "", fmt.Errorf("there is no data stream %q", stream)
	}
	list = slices.SortedFunc(slices.Values(list), func(a, b field) int { return cmp.Compare(a.Name, b.Name) })
	rows := [][]string{{"Field", "Description", "Type"}}
	for _, f := range list {
		if strings.HasSuffix(f.Name, "**") { // the same again, for values of another JSON type
			continue
		}
		rows = append(rows, []string{f.Name, f.Description, cmp.Or(f.ObjectType, f.Type)})
		for _, m := range f.MultiFields {
			rows = append(rows, []string{f.Name + "." + m.Name, "`" + f.Name + "`, to be searched by its words.", m.Type})
		}
	}
	return "**Exported fields**\n\n" + table(rows), nil
}

// event shows the sample event of a data stream.
func (p *packageDocs) event(stream string) (string, error) {
	sample, ok := p.samples[stream]
	if !ok {
		return "", fmt.Errorf("there is no data stream %q", stream)
	}
	return fmt.Sprintf("An event of `%s` looks like this:\n\n```json\n%s\n```", stream, bytes.TrimSpace(sample)), nil
}

// variable is a setting that a person fills in when adding the integration.
type variable struct {
	Name, Title, Description string
	Default                  any
	Required                 bool
}

// input is an input of the package's manifest.
type input struct {
	Type, Title, Description string
	Vars                     []variable
}

// references are the pages on the inputs, as far as there are any.
var references = map[string]string{
	"cel": "https://www.elastic.co/docs/reference/beats/filebeat/filebeat-input-cel",
}

// inputDocs describes the inputs with their settings, as the manifests have them.
func (p *packageDocs) inputDocs() (string, error) {
	inputs, err := p.inputs()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for i, in := range inputs {
		if i > 0 {
			b.WriteString("\n\n")
		}
		name := "`" + in.Type + "`"
		if page := references[in.Type]; page != "" {
			name = "[" + name + "](" + page + ")"
		}
		fmt.Fprintf(&b, "**%s**: %s\n\n", name, oneLine(in.Description))
		rows := [][]string{{"Setting", "Default", "Description"}}
		for _, v := range in.Vars {
			rows = append(rows, []string{cmp.Or(v.Title, v.Name), v.shownDefault(), oneLine(v.Description)})
		}
		b.WriteString(table(rows))
	}
	return strings.TrimSpace(b.String()), nil
}

// inputs returns the inputs of the manifest, each with the variables of the whole package, then its own, then those
// that its streams have besides. A variable is taken from the first data stream that has it.
func (p *packageDocs) inputs() ([]input, error) {
	var manifest struct {
		Vars            []variable
		PolicyTemplates []struct {
			Vars   []variable
			Inputs []input
		} `yaml:"policy_templates"`
	}
	if err := p.read("manifest.yml", &manifest); err != nil {
		return nil, err
	}
	var list []input
	for _, t := range manifest.PolicyTemplates {
		for _, in := range t.Inputs {
			in.Vars = slices.Concat(manifest.Vars, t.Vars, in.Vars)
			list = append(list, in)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.fields)) {
		var stream struct {
			Streams []struct {
				Input string
				Vars  []variable
			}
		}
		if err := p.read("data_stream/"+name+"/manifest.yml", &stream); err != nil {
			return nil, err
		}
		for _, s := range stream.Streams {
			for i := range list {
				if list[i].Type == s.Input {
					list[i].Vars = union(list[i].Vars, s.Vars)
				}
			}
		}
	}
	return list, nil
}

func (p *packageDocs) read(name string, into any) error {
	raw, err := os.ReadFile(filepath.Join(p.root, filepath.FromSlash(pkg+"/"+name)))
	if err != nil {
		return err
	}
	if err := yaml.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// union adds the variables that are not there yet. Where a variable's default is another for each data stream, none
// is shown.
func union(have, more []variable) []variable {
	for _, v := range more {
		i := slices.IndexFunc(have, func(h variable) bool { return h.Name == v.Name })
		switch {
		case i < 0:
			have = append(have, v)
		case have[i].shownDefault() != v.shownDefault():
			have[i].Default = otherByStream{}
		}
	}
	return have
}

// otherByStream stands for a default that depends on the data stream.
type otherByStream struct{}

// shownDefault is the default for a cell of a table.
func (v variable) shownDefault() string {
	switch d := v.Default.(type) {
	case nil:
		if v.Required {
			return "required"
		}
		return ""
	case otherByStream:
		return "by data stream"
	case []any:
		words := make([]string, len(d))
		for i, word := range d {
			words[i] = fmt.Sprintf("`%v`", word)
		}
		return strings.Join(words, ", ")
	case string:
		if d == "" || strings.Contains(d, "\n") {
			return ""
		}
	}
	return fmt.Sprintf("`%v`", v.Default)
}

// table is a Markdown table; the first row is its head.
func table(rows [][]string) string {
	var b strings.Builder
	for i, row := range rows {
		for j, cell := range row {
			row[j] = strings.ReplaceAll(cell, "|", `\|`)
		}
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
		if i == 0 {
			b.WriteString("|" + strings.Repeat("---|", len(row)) + "\n")
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
