// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What is shown of a text, and that no part of a secret is.

package safetext

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

const token = "eyJhbGciOiJFUzI1NiIsImtpZCI6ImsifQ.eyJhdWQiOlsiZXZlbnRzLmV4YW1wbGUuY29tIl0sIjFwYXNzd29yZC5jb20vYXV1aWQiOiJBIn0.Zm9v-YmFyX2JhemZvb2JhcmJhemZvb2JhcmJheg"

// wrap breaks a text into lines of n characters.
func wrap(text string, n int, sep string) string {
	var lines []string
	for len(text) > n {
		lines, text = append(lines, text[:n]), text[n:]
	}
	return strings.Join(append(lines, text), sep)
}

// TestRedactFindsEveryRunOfATokenThatIsEchoed: whole, cut, wrapped or in another case.
func TestRedactFindsEveryRunOfATokenThatIsEchoed(t *testing.T) {
	tests := map[string]string{
		"whole":          token,
		"upper":          strings.ToUpper(token),
		"lower":          strings.ToLower(token),
		"cut":            token[20:60],
		"12 of it":       token[100:112],
		"signature":      strings.Split(token, ".")[2],
		"JSON wrapped":   wrap(strings.ToLower(token), 10, `\n`),
		"URL wrapped":    wrap(token, 11, "%0D%0A"),
		"quoted-printed": wrap(token, 20, "=\r\n"),
		"spaced":         wrap(token, 1, " "),
		"in HTML":        wrap(strings.ToLower(token), 7, "<br>"),
		"ANSI":           wrap(strings.ToLower(token), 9, "\x1b[0m"),
		"comma":          wrap(token, 5, ", "),
		"dots":           wrap(token, 10, "."),
		"dashes":         wrap(token, 3, "-_."),
		"URL":            each(token, "%%%02x"),
		"URL twice":      each(token, "%%25%02X"),
		"URL, lower":     each(strings.ToLower(token), "%%%02x"),
		"JSON":           each(token, `\u%04x`),
		"JSON in JSON":   each(token, `\\u%04X`),
		"HTML":           each(token, "&#%d;"),
		"HTML, hex":      each(token, "&#x%02X;"),
		"quoted":         each(token, "=%02X"),
		"some escaped":   strings.ReplaceAll(token, "e", "%65"),
	}
	for _, n := range []int{3, 8, 12, 40, 64, 76} {
		for _, sep := range []string{"\n", "\r\n", "\r\n\t", "\u200b"} {
			tests["wrapped "+sep+string(rune('0'+n))] = wrap(token, n, sep)
		}
	}
	for name, echoed := range tests {
		t.Run(name, func(t *testing.T) {
			for _, text := range []string{echoed, "bad token Bearer " + echoed + " !", `{"error":"` + echoed + `"}`} {
				assertNoRun(t, Clean(text, MaxBytes, token))
			}
			assert.Contains(t, Clean("before "+echoed+" after", MaxBytes, token), "before "+Redacted)
		})
	}
}

// each writes each character in a format.
func each(text, format string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		fmt.Fprintf(&b, format, c)
	}
	return b.String()
}

// TestRedactFindsEncodedTokens: base64 with anything around the token, and hexadecimal.
func TestRedactFindsEncodedTokens(t *testing.T) {
	secret := "p4ss-w/rd?~with~~~" + token[100:]
	for before := range 4 {
		plain := strings.Repeat("u", before) + ":" + secret + "/x"
		for name, echoed := range map[string]string{
			"std": base64.StdEncoding.EncodeToString([]byte(plain)), "URL": base64.RawURLEncoding.EncodeToString([]byte(plain)),
			"hex": hex.EncodeToString([]byte(plain)), "HEX": strings.ToUpper(hex.EncodeToString([]byte(plain))),
			"wrapped": wrap(base64.StdEncoding.EncodeToString([]byte(plain)), 10, " "),
		} {
			got := Clean("before "+echoed+" after", MaxBytes, secret)
			assert.Less(t, len(got), len("before  after")+len(Redacted)+16, "%s, %d: %q", name, before, got)
			assert.Contains(t, got, Redacted)
		}
	}
	assert.Equal(t, "x [redacted] y", Redact("x p%41ss=word y", "p%41ss=word"), "a secret that looks escaped")
}

