// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A token as people store it: what is taken off, and what is rejected before anything is sent.

package eventsapi

import (
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// NormalizeToken returns the token in a setting or a file: without white space and a byte order mark around it. Text that
// is more than a token, or is encoded, is an error that names what was found and never quotes the text. The token is
// returned with the error, too, so that it can be redacted. An empty text is not an error.
//
// Every token is read with this function; nothing else decides what a token looks like.
func NormalizeToken(raw string) (string, error) {
	token := strings.Trim(raw, "\ufeff \t\r\n")
	switch {
	case isUTF16(raw):
		return token, errors.New("the token is encoded as UTF-16: save it as UTF-8, without a byte order mark")
	case token == "":
		return "", nil
	case len(token) > MaxTokenBytes:
		return token, fmt.Errorf("this is not a token: it has %d bytes", len(token))
	}
	for _, w := range wrappings {
		if w.is(token) {
			return token, errors.New(w.text)
		}
	}
	if i := strings.IndexFunc(token, func(r rune) bool { return !isTokenRune(r) }); i >= 0 {
		return token, errors.New("the token contains " + describeRune(token[i:]) + ", which no token has: copy it from 1Password again, whole and in one line")
	}
	return token, checkShape(token)
}

// wrappings are what people leave around a token, or store in place of one.
var wrappings = []struct {
	is   func(string) bool
	text string
}{
	{startsWithAny(`"`, `'`, "`", "“", "”", "‘", "’", "«", "„"), "the token is in quotes: remove the quotes, and everything outside of them"},
	{startsWithAny("{", "["), "this is JSON that may contain the token: write only the value of the token, without the JSON around it"},
	{startsWithAny("<"), "this is an HTML or XML document, or the token is in angle brackets: write only the token"},
	{startsWithAny("-----begin"), "this is PEM text, such as a certificate or a key: write the token of the Events Reporting integration"},
	{startsWithAny("op://"), "this is a reference to a secret (op://...): write the token itself, for example with `op read` or `op inject`"},
	{startsWithAny("ops_eyJ"), "this is the token of a service account: create a token for Events Reporting (Integrations > Events Reporting)"},
	{regexp.MustCompile(`^A3-[A-Z0-9]{6}-`).MatchString, "this is an account's Secret Key, which no integration needs: create a token for Events Reporting (Integrations > Events Reporting)"},
	{startsWithAny("bearereyJ"), "the token has `Bearer` in front of it: write only the token"},
	{startsWithAny("bearer ", "bearer\t", "authorization:", "authorization=", "token "), "the token has `Bearer` or a header's name in front of it: write only the token"},
	{regexp.MustCompile(`^\$(\{[^}]*\}|\([^)]*\)|[A-Za-z_]\w*)$`).MatchString, "this is a reference to a variable that was not replaced: write the token, or set the variable"},
	{regexp.MustCompile(`^(?i:export\s+|set\s+|\$env:)?[A-Za-z_][\w.-]{0,63}\s*(=[^=]|:\s)`).MatchString, "the token has a name and `=` or `:` in front of it: write only the value"},
	{regexp.MustCompile(`[\r\n]`).MatchString, "the token has several lines: write one token, whole and in one line"},
	{regexp.MustCompile(`[,;]$`).MatchString, "the token ends in a comma or a semicolon: remove it"},
	{func(s string) bool { return strings.HasPrefix(decoded(s), "eyJ") }, "the token is encoded as base64 once more: decode it first (a Kubernetes Secret wants base64 in `data`, and plain text in `stringData`)"},
}

func startsWithAny(prefixes ...string) func(string) bool {
	return func(s string) bool {
		for _, prefix := range prefixes {
			if len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) {
				return true
			}
		}
		return false
	}
}

// decoded returns the beginning of a text after decoding it as base64; "" if it is not base64.
func decoded(s string) string {
	const enough = 8
	if strings.Contains(s, ".") || len(s) < enough {
		return ""
	}
	b, err := base64.StdEncoding.DecodeString(s[:enough])
	if err != nil {
		return ""
	}
	return string(b)
}

// isUTF16 is whether a text has the byte order mark of UTF-16, or its zero bytes.
func isUTF16(raw string) bool {
	return strings.HasPrefix(raw, "\xff\xfe") || strings.HasPrefix(raw, "\xfe\xff") || strings.Contains(raw[:min(len(raw), 64)], "\x00")
}

// isTokenRune is whether a bearer token may have the character (RFC 6750, b64token).
func isTokenRune(r rune) bool {
	return isAlphanumeric(r) || strings.ContainsRune("-._~+/=", r)
}

func isAlphanumeric(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
}

func describeRune(s string) string {
	switch r, _ := utf8.DecodeRuneInString(s); r {
	case ' ', '\t':
		return "a space"
	case utf8.RuneError:
		return "bytes that are not UTF-8"
	case '%':
		return "% (is it URL-encoded?)"
	default:
		return fmt.Sprintf("the character U+%04X", r)
	}
}

// checkShape rejects a JSON Web Token that is not whole. A token of another kind is left to the server: Events Reporting
// tokens are JSON Web Tokens today.
func checkShape(token string) error {
	parts := strings.Split(token, ".")
	if !strings.HasPrefix(token, "eyJ") {
		return nil
	}
	if len(parts) != 3 || parts[1] == "" || parts[2] == "" {
		return fmt.Errorf("the token is not an Events Reporting token: a token has 3 parts between dots, this one has %d (was it copied whole?)", len(parts))
	}
	for _, part := range parts {
		if strings.ContainsFunc(strings.TrimRight(part, "="), func(r rune) bool { return !isAlphanumeric(r) && r != '-' && r != '_' }) {
			return errors.New("the token cannot be read: a part of it is not base64 (was it copied whole?)")
		}
	}
	return nil
}
