// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package elasticsearch runs the real binary between the simulated Events API and
// a real Elasticsearch with security on: what its templates, mappings, privileges
// and rejections are, no stand-in can tell.
//
// A node takes ten seconds to start, so tests are steps that share one. Each has
// a namespace, and so data streams, of its own. Without a Java that runs the node,
// or without Maven, they are skipped with a line that says so; in CI that is a
// failure.
//
//	node_test.go       the nodes, and the steps on each
//	flow_test.go       an API, a beat and the data streams of one namespace
//	roles_test.go      the roles, those of docs/roles.md among them
//	setup_test.go      template and policy: who loads them, and when
//	fields_test.go     every field of every document has its type
//	documents_test.go  bad documents, repeats
//	rejection_test.go  a missing privilege, a blocked index, a template that fits nothing
//	trouble_test.go    a killed node, a full disk, a full queue
//	two_test.go        two beats at once
//	state_test.go      the beat's states in Elasticsearch
package elasticsearch
