// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The generator of NOTICE.txt: every module linked into the beat, on any system that
// it is built for, with the text of its licence. go-licence-detector tells the
// licences apart and rejects those that dev-tools/mage/notice/rules.json does not
// allow; this file lays the result out so that each text stands there once.

package mage

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

const (
	noticeFile = "NOTICE.txt"
	noticeDir  = "dev-tools/mage/notice"
	rule       = "================================================================================\n"
	beats      = "github.com/elastic/beats/v7"
	elastic    = "Elastic" // how the detector calls the Elastic License Agreement
)

// platforms are the systems whose builds the notice covers.
var platforms = []string{"linux", "darwin", "windows"}

// licensed is a module that is linked into the beat.
type licensed struct{ name, version, kind, text string }

// Notice writes NOTICE.txt.
func Notice(ctx context.Context) error {
	linked, err := linkedPackages(ctx)
	if err != nil {
		return err
	}
	modules, err := detectLicences(ctx, slices.Sorted(maps.Keys(linked)))
	if err != nil {
		return err
	}
	dirs, err := moduleDirs(ctx, slices.Sorted(maps.Keys(linked)))
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := writeElastic(&out, dirs[beats], linked[beats], modules); err != nil {
		return err
	}
	writeTable(&out, modules)
	writeTexts(&out, modules)
	if err := writeNotices(&out, dirs); err != nil {
		return err
	}
	head, err := os.ReadFile(filepath.Join(noticeDir, "head.txt"))
	if err != nil {
		return err
	}
	return os.WriteFile(noticeFile, append(head, out.Bytes()...), 0o644)
}

// linkedPackages returns the packages in the binary, by module; the union over all
// platforms, so that the notice is the same wherever it is generated.
func linkedPackages(ctx context.Context) (map[string][]string, error) {
	linked := map[string][]string{}
	for _, goos := range platforms {
		c := Go("listing dependencies on "+goos, "list", "-deps", "-f",
			"{{with .Module}}{{if not .Main}}{{.Path}} {{$.ImportPath}}{{end}}{{end}}", ".")
		c.Env = []string{"GOOS=" + goos, "GOARCH=amd64", "CGO_ENABLED=0"}
		lines, err := c.Lines(ctx)
		if err != nil {
			return nil, err
		}
		for _, line := range lines {
			module, pkg, _ := strings.Cut(line, " ")
			linked[module] = append(linked[module], pkg)
		}
	}
	for module, packages := range linked {
		slices.Sort(packages)
		linked[module] = slices.Compact(packages)
	}
	return linked, nil
}

// moduleDirs returns where the sources of modules lie.
func moduleDirs(ctx context.Context, modules []string) (map[string]string, error) {
	args := append([]string{"list", "-m", "-f", "{{.Path}} {{.Dir}}"}, modules...)
	lines, err := Go("", args...).Lines(ctx)
	dirs := make(map[string]string, len(lines))
	for _, line := range lines {
		module, dir, _ := strings.Cut(line, " ")
		dirs[module] = dir
	}
	return dirs, err
}

// detectLicences has go-licence-detector find the licence of each module. Its output
// is cut by the separators that notice/modules.tmpl puts between fields and modules.
func detectLicences(ctx context.Context, names []string) ([]licensed, error) {
	detector, err := Tool(ctx, "go.elastic.co/go-licence-detector")
	if err != nil {
		return nil, err
	}
	list, err := Go("", append([]string{"list", "-m", "-json"}, names...)...).Output(ctx)
	if err != nil {
		return nil, err
	}
	found := filepath.Join(BuildDir, "licences.txt")
	err = Command{Label: "reading licences", Stdin: bytes.NewReader(list), Args: []string{
		detector, "-in", "-", "-includeIndirect",
		"-rules", filepath.Join(noticeDir, "rules.json"), "-overrides", filepath.Join(noticeDir, "overrides.json"),
		"-noticeTemplate", filepath.Join(noticeDir, "modules.tmpl"), "-noticeOut", found,
	}}.Run(ctx)
	if err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(found)
	if err != nil {
		return nil, err
	}
	return parseLicences(string(raw))
}

