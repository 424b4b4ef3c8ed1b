// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Command onepasswordbeat ships a 1Password Business account's sign-in attempts,
// item usages and audit events to Elasticsearch, Logstash or any other output of
// libbeat.
package main

import (
	"os"

	"onepasswordbeat/cmd"
)

func main() {
	if err := cmd.RootCommand().Execute(); err != nil {
		os.Exit(1)
	}
}
