// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What is taken for a token, and what is rejected before anything is sent.

package eventsapi

import (
	"encoding/base64"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func utf16Text(s string, bom bool) string {
	var b strings.Builder
	if bom {
		b.WriteString("\xff\xfe")
	}
	for _, u := range utf16.Encode([]rune(s)) {
		b.WriteByte(byte(u))
		b.WriteByte(byte(u >> 8))
	}
	return b.String()
}

// wholeToken is one whose parts are base64.
var wholeToken = strings.Join(strings.Split(testToken, ".")[:2], ".") + ".c2lnbmF0dXJl"

// TestTokenTextIsCheckedBeforeItIsSent: the message names what was found, and no part of the token.
func TestTokenTextIsCheckedBeforeItIsSent(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"double quotes":    {`"` + wholeToken + `"`, "in quotes"},
		"single quotes":    {`'` + wholeToken + "'\n", "in quotes"},
		"typographic":      {"“" + wholeToken + "”", "in quotes"},
		"JSON":             {`{"token":"` + wholeToken + `"}`, "JSON"},
		"JSON list":        {`["` + wholeToken + `"]`, "JSON"},
		"NAME=":            {"OP_TOKEN=" + wholeToken, "a name and `=`"},
		"export NAME=":     {"export OP_TOKEN=" + wholeToken, "a name and `=`"},
		"NAME = ":          {"token = " + wholeToken, "in front of it"},
		"YAML":             {"token: " + wholeToken, "in front of it"},
		"PowerShell":       {"$env:TOKEN=" + wholeToken, "a name and `=`"},
		"Bearer":           {"Bearer " + wholeToken, "Bearer"},
		"Bearer, no space": {"bearer" + wholeToken, "Bearer"},
		"service account":  {"ops_eyJzaWduSW5BZGRyZXNzIjoi", "token of a service account"},
		"Secret Key":       {"A3-ABCDEF-GHIJKL-MNOPQ-RSTUV-WXYZ2-34567", "Secret Key"},
		"bearer":           {"bearer " + wholeToken, "Bearer"},
		"header":           {"Authorization: Bearer " + wholeToken, "Bearer"},
		"UTF-16":           {utf16Text(wholeToken, true), "UTF-16"},
		"UTF-16 BE":        {"\xfe\xff\x00e\x00y", "UTF-16"},
		"UTF-16, no BOM":   {utf16Text(wholeToken, false), "UTF-16"},
		"wrapped":          {wholeToken[:40] + "\n" + wholeToken[40:], "several lines"},
		"two tokens":       {wholeToken + "\r\n" + wholeToken, "several lines"},
		"space":            {wholeToken[:40] + " " + wholeToken[40:], "a space"},
		"comma":            {wholeToken + ",", "comma"},
		"base64 again":     {base64.StdEncoding.EncodeToString([]byte(wholeToken)), "base64 once more"},
		"cut":              {wholeToken[:strings.LastIndex(wholeToken, ".")], "3 parts"},
		"cut in a part":    {wholeToken + "A.b", "3 parts"},
		"reference":        {"op://vault/item/field", "op://"},
		"variable":         {"${OP_TOKEN}", "variable"},
		"shell variable":   {"$OP_TOKEN", "variable"},
		"PEM":              {"-----BEGIN CERTIFICATE-----\nMIIB\n-----END", "PEM"},
		"HTML":             {"<!DOCTYPE html>", "HTML"},
		"URL-encoded":      {strings.ReplaceAll(wholeToken, ".", "%2E"), "URL-encoded"},
		"non-breaking":     {wholeToken[:40] + "\u00a0" + wholeToken[40:], "U+00A0"},
		"zero width":       {wholeToken + "\u200b", "U+200B"},
		"control":          {wholeToken[:40] + "\x1b[0m" + wholeToken[40:], "U+001B"},
		"latin-1":          {wholeToken + "\xe9", "not UTF-8"},
		"large":            {strings.Repeat("x", MaxTokenBytes+1), "65537 bytes"},
		"damaged in parts": {strings.Replace(wholeToken, ".", "+.", 1), "not base64"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := NormalizeToken(test.text)
			require.ErrorContains(t, err, test.want)
			assert.NotContains(t, err.Error(), wholeToken[:12])
			assert.NotContains(t, err.Error(), "OP_TOKEN")
			sent := 0
			c, err := New(Config{BaseURL: "http://127.0.0.1:1", Token: func() (string, error) { sent++; return test.text, nil }})
			require.NoError(t, err)
			_, err = c.Fetch(t.Context(), "auditevents", Query{})
			assert.Equal(t, Token, ClassOf(err), "nothing is sent")
		})
	}
	for name, text := range map[string]string{
		"plain": wholeToken, "spaces around it": " " + wholeToken + "\r\n", "BOM": "\ufeff" + wholeToken + "\n", "padding": wholeToken + "=",
	} {
		got, err := NormalizeToken(text)
		require.NoError(t, err, name)
		assert.Equal(t, strings.TrimSuffix(wholeToken, "="), strings.TrimSuffix(got, "="), name)
	}
	for _, text := range []string{"opaque-token", "opaque_token/with+more==", "a.b.c"} {
		_, err := NormalizeToken(text)
		require.NoError(t, err, "the server decides about tokens of another kind")
	}
	got, err := NormalizeToken(" \ufeff\n")
	require.NoError(t, err)
	assert.Empty(t, got)
}

// FuzzNormalizeToken: what is accepted can be sent in a header, and an error quotes nothing.
func FuzzNormalizeToken(f *testing.F) {
	for _, seed := range []string{wholeToken, `"` + wholeToken, "NAME=" + wholeToken, utf16Text(wholeToken, true), "\ufeff", "eyJ..", "%", "Bearer x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := NormalizeToken(raw)
		if err == nil && strings.ContainsFunc(got, func(r rune) bool { return r <= ' ' || r > '~' }) {
			t.Fatalf("accepted %q", got)
		}
		if err != nil && len(got) >= 40 && strings.Contains(err.Error(), got) {
			t.Fatalf("%v quotes the token", err)
		}
		if err == nil {
			if again, err := NormalizeToken(got); err != nil || again != got {
				t.Fatalf("%q becomes %q: %v", got, again, err)
			}
		}
	})
}
