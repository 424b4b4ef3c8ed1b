// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// From a section of the configuration file to a Config, and the unknown settings of a section.

package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	conf "github.com/elastic/elastic-agent-libs/config"
	"github.com/elastic/elastic-agent-libs/logp"
	"github.com/elastic/elastic-agent-libs/transport/httpcommon"
	"github.com/elastic/elastic-agent-libs/transport/tlscommon"

	"onepasswordbeat/internal/safetext"
)

// Unpack reads an input's section over the defaults and checks it. Its error holds every problem, a line each, with
// the key and the remedy: values of a wrong type, variables that are not set, and all that Validate finds.
// token, token_file and url come without the space around them that copying leaves. Variables in cfg are expanded.
// With an error the Config is not to be used.
func Unpack(cfg *conf.C) (Config, error) {
	if cfg == nil {
		return Config{}, errors.New("the input has no settings")
	}
	c := Default()
	p := expandInput(cfg)
	unpackFields(cfg, reflect.ValueOf(&c).Elem(), "", &p)
	c.checkTokenIsThere(cfg, &p)
	c.check(&p)
	checkCommon(cfg, &p)
	if err := p.err(c.Token); err != nil {
		return Config{}, err
	}
	c.Token, c.TokenFile, c.URL = Secret(cleanToken(c.Token.Reveal())), strings.TrimSpace(c.TokenFile), strings.TrimSpace(c.URL)
	return c, nil
}

// unpackFields reads the fields of a struct one by one, since go-ucfg stops at the first that is wrong. A struct with
// a key of its own is taken apart in the same way; an inlined one reads itself.
func unpackFields(cfg *conf.C, target reflect.Value, prefix string, p *problems) {
	for i := range target.NumField() {
		field := target.Type().Field(i)
		key, inline := fieldKey(field)
		if inline {
			unpackInline(cfg, target, i, prefix, p)
			continue
		}
		if field.Type.Kind() == reflect.Struct && cfg.HasField(key) {
			if child, err := cfg.Child(key, -1); err != nil {
				p.add(prefix+key, "it must hold keys of its own; write for example %s", exampleOf(prefix+key+"."))
			} else {
				unpackFields(child, target.Field(i), prefix+key+".", p)
			}
			continue
		}
		if err := unpackField(cfg, target, i); err != nil {
			at := faultyKey(prefix+key, err)
			if strings.HasPrefix(err.Error(), "missing field") {
				p.add(at, "%s", unsetProblem(at, variablesOf(cfg, field).unset))
			}
			p.add(at, "%s", unpackProblem(at, err))
		}
	}
}

// unpackField reads one field, with a struct that has only this field. Lists replace their default.
func unpackField(cfg *conf.C, target reflect.Value, i int) error {
	single := reflect.New(reflect.StructOf([]reflect.StructField{target.Type().Field(i)}))
	value := single.Elem().Field(0)
	value.Set(target.Field(i))
	if err := cfg.Unpack(single.Interface()); err != nil {
		return err
	}
	target.Field(i).Set(value)
	return nil
}

// unpackInline reads an inlined struct as a whole, since those of the transport check what their fields alone do not.
// If that fails, its fields are read one by one for the key that is at fault; what else is wrong is found as well then.
func unpackInline(cfg *conf.C, target reflect.Value, i int, prefix string, p *problems) {
	if unpackField(cfg, target, i) == nil {
		return
	}
	unpackFields(cfg, target.Field(i), prefix, p)
	if transport, ok := target.Field(i).Interface().(httpcommon.HTTPTransportSettings); ok {
		if _, err := tlscommon.LoadTLSConfig(transport.TLS, logp.NewNopLogger()); err != nil {
			at := faultyKey("ssl", err)
			p.add(at, "%s", unpackProblem(at, err))
		}
	}
}

// tlsLists are what tlscommon calls an item of a list of its settings, of which it names no key, and what to write.
var tlsLists = []struct{ name, key, remedy string }{
	{"tls version", "ssl.supported_protocols", "write TLSv1.2 or TLSv1.3"},
	{"cipher suite", "ssl.cipher_suites", "write for example ssl.cipher_suites: [ECDHE-ECDSA-AES-256-GCM-SHA384]"},
	{"curve type", "ssl.curve_types", "write for example ssl.curve_types: [P-256, P-384]"},
}

// faultyKey finds the key below another one, such as ssl, that an error of go-ucfg names at its end, or in words.
func faultyKey(key string, err error) string {
	for _, list := range tlsLists {
		if key == "ssl" && strings.Contains(err.Error(), list.name) {
			return list.key
		}
	}
	for _, option := range Options() {
		if strings.HasPrefix(option.Key, key+".") && strings.Contains(err.Error(), option.Key+"'") {
			return option.Key
		}
	}
	return key
}

