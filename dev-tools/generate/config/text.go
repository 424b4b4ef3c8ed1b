// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The functions that the templates call; libbeat's templates expect some of them.

package main

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"onepasswordbeat/config"
)

const width = 80

func newTemplate() *template.Template {
	tmpl := template.New("config").Option("missingkey=error")
	return tmpl.Funcs(template.FuncMap{
		"header":    func(title string) string { return heading(title, "=") },
		"subheader": func(title string) string { return heading(title, "-") },
		"indent":    indent,
		"title":     func(s string) string { return s }, // the beat's name is written in lower case
		"include": func(name string, data any) (string, error) {
			var out strings.Builder
			err := tmpl.ExecuteTemplate(&out, name, data)
			return out.String(), err
		},
		"comment":  comment,
		"sentence": sentence,
		"cell":     func(o config.Option) string { return escapeCell(sentence(o)) },
		"code":     code,
		"has":      slices.Contains[[]string],
	})
}

// heading is a comment line with a title in its middle.
func heading(title, line string) string {
	left := (width - len("# ") - len(title) - len("  ")) / 2
	right := width - len("# ") - len(title) - len("  ") - left
	return "# " + strings.Repeat(line, left) + " " + title + " " + strings.Repeat(line, right)
}

// indent moves each line that is not blank to the right.
func indent(spaces int, text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.TrimSpace(line) != "" {
			lines[i] = strings.Repeat(" ", spaces) + line
		}
	}
	return strings.Join(lines, "\n")
}

// words are what a line is not broken in: a word, and what stands in backticks.
var words = regexp.MustCompile("(`[^`]*`|\\S)+")

// comment makes a text comment lines, broken between words.
func comment(spaces int, text string) string {
	prefix := strings.Repeat(" ", spaces) + "#"
	var out strings.Builder
	column := 0
	for _, word := range words.FindAllString(text, -1) {
		if column == 0 || column+1+len(word) > width+10 {
			if column > 0 {
				out.WriteString("\n")
			}
			out.WriteString(prefix)
			column = len(prefix)
		}
		out.WriteString(" " + word)
		column += 1 + len(word)
	}
	return out.String()
}

// sentence is all that there is to say about an option.
func sentence(o config.Option) string { return strings.TrimSpace(o.Summary + " " + o.Detail) }

// code is a value in a table, or nothing.
func code(value string) string {
	if value == "" {
		return ""
	}
	return "`" + escapeCell(value) + "`"
}

func escapeCell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

var blankLines = regexp.MustCompile(`\n{3,}`)

// tidy takes off spaces at line ends and blank lines in a row, and ends the file with one line end.
func tidy(content []byte) []byte {
	lines := bytes.Split(content, []byte("\n"))
	for i, line := range lines {
		lines[i] = bytes.TrimRight(line, " \t")
	}
	content = blankLines.ReplaceAll(bytes.Join(lines, []byte("\n")), []byte("\n\n"))
	return append(bytes.TrimSpace(content), '\n')
}
