// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Taking secrets out of a text.

package safetext

import (
	"encoding/base64"
	"encoding/hex"
	"regexp"
	"slices"
	"strconv"
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
// server may echo a token wrapped, cut or in lower case. The same holds for the escapes of its characters in JSON, URLs
// and HTML, and for its base64 and hexadecimal forms. The time is linear in the length of the text.
func Redact(text string, secrets ...string) string {
	covered := make([]bool, len(text))
	for _, secret := range secrets {
		for _, form := range forms(strings.TrimSpace(secret)) {
			m := newMatcher(form)
			m.cover(covered, text, escapedBreak)
			m.cover(covered, text, escaped)
		}
	}
	text = without(text, covered)
	text = jwtPattern.ReplaceAllLiteralString(text, Redacted)
	return userinfoPattern.ReplaceAllLiteralString(text, "//"+Redacted+"@")
}

// without replaces each covered stretch of a text.
func without(text string, covered []bool) string {
	var b strings.Builder
	done := 0 // text before it is written
	for i := 0; i < len(text); i++ {
		if !covered[i] {
			continue
		}
		b.WriteString(text[done:i])
		b.WriteString(Redacted)
		for i < len(text) && covered[i] {
			i++
		}
		done = i
	}
	b.WriteString(text[done:])
	return b.String()
}

// forms are a secret, without the punctuation that could stand between its characters, and its encodings.
func forms(secret string) []string {
	if len(secret) < minSecret {
		return nil
	}
	all := []string{secret, plain(secret), hex.EncodeToString([]byte(secret))}
	for before := range 3 { // base64 depends on what stands in front of the secret
		const bits = 6
		filled := append(make([]byte, before), secret...)
		first, last := (8*before+bits-1)/bits, 8*len(filled)/bits
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			if form := encoding.EncodeToString(filled)[first:last]; !slices.Contains(all, form) {
				all = append(all, form)
			}
		}
	}
	return all
}

// plain returns the letters and digits of a secret.
func plain(secret string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, secret)
}

// matcher finds the runs of one secret.
type matcher struct {
	alphabet [256]bool           // bytes of the secret, both cases
	runs     map[string]struct{} // its substrings of length n, in lower case
	n        int
}

func newMatcher(secret string) matcher {
	secret = asciiLower(secret)
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

// escape returns the character that an escape at the beginning of a text stands for, 0 for one that no secret has, and
// the length of the escape; 0 if there is none.
type escape func(text string) (c byte, n int)

// cover marks the bytes of text that the secret's runs cover, with what stands between the characters of a run.
func (m matcher) cover(covered []bool, text string, escapes escape) {
	if m.n == 0 || len(text) < m.n {
		return
	}
	letters, at, end := m.letters(text, escapes)
	done := 0
	for i := 0; i+m.n <= len(letters); i++ {
		if _, ok := m.runs[letters[i:i+m.n]]; !ok {
			continue
		}
		for done = max(done, at[i]); done < end[i+m.n-1]; done++ {
			covered[done] = true
		}
	}
}

// letters returns the bytes of text that may belong to the secret, in lower case, and where each begins and ends in text.
func (m matcher) letters(text string, escapes escape) (letters string, at, end []int) {
	found := make([]byte, 0, len(text))
	at, end = make([]int, 0, len(text)), make([]int, 0, len(text))
	for i := 0; i < len(text); {
		c, n := escapes(text[i:])
		if n == 0 {
			c, n = text[i], 1
		}
		if m.alphabet[c] {
			found, at, end = append(found, lower(c)), append(at, i), append(end, i+n)
		}
		i += n
	}
	return string(found), at, end
}

// escapes are line breaks and spaces as JSON, URLs and HTML write them. Their letters could be taken for the secret's.
var escapes = []string{`\r`, `\n`, `\t`, `\u000a`, `\u000d`, `\u0020`, "%0a", "%0d", "%20", "&#10;", "&#13;", "&#x0a;", "&nbsp;", "<br>", "<br/>", "<wbr>", "=0a", "=0d"}

// escapedBreak knows the escapes of white space.
func escapedBreak(text string) (byte, int) {
	if strings.IndexByte(`\%&<=`, text[0]) < 0 {
		return 0, 0
	}
	for _, escape := range escapes {
		if len(text) >= len(escape) && strings.EqualFold(text[:len(escape)], escape) {
			return 0, len(escape)
		}
	}
	return 0, 0
}

// escapedCharacter is a character as JSON and programming languages (\u0065, \x65), URLs (%65, also encoded twice),
// quoted-printable (=65) and HTML (&#101;, &#x65;) write it.
var escapedCharacter = regexp.MustCompile(`^(?i:\\+u00([0-9a-f]{2})|\\+x([0-9a-f]{2})|%(?:25)*([0-9a-f]{2})|=([0-9a-f]{2})|&#x0*([0-9a-f]{1,2});|&#0*([0-9]{1,3});)`)

// escaped knows all escapes.
func escaped(text string) (byte, int) {
	if c, n := escapedBreak(text); n > 0 || strings.IndexByte(`\%&=`, text[0]) < 0 {
		return c, n
	}
	match := escapedCharacter.FindStringSubmatch(head(text, 64))
	if match == nil {
		return 0, 0
	}
	base := 16
	for i, digits := range match[1:] {
		if i == len(match)-2 {
			base = 10
		}
		if digits != "" {
			c, _ := strconv.ParseUint(digits, base, 8) // above 255: no character of a secret
			return byte(c), len(match[0])
		}
	}
	return 0, 0
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

// head keeps the work proportional to what is shown: of a text of many megabytes only the beginning counts.
func head(text string, limit int) string {
	if len(text) > limit {
		return text[:limit]
	}
	return text
}
