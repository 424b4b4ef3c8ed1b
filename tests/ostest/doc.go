// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package ostest runs a real OpenSearch node for tests. It has what the Elasticsearch of estest lacks: ingest pipelines with scripts, the data stream API, all field types,
// and everything that searches and aggregations need.
//
//	node := ostest.Start(t)
//	ostest.Install(t, node)
//	var answer map[string]any
//	status := node.Do(t, http.MethodPost, "/logs-1password.audit_events-default/_bulk?refresh=true", lines, &answer)
//
// [Start] skips the test, naming what is missing, where there is no Maven or no JDK that runs the release; in CI (environment variable CI set) the absence of either fails it.
// A node takes about five seconds to start and half a gigabyte of memory, so tests of a package should share one through subtests.
//
// [Install] makes the node ready for the integration's documents. Where OpenSearch differs from Elasticsearch, it is written at that function.
//
// The node listens on the loopback interface only. Everything of it is below a directory of its own, which goes when it is closed. It is killed by [Node.Close], at the end of
// the test, and when the test's process dies in whatever way.
package ostest