// origin is the line in which the detector names the file that a text comes from.
var origin = regexp.MustCompile(`(?m)\A\s*Contents of probable licence file .*:\n`)

func parseLicences(raw string) ([]licensed, error) {
	var modules []licensed
	for record := range strings.SplitSeq(raw, "\x1e") {
		if strings.TrimSpace(record) == "" {
			continue
		}
		field := strings.SplitN(record, "\x1f", 4)
		if len(field) != 4 {
			return nil, fmt.Errorf("a module has %d fields, not 4: %.80q", len(field), record)
		}
		text := plain(origin.ReplaceAllString(field[3], ""))
		modules = append(modules, licensed{strings.TrimSpace(field[0]), field[1], field[2], text})
	}
	slices.SortFunc(modules, func(a, b licensed) int { return cmp.Compare(a.name, b.name) })
	return modules, nil
}

// plain makes a text end its lines and itself as every other does.
func plain(text string) string {
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " \t\f\r")
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n") + "\n"
}

// writeElastic says what is linked under Elastic's licences rather than a permissive
// one, and gives the licence of those packages of beats that differ from their module.
// dir is where beats lies. It writes nothing when nothing of it is linked.
func writeElastic(out *bytes.Buffer, dir string, packages []string, modules []licensed) error {
	var licence, exceptions string
	for _, pkg := range packages {
		if strings.HasPrefix(pkg, beats+"/x-pack/") {
			exceptions += "    " + pkg + ": Elastic License 2.0\n"
		}
	}
	if exceptions != "" {
		content, err := os.ReadFile(filepath.Join(dir, "licenses", "ELASTIC-LICENSE-2.0.txt"))
		if err != nil {
			return err
		}
		licence = plain(string(content))
	}
	for _, m := range modules {
		if m.kind == elastic {
			exceptions += "    " + m.name + ": Elastic License Agreement\n"
		}
	}
	if exceptions == "" {
		return nil
	}
	section(out, "NOT UNDER A PERMISSIVE LICENCE")
	out.WriteString("These are linked in so that Elastic Agent can manage the beat. A binary that contains\n" +
		"them may be used and passed on only as their licences allow:\n\n" + exceptions)
	if licence != "" {
		section(out, "Elastic License 2.0: packages below "+beats+"/x-pack")
		out.WriteString(licence)
	}
	return nil
}

func writeTable(out *bytes.Buffer, modules []licensed) {
	section(out, "Modules and their licences")
	for _, m := range modules {
		fmt.Fprintf(out, "%s %s: %s\n", m.name, m.version, m.kind)
	}
}

// writeTexts gives each licence text once, below the modules that have it.
func writeTexts(out *bytes.Buffer, modules []licensed) {
	users := map[string][]string{}
	for _, m := range modules {
		users[m.text] = append(users[m.text], m.name)
	}
	for _, m := range modules {
		if names := users[m.text]; names[0] == m.name {
			section(out, m.kind+":\n    "+strings.Join(names, "\n    "))
			out.WriteString(m.text)
		}
	}
}

// longNotice is the size from which only the first part of a module's NOTICE is its
// own; beats' goes on with the licences of all that beats uses, linked here or not.
const longNotice = 64 << 10

// writeNotices repeats the NOTICE files of modules, as the Apache License asks for.
func writeNotices(out *bytes.Buffer, dirs map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(dirs)) {
		files, err := filepath.Glob(filepath.Join(dirs[name], "NOTICE*"))
		if err != nil {
			return err
		}
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			text := plain(string(content))
			if len(text) > longNotice {
				text, _, _ = strings.Cut(text, "\n====")
				text += "\n"
			}
			section(out, "Notice of "+name)
			out.WriteString(text)
		}
	}
	return nil
}

func section(out *bytes.Buffer, title string) {
	fmt.Fprintf(out, "\n%s%s\n%s\n", rule, title, rule)
}