// assertNoRun fails if text holds 12 characters of the token in a row, whatever stands between them.
func assertNoRun(t *testing.T, text string) {
	t.Helper()
	if run := findRun(text); run != "" {
		t.Errorf("%q shows %q", text, run)
	}
}

func findRun(text string) string {
	keep := func(r rune) rune {
		if strings.ContainsRune(strings.ToLower(token), r) {
			return r
		}
		return -1
	}
	secret := strings.ToLower(token)
	for part := range strings.SplitSeq(text, Redacted) {
		part = strings.Map(keep, strings.ToLower(part))
		for i := 0; i+runLength <= len(secret); i++ {
			if strings.Contains(part, secret[i:i+runLength]) {
				return secret[i : i+runLength]
			}
		}
	}
	return ""
}

func TestRedactLeavesTheRestAlone(t *testing.T) {
	for text, want := range map[string]string{
		"":              "",
		"nothing of it": "nothing of it",
		token[:7]:       token[:7],
		"a " + token + " b " + token[40:60] + " c":        "a [redacted] b [redacted] c",
		"via http://user:hunter2@proxy.example.net:3128/": "via http://[redacted]@proxy.example.net:3128/",
		"another eyJhbGciOi.eyJhdWQi.sig":                 "another [redacted]",
	} {
		assert.Equal(t, want, Redact(text, token))
	}
	assert.Equal(t, "a short one", Redact("a short one", "a", "", "short"))
	assert.Equal(t, "x [redacted] y", Redact("x hunter22 y", "hunter22"))
}

func TestLine(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"lines":         {"one\r\ntwo\tthree\x00\u202efour", "one two three four"},
		"colour":        {"\x1b[31mred\x1b[0m", "red"},
		"title":         {"\x1b]0;owned\x07text", "text"},
		"title, ST":     {"\x1b]0;owned\x1b\\text", "text"},
		"C1":            {"\u009b31mred", "red"},
		"device string": {"\x1bPq#0\x1b\\x", "x"},
		"cursor":        {"a\x1b[2J\x1b[Hb\x1bcd", "abd"},
		"alone":         {"a\x1b", "a"},
		"backspace":     {"abc\b\b\bxyz", "abc xyz"},
		"invalid UTF-8": {"a\xffb", "a\uFFFDb"},
		"zero width":    {"a\u200bb", "a b"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { assert.Equal(t, test.want, Line(test.text)) })
	}
	assert.Len(t, Line(strings.Repeat("x", 900_000)), MaxBytes)
	assert.Equal(t, "ää…", Short(strings.Repeat("ä", 100), 8))
}

func TestSettingName(t *testing.T) {
	for name, want := range map[string]string{
		"intervall":                  "intervall",
		"ssl.certificate_authoritys": "ssl.certificate_authoritys",
		token:                        Redacted,
		strings.ToLower(token):       Redacted,
		"fields." + token[:50]:       Redacted,
		"a\x1b[31mb":                 "ab",
	} {
		assert.Equal(t, want, SettingName(name))
	}
}

// FuzzClean: one printable line within its limit, without a run of the token.
func FuzzClean(f *testing.F) {
	for _, seed := range []string{token, strings.ToLower(token), wrap(token, 10, "\\n"), token[:50] + "\n" + token[50:], "//a@b@c", "\x1b]0;x", "\xff\xfe"} {
		f.Add(seed, 100)
	}
	f.Fuzz(func(t *testing.T, text string, limit int) {
		limit = 16 + max(limit, -limit)%2000
		got := Clean(text, limit, token)
		if len(got) > limit+len(Redacted) || !utf8.ValidString(got) {
			t.Fatalf("%d bytes: %q", len(got), got)
		}
		if strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Fatalf("not one printable line: %q", got)
		}
		if run := findRun(got); run != "" {
			t.Fatalf("%q shows %q", got, run)
		}
	})
}

// BenchmarkClean is linear in the text.
func BenchmarkClean(b *testing.B) {
	text := strings.Repeat(strings.ToLower(token)[:11]+" ", 1500)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		Clean(text, MaxBytes, token)
	}
}
