// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Command config makes onepasswordbeat.yml, onepasswordbeat.reference.yml and docs/configuration.md from the options
// that package config declares, the templates in _meta/config, and libbeat's own reference templates. Run it from the
// root of the repository:
//
//	go run ./dev-tools/generate/config
package main

import "onepasswordbeat/dev-tools/generate/output"

func main() { output.Main("config", generate) }
