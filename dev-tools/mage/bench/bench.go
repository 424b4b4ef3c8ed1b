// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package bench holds the targets of the namespace bench: the parts of `mage bench`,
// and what takes too long for it. Each reads BENCHARGS, further arguments of
// dev-tools/cmd/bench such as "-runs 5".
package bench

import (
	"context"

	"onepasswordbeat/dev-tools/mage"
)

// Go runs the Go benchmarks only (reads BENCH: a pattern of names; BENCHFLAGS: arguments of go test).
func Go(ctx context.Context) error { return mage.GoBenchmarks(ctx) }

// Pipelines measures the integration's ingest pipelines on an OpenSearch node: microseconds for a document, as the beat sends it and raw (reads BENCHFLAGS); it needs a JDK and Maven.
func Pipelines(ctx context.Context) error { return mage.GoBenchmarks(ctx, "./tests/pipelines") }

// Backlog measures the beat on 100,000 events of each type, from simulator to endpoint (reads BENCHARGS).
func Backlog(ctx context.Context) error { return mage.EndToEnd(ctx) }

// Compare measures the beat next to the cel and httpjson inputs of the Filebeat of the same libbeat (reads BENCHARGS).
func Compare(ctx context.Context) error {
	filebeat, err := mage.Filebeat(ctx)
	if err != nil {
		return err
	}
	return mage.EndToEnd(ctx, "-filebeat", filebeat)
}

// Scale measures the beat on 10,000, 100,000 and 1,000,000 events of each type (reads BENCHARGS).
func Scale(ctx context.Context) error { return mage.EndToEnd(ctx, "-mode", "scale") }

// Idle measures start-up, memory and CPU time without an event (reads BENCHARGS).
func Idle(ctx context.Context) error { return mage.EndToEnd(ctx, "-mode", "idle") }

// Fresh measures how long events take from the API to the output, with the defaults (reads BENCHARGS).
func Fresh(ctx context.Context) error { return mage.EndToEnd(ctx, "-mode", "fresh") }

// Fairness measures how long sign-in attempts and another account's events take while a token has a backlog of a million item usages (reads BENCHARGS, such as "-events 100000").
func Fairness(ctx context.Context) error {
	return mage.EndToEnd(ctx, "-mode", "fairness", "-limit", "15m")
}

// Hostile measures the peak of the memory and the time that a stop takes while a server sends hostile answers; it fails above 400 MiB or shutdown_timeout and 5 s (reads BENCHARGS).
func Hostile(ctx context.Context) error { return mage.EndToEnd(ctx, "-mode", "hostile") }

// Path measures the CPU time of shipper and engine together, from the API to documents in an OpenSearch with the package's pipelines, for Filebeat's cel input and for the beat in turn (reads PATHEVENTS: events of each type; BENCHFLAGS); it needs a JDK and Maven.
func Path(ctx context.Context) error { return mage.PathBenchmark(ctx) }

// Accounts measures 1, 10, 100 and 1,000 quiet accounts: first round, punctual polls, memory, CPU and stop (reads ACCOUNTS: numbers such as 100,1000; BENCHFLAGS).
func Accounts(ctx context.Context) error { return mage.GoBenchmarks(ctx, "./tests/accounts") }