// unpackProblem says what to write instead of an unreadable value. It shows go-ucfg's message only for files and
// certificates, where the cause is outside of the configuration; elsewhere the message could contain the value.
func unpackProblem(key string, err error) string {
	text, _, _ := strings.Cut(err.Error(), " accessing ")
	for _, list := range tlsLists {
		if key == list.key && strings.Contains(text, list.name) {
			return text + ": " + list.remedy
		}
	}
	option, declared := optionByKey(key)
	switch {
	case key == "ssl" && strings.HasPrefix(text, "(assert)"): // go-ucfg's word for another type than a map
		return fmt.Sprintf("it must hold keys of its own; write for example %s", exampleOf("ssl."))
	case key == "ssl":
		return strings.ReplaceAll(text, " reading <nil>", "") + "; correct the file or the setting that names it"
	case !declared:
		return "it cannot be read: compare it with onepasswordbeat.reference.yml"
	case option.Type == Text && (strings.HasPrefix(key, "ssl.") || key == "proxy_url"): // texts with a meaning of their own
		return fmt.Sprintf("it is not accepted. %s Write for example %s", option.Summary, option.line())
	default:
		return fmt.Sprintf("it must be %s; write for example %s", option.Type.words(), option.line())
	}
}

// fieldKey returns a field's configuration key and whether its own keys stand in the place of one.
func fieldKey(field reflect.StructField) (key string, inline bool) {
	key, flags, _ := strings.Cut(field.Tag.Get("config"), ",")
	return key, slices.Contains(strings.Split(flags, ","), "inline")
}

// UnknownKeys returns the unknown settings of an input's section, dotted and sorted. They are
// not an error: a setting that a later version has removed should not stop the beat. Most of them are typing errors.
// Below a common setting such as processors nothing is looked at.
func UnknownKeys(cfg *conf.C) []string {
	if cfg == nil {
		return nil
	}
	var unknown []string
	above := cfg.Path() + "." // a section of a larger file knows where it stands
	for _, key := range cfg.FlattenedKeys() {
		key = withoutIndex(strings.TrimPrefix(key, above))
		if shown := safetext.SettingName(key); !knownKey(key) && !slices.Contains(unknown, shown) {
			unknown = append(unknown, shown)
		}
	}
	slices.Sort(unknown)
	return unknown
}

// withoutIndex cuts a key at its first list index: event_types.0 is event_types.
func withoutIndex(key string) string {
	parts := strings.Split(key, ".")
	for i, part := range parts {
		if i > 0 && part != "" && strings.Trim(part, "0123456789") == "" {
			return strings.Join(parts[:i], ".")
		}
	}
	return key
}

func knownKey(key string) bool {
	if _, ok := optionByKey(key); ok {
		return true
	}
	for _, option := range Options() {
		if option.Type == Map && strings.HasPrefix(key, option.Key+".") {
			return true
		}
	}
	top, _, _ := strings.Cut(key, ".")
	return slices.Contains(commonKeys(), top) || slices.Contains(policyKeys, top) || top == "auth" // which Validate rejects
}

// PolicyError is the key of the reason why a policy's input cannot be read as a configuration. Such an input has
// nothing else but its type and id, and reports the reason as its health.
const PolicyError = "policy_error"

// PolicyKeys returns the keys that Elastic Agent and Filebeat's input wrapper put into an input's section and that are
// no settings. Some of them change with each revision of a policy, which must not restart an input.
func PolicyKeys() []string { return slices.Clone(policyKeys) }

var policyKeys = []string{
	"data_stream", "policy", "streams", "use_output", "name", "revision", "meta", "package_policy_id", "package",
	"original_id", "service", "condition", "log_level", "_module_name", "_fileset_name",
}

// CheckIDs looks at all inputs together: as soon as there are two, each needs an id of its own, because the id keeps
// their cursors apart. Disabled inputs do not count. The error names inputs with the same id by their position,
// counted from 1.
func CheckIDs(inputs []*conf.C) error {
	var unnamed []int
	places := map[string][]int{}
	var ids []string
	for i, input := range inputs {
		if !input.Enabled() {
			continue
		}
		var has struct {
			ID string `config:"id"`
		}
		if err := input.Unpack(&has); err != nil {
			continue // Unpack reports it
		}
		if has.ID == "" {
			unnamed = append(unnamed, i+1)
			continue
		}
		if places[has.ID] == nil {
			ids = append(ids, has.ID)
		}
		places[has.ID] = append(places[has.ID], i+1)
	}
	var errs []error
	if len(unnamed) > 0 && len(unnamed)+len(ids) > 1 {
		errs = append(errs, fmt.Errorf("id: %s no id: with several inputs each needs one, for example the account's name", inputNumbers(unnamed, "has", "have")))
	}
	for _, id := range ids {
		if len(places[id]) > 1 {
			errs = append(errs, fmt.Errorf("id: %s the same id %.128q: give each its own, otherwise they share their cursors", inputNumbers(places[id], "has", "have"), redact(id, "")))
		}
	}
	return errors.Join(errs...)
}

// inputNumbers is "input 2 has" or "inputs 1 and 3 have".
func inputNumbers(numbers []int, one, many string) string {
	if len(numbers) == 1 {
		return fmt.Sprintf("input %d %s", numbers[0], one)
	}
	words := make([]string, len(numbers))
	for i, n := range numbers {
		words[i] = fmt.Sprint(n)
	}
	last := len(words) - 1
	return fmt.Sprintf("inputs %s and %s %s", strings.Join(words[:last], ", "), words[last], many)
}
