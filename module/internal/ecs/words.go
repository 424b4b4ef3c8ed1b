// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Words: how names that people write in many ways are compared. The ingest pipelines do the same with the same tables
// (document.painless), so the rules work on single characters and know nothing of languages.

package ecs

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// folds gives the plain letters of characters that occur in names of countries, in both cases.
var folds = map[rune]string{
	'Å': "a", 'å': "a", 'ã': "a", 'Ã': "a", 'á': "a", 'Á': "a", 'ä': "a", 'Ä': "a", 'à': "a", 'â': "a", 'ç': "c", 'Ç': "c",
	'é': "e", 'É': "e", 'è': "e", 'È': "e", 'ê': "e", 'ë': "e", 'í': "i", 'Í': "i", 'î': "i", 'ï': "i", 'İ': "i", 'ı': "i",
	'ñ': "n", 'Ñ': "n", 'ó': "o", 'ô': "o", 'Ô': "o", 'ö': "o", 'Ö': "o", 'õ': "o", 'ø': "o", 'ú': "u", 'û': "u", 'ü': "u", 'Ü': "u",
}

// maxName is the longest text, in characters, that may be a name of something in a table.
const maxName = 100

// sameWords are spellings of one word; the empty word is left out.
var sameWords = map[string]string{"st": "saint", "ste": "sainte", "is": "islands", "and": "", "of": "", "the": ""}

// words splits a text into its plain words, in lower case. Apostrophes and periods are left out; every other character
// that is neither a letter nor a digit of ASCII ends a word, unless it may be a letter of another script.
func words(s string) []string {
	if utf8.RuneCountInString(s) > maxName {
		return nil
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case r >= 'A' && r <= 'Z':
			b.WriteRune(r + 'a' - 'A')
		case r == '\'' || r == '’' || r == '‘' || r == '.':
		case r < 128 || r == '\u00a0' || r == '–':
			b.WriteByte(' ')
		case folds[r] != "":
			b.WriteString(folds[r])
		default:
			b.WriteRune(r)
		}
	}
	return strings.FieldsFunc(b.String(), func(r rune) bool { return r == ' ' })
}

// nameKey is the same for all ways to write a name: "St. Kitts & Nevis", "Saint Kitts and Nevis"; "Korea, Republic of",
// "Republic of Korea". It is the name's words, without those that only join others, sorted.
func nameKey(s string) string {
	var kept []string
	for _, w := range words(s) {
		if same, ok := sameWords[w]; ok {
			w = same
		}
		if w != "" {
			kept = append(kept, w)
		}
	}
	slices.Sort(kept)
	return strings.Join(kept, " ")
}
