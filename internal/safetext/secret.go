// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A string that no log, no error and no encoder shows.

package safetext

import (
	"fmt"
	"io"
	"log/slog"
)

// Redacted stands for what is not shown.
const Redacted = "[redacted]"

// Secret is a string that shows itself as "[redacted]" to fmt with any verb, to encoding/json, to YAML and to slog.
// Only Reveal returns its value.
type Secret string

// Reveal returns the value. It must not be written anywhere.
func (s Secret) Reveal() string { return string(s) }

// String returns "[redacted]", also for an empty secret.
func (Secret) String() string { return Redacted }

// GoString returns "[redacted]".
func (Secret) GoString() string { return Redacted }

// Format writes "[redacted]" for each verb, also for %x and %d.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// MarshalJSON returns "[redacted]" as a JSON string.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + Redacted + `"`), nil }

// MarshalText returns "[redacted]"; YAML encoders use it.
func (Secret) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// LogValue returns "[redacted]".
func (Secret) LogValue() slog.Value { return slog.StringValue(Redacted) }

// Unpack is go-ucfg's way to set a string. It is needed: without it go-ucfg does not return from a value of another
// kind, such as a number, for a defined string type.
func (s *Secret) Unpack(value string) error {
	*s = Secret(value)
	return nil
}
