// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A pipeline: pipeline.yml with the scripts and the tables in their places.

package main

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"onepasswordbeat/dev-tools/generate/fields/fielddefs"
	"onepasswordbeat/module"
)

//go:embed pipeline.yml painless/*.painless
var sources embed.FS

const header = "---\n# Generated from dev-tools/generate/pipelines and the tables of the beat's mapping in module/ by dev-tools/generate/pipelines. Do not edit.\n"

// maxScript is the longest script that Elasticsearch takes by default.
const maxScript = 65_535

// pipeline returns the ingest pipeline of an event type.
func pipeline(m module.Module, set *fielddefs.Set) ([]byte, error) {
	text, err := sources.ReadFile("pipeline.yml")
	if err != nil {
		return nil, err
	}
	text = bytes.ReplaceAll(text, []byte("{title}"), []byte(strings.ToLower(m.Title)))
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("pipeline.yml: %w", err)
	}
	doc.HeadComment = ""
	uncomment(&doc)
	params, err := tables(m, set)
	if err != nil {
		return nil, err
	}
	if err := fill(&doc, m, params); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString(header)
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(&doc); err != nil {
		return nil, err
	}
	return b.Bytes(), e.Close()
}

// uncomment takes the comments out, which are for the source.
func uncomment(n *yaml.Node) {
	n.HeadComment, n.LineComment, n.FootComment = "", "", ""
	for _, child := range n.Content {
		uncomment(child)
	}
}

// fill puts sources and params into each script processor.
func fill(n *yaml.Node, m module.Module, params map[string]*yaml.Node) error {
	if n.Kind != yaml.MappingNode {
		return fillAll(n.Content, m, params)
	}
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i].Value, n.Content[i+1]
		if key != "script" {
			if err := fill(value, m, params); err != nil {
				return err
			}
			continue
		}
		if err := fillScript(value, m, params); err != nil {
			return err
		}
	}
	return nil
}

func fillAll(nodes []*yaml.Node, m module.Module, params map[string]*yaml.Node) error {
	for _, child := range nodes {
		if err := fill(child, m, params); err != nil {
			return err
		}
	}
	return nil
}

func fillScript(script *yaml.Node, m module.Module, params map[string]*yaml.Node) error {
	for i := 0; i < len(script.Content); i += 2 {
		value := script.Content[i+1]
		switch script.Content[i].Value {
		case "source":
			text, err := assemble(value.Value, m)
			if err != nil {
				return err
			}
			*value = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.LiteralStyle, Value: text}
		case "params":
			filled, err := selected(value, params)
			if err != nil {
				return err
			}
			*value = *filled
		}
	}
	return nil
}

// assemble joins the script's files.
func assemble(names string, m module.Module) (string, error) {
	var parts []string
	for name := range strings.FieldsSeq(strings.ReplaceAll(names, "{stream}", m.Name)) {
		text, err := sources.ReadFile("painless/" + name + ".painless")
		if err != nil {
			return "", err
		}
		parts = append(parts, string(text))
	}
	script := strings.Join(parts, "\n")
	if len(script) > maxScript {
		return "", fmt.Errorf("a script of %d characters is longer than the %d that Elasticsearch takes", len(script), maxScript)
	}
	return script, nil
}

// selected returns the params that a script names, in this order; "tables" are those of the event type alone.
func selected(names *yaml.Node, params map[string]*yaml.Node) (*yaml.Node, error) {
	all := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for i := 0; i < len(names.Content); i += 2 {
		name := names.Content[i].Value
		value, ok := params[name]
		if !ok {
			return nil, errors.New("pipeline.yml names a param that there is not: " + name)
		}
		if name == "tables" {
			all.Content = append(all.Content, value.Content...)
			continue
		}
		all.Content = append(all.Content, plain(name), value)
	}
	return all, nil
}
