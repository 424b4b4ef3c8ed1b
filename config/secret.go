// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The token as a setting.

package config

import "onepasswordbeat/internal/safetext"

// Secret is a string that shows itself as "[redacted]", whoever writes it. Only Reveal returns its value.
type Secret = safetext.Secret

// redact takes the token, and all that looks like one, out of a text that is about to be shown.
// A ${NAME} that was taken literally is no secret: the message names the variable.
func redact(text string, token Secret) string {
	if isPlaceholder(token.Reveal()) {
		token = ""
	}
	return safetext.Redact(text, token.Reveal())
}
