// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// check:links: relative links between the Markdown pages of the repository. Links to other sites are not followed, so
// that the check gives the same result without a network.

package check

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path"
	"regexp"
	"strings"
	"unicode"

	"onepasswordbeat/dev-tools/mage"
)

var (
	link    = regexp.MustCompile(`\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)|\b(?:href|src)="([^"]+)"`)
	heading = regexp.MustCompile("^#{1,6} +(.*?)(?: +#+)?$")
	inline  = regexp.MustCompile("`[^`]*`")
	target  = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`) // a link in a heading shows its text
	anchor  = regexp.MustCompile(`<a (?:id|name)="([^"]+)"`)
)

// Links fails when a page links to a file or a heading that is not there.
func Links(ctx context.Context) error {
	pages, err := mage.Files(ctx, "*.md")
	if err != nil {
		return err
	}
	var dead []string
	for _, page := range pages {
		found, err := deadLinks(page)
		if err != nil {
			return err
		}
		dead = append(dead, found...)
	}
	return complain(dead, "dead link(s)")
}

// deadLinks returns the dead links of a page, each with the number of its line.
func deadLinks(page string) ([]string, error) {
	content, err := os.ReadFile(page)
	if err != nil {
		return nil, err
	}
	var dead []string
	prose(string(content), func(number int, line string) {
		for _, match := range link.FindAllStringSubmatch(inline.ReplaceAllString(line, ""), -1) {
			address := match[1] + match[2]
			if problem := follow(page, address); problem != "" {
				dead = append(dead, fmt.Sprintf("%s:%d: %s: %s", page, number, address, problem))
			}
		}
	})
	return dead, nil
}

// follow returns what is wrong with a link of a page, or "".
func follow(page, address string) string {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return err.Error()
	case u.Scheme != "" || u.Host != "" || strings.HasPrefix(address, "{{"):
		return ""
	}
	file := page
	if u.Path != "" {
		file = path.Join(path.Dir(page), u.Path)
	}
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return "no such file"
	case u.Fragment == "" || info.IsDir() || path.Ext(file) != ".md":
		return ""
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	if !anchors(string(content))[u.Fragment] {
		return "no such heading"
	}
	return ""
}

// anchors are the fragments that GitHub gives the headings of a page, and those that the page sets itself.
func anchors(content string) map[string]bool {
	all := map[string]bool{}
	prose(content, func(_ int, line string) {
		for _, match := range anchor.FindAllStringSubmatch(line, -1) {
			all[match[1]] = true
		}
		match := heading.FindStringSubmatch(line)
		if match == nil {
			return
		}
		slug := slugOf(target.ReplaceAllString(match[1], "$1"))
		unique := slug
		for n := 1; all[unique]; n++ {
			unique = fmt.Sprintf("%s-%d", slug, n)
		}
		all[unique] = true
	})
	return all
}

func slugOf(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, text)
}

// prose calls do with each line that is not inside a block of code.
func prose(content string, do func(number int, line string)) {
	fence := ""
	number := 0
	for line := range strings.Lines(content) {
		number++
		line = strings.TrimRight(line, "\r\n")
		mark := strings.TrimLeft(line, " ")
		switch {
		case fence == "" && (strings.HasPrefix(mark, "```") || strings.HasPrefix(mark, "~~~")):
			fence = mark[:3]
		case fence != "":
			if strings.HasPrefix(mark, fence) {
				fence = ""
			}
		default:
			do(number, line)
		}
	}
}
