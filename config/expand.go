// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Text from a variable stays text. go-ucfg reads a variable's value as if it stood in a YAML file: 00042 becomes 34, on
// becomes true, and a comma makes a list. Here the setting decides what its text is, not the text (ADR 19).

package config

import (
	"encoding/csv"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	conf "github.com/elastic/elastic-agent-libs/config"
	"github.com/elastic/go-ucfg"
	"github.com/elastic/go-ucfg/parse"
)

// ExpandInput replaces the variables in an input's section by their values, each as the type that its setting has. It
// changes cfg, and may be called again. Variables that are not set stay, for Unpack to report. Its error names the
// settings whose variable has a default that go-ucfg has read as something else than text.
func ExpandInput(cfg *conf.C) error {
	p := expandInput(cfg)
	return p.err("")
}

func expandInput(cfg *conf.C) problems {
	e := expander{kindOf: inputKind, strict: true}
	e.expand(cfg)
	return e.problems
}

// ExpandRoot does the same for libbeat's settings, in so far as text is lost otherwise: a number or boolean that is
// written in the usual way, and a list for a setting that is not one of the texts below, are left to libbeat.
func ExpandRoot(cfg *conf.C) {
	e := expander{kindOf: rootKind}
	e.expand(cfg)
}

// kind is what the text of a variable becomes.
type kind int

const (
	asText    kind = iota
	asInteger      // decimal
	asBool         // also yes, no, on and off
	asList         // comma-separated texts
	asNatural      // what go-ucfg reads, unless that changes the text
)

// inputKind is the kind of an input's setting. item says that it is an item of a list.
func inputKind(path string, item bool) kind {
	if top, _, _ := strings.Cut(path, "."); top == "processors" {
		return processorKind(path)
	}
	option, declared := optionByKey(path)
	if !declared || item {
		return asText
	}
	switch option.Type {
	case Integer, Duration:
		return asInteger
	case Bool:
		return asBool
	case List:
		return asList
	case Text, Map:
		return asText
	default:
		return asText
	}
}

// processorKind is the kind of a processor's setting. What ends up in events is text.
func processorKind(path string) kind {
	for _, part := range []string{".add_fields.fields.", ".add_labels.labels.", ".add_tags.tags.", ".target.", ".message.", ".field.", ".pattern.", ".replacement."} {
		if strings.Contains(path+".", part) {
			return asText
		}
	}
	return asNatural
}

// rootTexts are the last parts of libbeat's settings that are texts, whatever they look like.
var rootTexts = []string{
	"api_key", "auth", "client_id", "id", "index", "key", "key_passphrase", "name", "namespace", "passphrase", "password",
	"path", "pipeline", "proxy_url", "token", "topic", "user", "username",
}

// rootKind is the kind of one of libbeat's settings.
func rootKind(path string, item bool) kind {
	if input, ok := strings.CutPrefix(path, "onepasswordbeat.inputs."); ok {
		return inputKind(input, item) // the first call expands it, see ExpandInput
	}
	top, _, _ := strings.Cut(path, ".")
	last := path[strings.LastIndex(path, ".")+1:]
	switch {
	case top == "processors":
		return processorKind(path)
	case item, top == "fields", strings.Contains(path, ".headers."), slices.Contains(rootTexts, last):
		return asText
	default:
		return asNatural
	}
}

// mark stands around the value of a variable while go-ucfg evaluates a setting, so that it can only be text.
const mark = "\x00"

// expander walks through a configuration.
type expander struct {
	kindOf   func(path string, item bool) kind
	strict   bool // report defaults of variables that are not text
	lookups  int  // since the last setting
	problems problems
}

func (e *expander) expand(cfg *conf.C) {
	if cfg == nil || resolverDisabled() {
		return
	}
	e.walk((*ucfg.Config)(cfg), "")
}

// options evaluate a variable to its marked text. What a variable refers to within the file comes first, as always.
func (e *expander) options() []ucfg.Option {
	resolve := func(name string) (string, parse.Config, error) {
		e.lookups++
		value, err := lookUp(name)
		if err != nil || value == "" {
			return "", parse.NoopConfig, ucfg.ErrMissing
		}
		return mark + value + mark, parse.NoopConfig, nil
	}
	return []ucfg.Option{ucfg.PathSep("."), ucfg.VarExp, ucfg.Resolve(resolve), ucfg.IgnoreCommas}
}

func (e *expander) walk(c *ucfg.Config, path string) {
	for _, name := range c.GetFields() {
		e.setting(c, name, -1, strings.TrimPrefix(path+"."+name, "."))
	}
	if c.IsArray() {
		n, err := c.CountField("")
		for i := 0; err == nil && i < n; i++ {
			e.setting(c, "", i, path)
		}
	}
}

