// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Command streams writes how the package packages/1password collects: for each data stream its manifest, and a template
// of an input's configuration for each input, all three streams from the same sources in templates/. Run it from the
// root of the repository:
//
//	go run ./dev-tools/generate/integration/streams
package main

import (
	"bytes"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"

	"go.yaml.in/yaml/v3"

	"onepasswordbeat/config"
	"onepasswordbeat/dev-tools/generate/output"
	"onepasswordbeat/module"
)

// pkg is the package's folder, seen from the root.
const pkg = output.Integration

// sources are the templates; program.cel is a part of one of them.
//
//go:embed templates
var sources embed.FS

// targets are the written files, below the data stream's folder, by their source.
var targets = map[string]string{
	"manifest.yml.tmpl":        "manifest.yml",
	"cel.yml.hbs.tmpl":         "agent/stream/cel.yml.hbs",
	"onepassword.yml.hbs.tmpl": "agent/stream/onepassword.yml.hbs",
}

func main() { output.Main("streams", generate) }

// packageVersion is the version in the package's manifest.
func packageVersion(root string) (string, error) {
	raw, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(pkg), "manifest.yml"))
	if err != nil {
		return "", err
	}
	var manifest struct {
		Version string `yaml:"version"`
	}
	if err := yaml.Unmarshal(raw, &manifest); err != nil {
		return "", fmt.Errorf("%s/manifest.yml: %w", pkg, err)
	}
	return manifest.Version, nil
}

// stream is what the sources of one data stream are filled with.
type stream struct {
	module.Module
	Lower           string // the title within a sentence
	Path            string // of the endpoint
	UserAgent       string // of the cel input
	Program         string // of the cel input, indented
	Interval        string // of the cel input
	BeatInterval    string // of the input onepassword
	Cel             bool   // whether the variables are those of the cel input
	Overlap         string // of the cel input
	InitialInterval string
	Limit           string
}

// celInterval is the cel input's pause between polls: its polls share no budget with
// other policies, and an Agent has many inputs.
const celInterval = "10s"

// overlap is a module's overlap as a template writes it, in hours.
func overlap(m module.Module) string { return strconv.Itoa(int(m.Overlap.Hours())) + "h" }

// generate returns the content of each file by its path. The defaults are the beat's.
func generate(root string) (output.Files, error) {
	version, err := packageVersion(root)
	if err != nil {
		return nil, err
	}
	program, err := sources.ReadFile("templates/program.cel")
	if err != nil {
		return nil, err
	}
	defaults := map[string]string{}
	for _, option := range config.Options() {
		defaults[option.Key] = option.Value()
	}
	files := output.Files{}
	for _, m := range module.All() {
		s := stream{
			Module:          m,
			Lower:           strings.ToLower(m.Title[:1]) + m.Title[1:],
			Path:            "/api/v2/" + m.Path,
			UserAgent:       "onepasswordbeat-integration/" + version,
			Program:         indent(string(program)),
			Interval:        celInterval,
			Cel:             true,
			BeatInterval:    defaults["interval"],
			Overlap:         overlap(m),
			InitialInterval: defaults["initial_interval"],
			Limit:           defaults["limit"],
		}
		for source, target := range targets {
			content, err := s.fill(source)
			if err != nil {
				return nil, err
			}
			files[pkg+"/data_stream/"+m.Name+"/"+target] = content
		}
	}
	return files, nil
}

// Beat is the stream with the defaults of the input onepassword.
func (s stream) Beat() stream {
	s.Interval, s.Cel = s.BeatInterval, false
	return s
}

// fill fills a source in. Handlebars has the braces, so a source uses brackets.
func (s stream) fill(source string) ([]byte, error) {
	t, err := template.New(source).Delims("[[", "]]").Option("missingkey=error").ParseFS(sources, "templates/"+source)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = t.Execute(&out, s)
	return out.Bytes(), err
}

// indent indents the lines of a text that are not empty.
func indent(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, line := range lines {
		if line != "" {
			lines[i] = "  " + line
		}
	}
	return strings.Join(lines, "\n")
}
