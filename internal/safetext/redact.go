// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Taking secrets out of a text.

package safetext

import (
	"regexp"
	"strings"
)

const (
	// runLength is the number of a secret's characters in a row that are redacted, whatever stands around them.
	runLength = 12
	// minSecret tells a secret from a slip of the pen: taking "a" out of every message would hide nothing.
	minSecret = 8
)

var (
	// Each JSON Web Token begins with the base64 of `{"`. A part of one that was cut off anywhere matches, too.
	jwtPattern      = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{5,}(\.[A-Za-z0-9_-]*)*`)
	userinfoPattern = regexp.MustCompile(`//[^/\s"'<>]*@`)
)

// LooksLikeToken is whether a text holds what looks like a JSON Web Token.
func LooksLikeToken(text string) bool { return jwtPattern.MatchString(text) }

// Redact removes from a text the given secrets, everything that looks like a JSON Web Token, and the user names and
// passwords of URLs.
//
// Of a secret, each run of 12 or more of its characters is removed, in upper or lower case. White space, control
// characters, line breaks written as escapes and other characters that the secret has not do not interrupt a run: a
// server may echo a token wrapped, cut or in lower case. The time is linear in the length of the text.
func Redact(text string, secrets ...string) string {
	for _, secret := range secrets {
		text = newMatcher(secret).redact(text)
	}
	text = jwtPattern.ReplaceAllLiteralString(text, Redacted)
	return userinfoPattern.ReplaceAllLiteralString(text, "//"+Redacted+"@")
}

// matcher finds the runs of one secret.
type matcher struct {
	alphabet [256]bool           // bytes of the secret, both cases
	runs     map[string]struct{} // its substrings of length n, in lower case
	n        int
}

func newMatcher(secret string) matcher {
	secret = asciiLower(strings.TrimSpace(secret))
	m := matcher{n: min(runLength, len(secret)), runs: map[string]struct{}{}}
	if m.n < minSecret {
		return matcher{}
	}
	for i := 0; i+m.n <= len(secret); i++ {
		m.runs[secret[i:i+m.n]] = struct{}{}
	}
	for i := range len(secret) {
		m.alphabet[secret[i]] = true
		m.alphabet[upper(secret[i])] = true
	}
	return m
}

// redact replaces each stretch of text that the secret's runs cover.
func (m matcher) redact(text string) string {
	if m.n == 0 || len(text) < m.n {
		return text
	}
	letters, at := m.letters(text)
	var b strings.Builder
	done := 0          // text before it is written
	from, to := -1, -1 // the stretch of letters that is covered
	flush := func() {
		if from < 0 {
			return
		}
		b.WriteString(text[done:at[from]])
		b.WriteString(Redacted)
		done = at[to] + 1
		from = -1
	}
	for i := 0; i+m.n <= len(letters); i++ {
		if _, ok := m.runs[letters[i:i+m.n]]; !ok {
			continue
		}
		if from >= 0 && i > to+1 {
			flush()
		}
		if from < 0 {
			from = i
		}
		to = i + m.n - 1
	}
	flush()
	b.WriteString(text[done:])
	return b.String()
}

// letters returns the bytes of text that may belong to the secret, in lower case, and where each stands in text.
func (m matcher) letters(text string) (string, []int) {
	letters, at := make([]byte, 0, len(text)), make([]int, 0, len(text))
	for i := 0; i < len(text); {
		if n := escapedBreak(text[i:]); n > 0 {
			i += n
			continue
		}
		if c := text[i]; m.alphabet[c] {
			letters, at = append(letters, lower(c)), append(at, i)
		}
		i++
	}
	return string(letters), at
}

// escapes are line breaks and spaces as JSON, URLs and HTML write them. Their letters could be taken for the secret's.
var escapes = []string{`\r`, `\n`, `\t`, `\u000a`, `\u000d`, `\u0020`, "%0a", "%0d", "%20", "&#10;", "&#13;", "&#x0a;", "&nbsp;", "<br>", "<br/>", "<wbr>", "=0a", "=0d"}

func escapedBreak(text string) int {
	if strings.IndexByte(`\%&<=`, text[0]) < 0 {
		return 0
	}
	for _, escape := range escapes {
		if len(text) >= len(escape) && strings.EqualFold(text[:len(escape)], escape) {
			return len(escape)
		}
	}
	return 0
}

func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		b[i] = lower(c)
	}
	return string(b)
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func upper(c byte) byte {
	if c >= 'a' && c <= 'z' {
		return c - ('a' - 'A')
	}
	return c
}
