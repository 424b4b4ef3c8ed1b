// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package safetext makes text from outside fit to show: in a log, an error, a health message, on a terminal. It is the
// one place that redacts secrets and that removes control characters.
//
//	line.go    Line, Short and Clean: one printable line of bounded length; SettingName
//	redact.go  Redact: a text without tokens and passwords
//	secret.go  Secret: a string that does not show itself
package safetext

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxBytes is the length of a text from a server in logs, errors and health messages, and of error.message.
const MaxBytes = 1 << 10

const ellipsis = "…"

// escapeSequence is a terminal's escape sequence: CSI, OSC with its terminator, and the two-character ones.
var escapeSequence = regexp.MustCompile("(?:\x1b\\[|\u009b)[0-?]*[ -/]*[@-~]?" + "|(?:\x1b[\\]PX^_]|[\u009d\u0090\u0098\u009e\u009f])[^\x07\x1b\u009c\n]*(?:\x07|\x1b\\\\|\u009c)?" + "|\x1b[ -/]*[0-~]?")

// Line returns a text as one printable line of at most MaxBytes bytes: escape sequences are removed, other control
// characters, line breaks, invisible and direction-changing characters become spaces, and what is too long ends in "…".
func Line(text string) string { return Short(text, MaxBytes) }

// Short is Line with another limit, in bytes of UTF-8.
func Short(text string, limit int) string {
	text = strings.ToValidUTF8(head(text, 4*limit), "\uFFFD")
	text = escapeSequence.ReplaceAllLiteralString(text, "")
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
	return Cut(strings.Join(strings.Fields(text), " "), limit)
}

// Clean is Short without the given secrets, see Redact.
func Clean(text string, limit int, secrets ...string) string {
	return Cut(Redact(Short(text, maxBody), secrets...), limit)
}

// maxBody is how much of a text Clean looks at: what is read of the body of an error.
const maxBody = 16 << 10

// Cut shortens a text to at most limit bytes, between two characters, and marks the cut with "…".
func Cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	end := max(limit-len(ellipsis), 0)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + ellipsis
}

const maxSettingPart = 40

// SettingName returns the name of an unknown setting as it may be shown. A token that was typed as the name of a
// setting is redacted: a name with a part that is longer than any setting's, or that looks like a token.
func SettingName(name string) string {
	if LooksLikeToken(name) {
		return Redacted
	}
	for part := range strings.SplitSeq(name, ".") {
		if len(part) > maxSettingPart {
			return Redacted
		}
	}
	return Short(name, 3*maxSettingPart)
}
