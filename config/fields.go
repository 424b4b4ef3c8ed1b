// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Reading a section field by field, so that each problem names its setting.

package config

import (
	"fmt"
	"reflect"
	"strings"

	conf "github.com/elastic/elastic-agent-libs/config"
	"github.com/elastic/elastic-agent-libs/logp"
	"github.com/elastic/elastic-agent-libs/transport/httpcommon"
	"github.com/elastic/elastic-agent-libs/transport/tlscommon"
)

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
