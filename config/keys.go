// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The keys that an input's section may have, and those that it should not.

package config

import (
	"slices"
	"strings"

	conf "github.com/elastic/elastic-agent-libs/config"

	"onepasswordbeat/internal/safetext"
)

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

// commonKeys are the first parts of the common options' keys.
func commonKeys() []string {
	keys := make([]string, 0, len(commonOptions))
	for _, option := range commonOptions {
		top, _, _ := strings.Cut(option.Key, ".")
		keys = append(keys, top)
	}
	return keys
}
