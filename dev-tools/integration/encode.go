// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Kibana's saved objects: readable in the repository, encoded in the zip.

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Kibana keeps parts of a saved object as strings that hold JSON. In the repository these parts are objects, which can
// be read and compared; in the built package they must be strings, because Fleet hands the objects to Kibana as they
// are. These are the parts, as the build of elastic-package has them.
var (
	// encodedInPanels are below attributes of a panel that holds its object by value.
	encodedInPanels = []string{
		"layerListJSON", "mapStateJSON", "uiStateJSON", "visState", "optionsJSON",
		"kibanaSavedObjectMeta.searchSourceJSON",
	}
	// encodedInObjects are below attributes of the object itself.
	encodedInObjects = []string{
		"controlGroupInput.ignoreParentSettingsJSON", "controlGroupInput.panelsJSON",
		"kibanaSavedObjectMeta.searchSourceJSON",
		"layerListJSON", "mapStateJSON", "uiStateJSON", "visState", "optionsJSON", "panelsJSON",
	}
)

// encodeAsset makes the strings of a saved object's file. What is a string already stays as it is.
func encodeAsset(raw []byte) ([]byte, error) {
	object, err := decodeObject(raw)
	if err != nil {
		return nil, err
	}
	attributes, _ := object["attributes"].(map[string]any)
	// From the inside out: after this loop's end the panels go into a string themselves.
	for _, panel := range panelsOf(attributes) {
		if err := encodeParts(attributesOf(panel), encodedInPanels); err != nil {
			return nil, err
		}
	}
	if err := encodeParts(attributes, encodedInObjects); err != nil {
		return nil, err
	}
	return marshal(object, "    ")
}

// decodeAsset is the inverse of encodeAsset.
func decodeAsset(raw []byte) ([]byte, error) {
	object, err := decodeObject(raw)
	if err != nil {
		return nil, err
	}
	attributes, _ := object["attributes"].(map[string]any)
	if err := decodeParts(attributes, encodedInObjects); err != nil {
		return nil, err
	}
	for _, panel := range panelsOf(attributes) {
		if err := decodeParts(attributesOf(panel), encodedInPanels); err != nil {
			return nil, err
		}
	}
	return marshal(object, "    ")
}

func panelsOf(attributes map[string]any) []any {
	panels, _ := attributes["panelsJSON"].([]any)
	return panels
}

// attributesOf is embeddableConfig.attributes of a panel, nil where there is none.
func attributesOf(panel any) map[string]any {
	object, _ := panel.(map[string]any)
	config, _ := object["embeddableConfig"].(map[string]any)
	attributes, _ := config["attributes"].(map[string]any)
	return attributes
}

// encodeParts replaces the parts that are there and no strings yet by their JSON.
func encodeParts(in map[string]any, parts []string) error {
	return replaceParts(in, parts, func(value any) (any, error) {
		if _, done := value.(string); done {
			return value, nil
		}
		encoded, err := marshal(value, "")
		return string(bytes.TrimSuffix(encoded, []byte("\n"))), err
	})
}

// decodeParts replaces the parts that are strings by what their JSON says.
func decodeParts(in map[string]any, parts []string) error {
	return replaceParts(in, parts, func(value any) (any, error) {
		text, encoded := value.(string)
		if !encoded {
			return value, nil
		}
		return decode([]byte(text))
	})
}

// replaceParts replaces what is at the dotted paths; a path that leads nowhere is left alone.
func replaceParts(in map[string]any, paths []string, replace func(any) (any, error)) error {
	for _, path := range paths {
		parent, key := in, path
		for first, rest, below := strings.Cut(key, "."); below; first, rest, below = strings.Cut(key, ".") {
			parent, _ = parent[first].(map[string]any)
			key = rest
		}
		value, there := parent[key]
		if !there {
			continue
		}
		replaced, err := replace(value)
		if err != nil {
			return fmt.Errorf("attributes.%s: %w", path, err)
		}
		parent[key] = replaced
	}
	return nil
}

func decodeObject(raw []byte) (map[string]any, error) {
	value, err := decode(raw)
	if err != nil {
		return nil, err
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("it is not a JSON object but a %T", value)
	}
	return object, nil
}

// decode reads exactly one JSON value. Numbers keep their digits.
func decode(raw []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("has something after its JSON value")
	}
	return value, nil
}

// marshal sorts keys, which makes the bytes the same each time, and leaves <, > and & readable.
func marshal(value any, indent string) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	err := e.Encode(value)
	return b.Bytes(), err
}
