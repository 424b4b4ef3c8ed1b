// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package cel tests how the integration package packages/1password collects: the
// templates of its streams are rendered as Fleet does it, for both inputs; what comes
// out for the cel input is run by Filebeat's own cel input, as a process with a real
// registry, between the simulator of the Events API and a bulk endpoint.
//
// It is a module of its own because that input is under the Elastic License 2.0.
// The module below, oldest, runs the same program on an old release of the input's
// library.
//
//	fleet_test.go      from manifests and templates to an input's configuration
//	filebeat_test.go   a Filebeat with that input
//	variables_test.go  every variable, set and unset
//	collect_test.go    what arrives: pages, restarts, kills
//	faults_test.go     what goes wrong, and what is said about it
//	health_test.go     what Elastic Agent is told
//	connection_test.go TLS, a proxy, redirects
//	secret_test.go     where the token may stand
//	filebeat/          the binary
package cel