// setting expands one setting, or an item of a list: then name is "" and idx its position.
func (e *expander) setting(c *ucfg.Config, name string, idx int, path string) {
	if child, err := c.Child(name, idx, e.options()...); err == nil {
		e.walk(child, path)
		return
	}
	e.lookups = 0
	marked, err := c.String(name, idx, e.options()...)
	if err != nil || e.lookups == 0 {
		return // not set, or not a variable
	}
	text := strings.ReplaceAll(marked, mark, "")
	kind := e.kindOf(path, name == "")
	switch {
	case strings.TrimSpace(text) == "": // Unpack names the variable
	case text == marked && e.strict && kind == asText && !isText(c, name, idx):
		e.problems.add(path, "the default of its variable is read as a number, true or false: put it in quotes, for example ${NAME:'00042'}")
	case text == marked: // a default, which the file's author has written
	default:
		set(c, name, idx, text, kind)
	}
}

// isText reports whether a setting's value is text for go-ucfg.
func isText(c *ucfg.Config, name string, idx int) bool {
	opts := []ucfg.Option{ucfg.PathSep("."), ucfg.VarExp, ucfg.ResolveEnv}
	var value any
	if name == "" {
		var list []any
		if c.Unpack(&list, opts...) != nil || idx >= len(list) {
			return true
		}
		value = list[idx]
	} else {
		var section map[string]any
		if c.Unpack(&section, opts...) != nil {
			return true
		}
		value = section[name]
	}
	_, ok := value.(string)
	return ok
}

// set writes a text into a configuration, where no variable is looked for in it again.
func set(c *ucfg.Config, name string, idx int, text string, kind kind) {
	switch kind {
	case asInteger:
		if n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64); err == nil {
			_ = c.SetInt(name, idx, n)
			return
		}
	case asBool:
		if value, err := parse.ValueWithConfig(text, parse.NoopConfig); err == nil {
			if b, ok := value.(bool); ok {
				_ = c.SetBool(name, idx, b)
				return
			}
		}
	case asList, asNatural:
		if kind == asNatural && unchanged(text) {
			return
		}
		if items := listOf(text); items != nil {
			if list, err := ucfg.NewFrom(items); err == nil {
				_ = c.SetChild(name, idx, list)
				return
			}
		}
	case asText:
	}
	_ = c.SetString(name, idx, text) // it is there already, so that setting it cannot fail
}

// unchanged reports whether go-ucfg reads a text as a number or boolean that is written just so, or as that text.
func unchanged(text string) bool {
	value, err := parse.ValueWithConfig(text, parse.EnvConfig)
	if err != nil {
		return false
	}
	switch value.(type) {
	case []any, map[string]any, nil:
		return false
	}
	return fmt.Sprint(value) == text || slices.Contains([]string{"on", "off", "yes", "no"}, strings.ToLower(text))
}

// listOf splits a comma-separated list, with or without brackets; nil if the text is not a list.
func listOf(text string) []string {
	inner, bracket := strings.CutPrefix(strings.TrimSpace(text), "[")
	if bracket {
		inner = strings.TrimSuffix(inner, "]")
	} else if !strings.Contains(text, ",") {
		return nil
	}
	r := csv.NewReader(strings.NewReader(inner))
	r.LazyQuotes, r.TrimLeadingSpace = true, true
	items, err := r.Read()
	if err != nil {
		return nil
	}
	for i := range items {
		items[i] = strings.Trim(strings.TrimSpace(items[i]), "'")
	}
	return items
}

// resolverDisabled reports whether libbeat shows variables instead of their values, as `export config` does.
func resolverDisabled() bool {
	const probe = "${ONEPASSWORDBEAT_PROBE}"
	value, err := evaluate(probe)
	return err == nil && value == probe
}

// lookUp returns the value of a variable from where libbeat looks for it, the environment and then the keystore, as it is.
func lookUp(name string) (string, error) {
	if value := os.Getenv(name); value != "" {
		return value, nil
	}
	// go-ucfg parses even a value of the keystore, unless it stands in quotes. A value with a quote in it is text anyway.
	value, err := evaluate("'${" + name + "}'")
	if err != nil {
		return evaluate("${" + name + "}")
	}
	return value, nil
}

// evaluate returns the text of an expression as libbeat reads it.
func evaluate(expression string) (string, error) {
	var reference struct {
		Value string `config:"value"`
	}
	cfg, err := conf.NewConfigFrom(map[string]any{"value": expression})
	if err != nil {
		return "", err
	}
	err = cfg.Unpack(&reference)
	return reference.Value, err
}
