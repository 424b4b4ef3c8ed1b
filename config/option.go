// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What an option is, and how it is written in a configuration file.

package config

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
