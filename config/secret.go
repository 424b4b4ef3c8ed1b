// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A string that no log, no error and no encoder gets to see.

package config

import (
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
)

const redacted = "[redacted]"

// Secret is a string that shows itself as "[redacted]" to fmt with any verb, to encoding/json, to YAML and to slog.
// Only Reveal returns its value.
type Secret string

// Reveal returns the value. Nothing that is written anywhere may hold it.
func (s Secret) Reveal() string { return string(s) }

// String returns "[redacted]", also for an empty secret.
func (Secret) String() string { return redacted }

// GoString returns "[redacted]".
func (Secret) GoString() string { return redacted }

// Format writes "[redacted]" for each verb, %x and %d too.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalJSON returns "[redacted]" as a JSON string.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText returns "[redacted]"; YAML encoders use it.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns "[redacted]".
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// Unpack is go-ucfg's way to set a string. It is more than convenience: without it go-ucfg never returns from a value
// of another kind, such as a number, for a defined string type.
func (s *Secret) Unpack(value string) error {
	*s = Secret(value)
	return nil
}

// tokenLike finds what looks like a JSON Web Token wherever somebody pasted it.
var tokenLike = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{6,}[A-Za-z0-9_.\-]*`)

// redact takes the token, and all that looks like one, out of a text that is about to be shown.
func redact(text string, token Secret) string {
	if t := strings.TrimSpace(token.Reveal()); len(t) >= minTokenLength {
		text = strings.ReplaceAll(text, t, redacted)
	}
	return tokenLike.ReplaceAllString(text, redacted)
}

// minTokenLength tells a token from a slip of the pen: taking "a" out of every message would hide nothing and help
// nobody.
const minTokenLength = 8
