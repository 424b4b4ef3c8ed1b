// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Command architecture writes what follows from the list of packages: the picture and the table in docs/dev/architecture.md,
// and the import rules in .golangci.yml. Run it from the root of the repository:
//
//	go run ./dev-tools/generate/architecture
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"onepasswordbeat/dev-tools/generate/output"
)

const (
	modulePath = "onepasswordbeat"
	page       = "docs/dev/architecture.md"
	rules      = ".golangci.yml"
)

func main() { output.Main("architecture", generate) }

func generate(root string) (output.Files, error) {
	files := output.Files{}
	for name, part := range map[string]struct{ begin, end, text string }{
		page:  {"<!-- begin generated: packages -->\n", "<!-- end generated: packages -->\n", picture() + "\n" + table()},
		rules: {"        # begin generated: packages\n", "        # end generated: packages\n", lintRules()},
	} {
		content, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return nil, err
		}
		if files[name], err = replaceBetween(string(content), part.begin, part.end, part.text); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return files, nil
}

// replaceBetween puts text between two lines of content.
func replaceBetween(content, begin, end, text string) ([]byte, error) {
	before, rest, found := strings.Cut(content, begin)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		return nil, fmt.Errorf("no lines %q and %q", strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return []byte(before + begin + text + end + after), nil
}

// picture is the packages and their arrows as a Mermaid flowchart, which GitHub draws.
func picture() string {
	var b strings.Builder
	b.WriteString("```mermaid\nflowchart TD\n")
	for _, p := range packages {
		for _, imported := range p.imports {
			fmt.Fprintf(&b, "  %s --> %s\n", name(p.path), imported)
		}
	}
	b.WriteString("```\n")
	return b.String()
}

func table() string {
	var b strings.Builder
	b.WriteString("| package | what lives there | imports |\n|---|---|---|\n")
	for _, p := range packages {
		imports := "none of this repository"
		if len(p.imports) > 0 {
			imports = "`" + strings.Join(p.imports, "`, `") + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name(p.path), p.text, imports)
	}
	return b.String()
}

func name(path string) string {
	if path == "" {
		return "main"
	}
	return path
}

// lintRules are depguard's rules, one per package. Tests may import more.
func lintRules() string {
	var b strings.Builder
	for _, p := range packages {
		files, self := "${config-path}/"+p.path+"/*.go", modulePath+"/"+p.path+"$"
		switch p.path {
		case "":
			files, self = "${config-path}/main.go", modulePath+"$"
		case "module":
			files, self = "${config-path}/module/**", modulePath+"/module"
		}
		fmt.Fprintf(&b, "        %s:\n          list-mode: lax\n          files: [%q, \"!$test\"]\n          deny:\n", strings.ReplaceAll(name(p.path), "/", "-"), files)
		fmt.Fprintf(&b, "            - {pkg: %s, desc: \"no arrow in %s leads from %s to this package\"}\n", modulePath, page, name(p.path))
		for _, denied := range p.foreign.deny {
			fmt.Fprintf(&b, "            - {pkg: %s, desc: \"%s must not depend on it, see dev-tools/generate/architecture\"}\n", denied, name(p.path))
		}
		b.WriteString("          allow:\n")
		fmt.Fprintf(&b, "            - %s\n", self)
		for _, imported := range p.imports {
			exact := "$"
			if imported == "module" {
				exact = ""
			}
			fmt.Fprintf(&b, "            - %s/%s%s\n", modulePath, imported, exact)
		}
		for _, allowed := range p.foreign.allow {
			fmt.Fprintf(&b, "            - %s\n", allowed)
		}
	}
	return b.String()
}
