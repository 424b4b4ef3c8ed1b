// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package estest runs a real Elasticsearch node for tests: the server itself, with security on, as Elastic builds it for its own integration
// tests and publishes it on Maven Central.
//
//	node := estest.Start(t, estest.Config{
//		Roles: map[string]estest.Role{"writer": {Cluster: []string{"monitor"}, Indices: []estest.IndexPrivileges{{
//			Names: []string{"logs-*"}, Privileges: []string{"create_doc", "auto_configure"}}}}},
//		Users: map[string][]string{"shipper": {"writer"}},
//	})
//	// point the program under test at node.URL(), node.CAFile(), "shipper" and node.Password("shipper")
//	require.Equal(t, 500, node.Count(t, "logs-*"))
//
// [Start] skips the test, naming what is missing, where there is no Maven or no Java that runs the release; in CI (environment variable CI set)
// the absence of either fails it. A node takes about ten seconds to start, so tests of a package should share one through subtests.
//
// # What the node is
//
// The archive holds few of the server's modules, and a small reverse proxy, which is what [Node.URL] names, stands in for some of them: it
// answers "GET /", keeps ILM policies without acting on them, and loads templates without their ILM settings and with field types that the archive knows in place of those that it lacks ([FieldType]). It asks the node whether
// the caller has the privileges that the real endpoints ask for. Everything else is the node's own answer. There are no ingest processors, no scripts, no API keys and no data stream API;
// data streams themselves work.
//
// Everything of a node is below a directory of its own, which goes when the node is closed. As root, the node runs as the user nobody, since Elasticsearch does not
// run as root. The node is killed with its whole process group by [Node.Close], at the end of the test, and when the test's process dies in whatever way.
package estest
