// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What an option is, and how it is written in a configuration file.

package config

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/elastic/elastic-agent-libs/transport/httpcommon"
)

// Type is the kind of value that an option takes.
type Type string

// The types of options.
const (
	Text     Type = "text"
	Duration Type = "duration"
	Integer  Type = "integer"
	Bool     Type = "true or false"
	List     Type = "list"
	Map      Type = "map"
)

// words is the type as it goes into the sentence "it must be ...".
func (t Type) words() string {
	switch t {
	case Duration:
		return "a duration, which is a number with a unit (ms, s, m, h)"
	case Integer:
		return "a whole number"
	case Bool:
		return "true or false"
	case List:
		return "a list"
	case Map:
		return "a map of names to values"
	case Text:
		return "a single text"
	default:
		return string(t)
	}
}

// Option is one setting of an input, for people: the configuration files and their documentation are made from it.
type Option struct {
	Key     string // dotted, as in rate_limit.requests_per_minute
	Type    Type
	Default string // as it is written in YAML; "" if there is none
	Summary string // a sentence, in the tables
	Detail  string // what else there is to say; may be empty
	Example string // a value as it is written in YAML, where the default shows nothing
	Common  bool   // set by many, and therefore in the short configuration file
}

// Value is what the configuration files show for the option, in YAML.
func (o Option) Value() string {
	if o.Example != "" {
		return o.Example
	}
	return o.Default
}

// line is the option as a line of a configuration file.
func (o Option) line() string { return o.Key + ": " + o.Value() }

// allOptions are those of the input, and then the common ones.
func allOptions() []Option { return slices.Concat(Options(), CommonOptions()) }

// optionByKey finds an option of the input or a common one.
func optionByKey(key string) (Option, bool) {
	for _, option := range allOptions() {
		if option.Key == key {
			return option, true
		}
	}
	return Option{}, false
}

// exampleOf is the line of the first option whose key begins with prefix.
func exampleOf(prefix string) string {
	for _, option := range allOptions() {
		if strings.HasPrefix(option.Key, prefix) {
			return option.line()
		}
	}
	return prefix
}

// defaultValues renders Default() as key and YAML value.
func defaultValues() map[string]string {
	values := map[string]string{}
	walkDefaults(reflect.ValueOf(Default()), "", values)
	return values
}

func walkDefaults(v reflect.Value, prefix string, values map[string]string) {
	for i := range v.NumField() {
		key, inline := fieldKey(v.Type().Field(i))
		field := v.Field(i)
		switch {
		case inline:
			walkDefaults(field, prefix, values)
		case field.Kind() == reflect.Struct:
			walkDefaults(field, prefix+key+".", values)
		default:
			values[prefix+key] = showValue(field.Interface())
		}
	}
}

// showValue writes a value in YAML; "" for what is not set.
func showValue(value any) string {
	switch v := value.(type) {
	case time.Duration:
		return showDuration(v)
	case []string:
		if len(v) == 0 {
			return ""
		}
		return "[" + strings.Join(v, ", ") + "]"
	case int:
		return strconv.Itoa(v)
	case bool:
		return strconv.FormatBool(v)
	case string:
		return v
	case Secret, httpcommon.ProxyHeaders:
		return ""
	}
	if v := reflect.ValueOf(value); v.Kind() == reflect.Pointer && v.IsNil() {
		return ""
	}
	return fmt.Sprint(value)
}
