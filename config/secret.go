// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The token as a setting.

package config

import (
	"strings"

	"onepasswordbeat/internal/safetext"
)

// Secret is a string that is written as "[redacted]" by every formatter. Only Reveal returns its value.
type Secret = safetext.Secret

// redact removes the token, and everything that looks like one, from a text to show.
// A ${NAME} that was taken literally stays, so that the message names the variable.
func redact(text string, token Secret) string {
	if isPlaceholder(token.Reveal()) {
		token = ""
	}
	return safetext.Redact(text, token.Reveal())
}

// isPlaceholder reports whether a variable reference was taken literally, as in a quoted "$${NAME}".
func isPlaceholder(s string) bool {
	return strings.HasPrefix(s, "${") && strings.HasSuffix(s, "}")
}
