// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Command config makes onepasswordbeat.yml, onepasswordbeat.reference.yml and docs/configuration.md from the options
// that package config declares, the templates in _meta/config, and libbeat's own reference templates.
//
// It writes below the current directory, or below -out.
package main

import (
	"context"
	"flag"
	"log"
	"os"
	"path/filepath"
)

func main() {
	log.SetFlags(0)
	root := flag.String("root", ".", "the directory of the project")
	out := flag.String("out", "", "where to write; the project itself by default")
	flag.Parse()
	if *out == "" {
		*out = *root
	}
	if err := run(*root, *out); err != nil {
		log.Fatalf("generate config: %v", err)
	}
}

func run(root, out string) error {
	files, err := generate(context.Background(), root)
	if err != nil {
		return err
	}
	for name, content := range files {
		path := filepath.Join(out, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}
