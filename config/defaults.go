// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// How the defaults are written in a configuration file.

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

// fieldKey returns a field's configuration key and whether its own keys stand in the place of one.
func fieldKey(field reflect.StructField) (key string, inline bool) {
	key, flags, _ := strings.Cut(field.Tag.Get("config"), ",")
	return key, slices.Contains(strings.Split(flags, ","), "inline")
}

// showDuration is a duration as a person writes it: 24h, not 24h0m0s, and 90s, not 1m30s.
func showDuration(d time.Duration) string {
	switch {
	case d != 0 && d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d%time.Second == 0:
		return fmt.Sprintf("%ds", d/time.Second)
	default:
		return d.String()
	}
}
