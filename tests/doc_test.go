// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package tests runs the real binary against the simulated Events API and
// receivers that take, delay, lose and reject what it sends.
//
// Each delivery test ends with every event of the simulator delivered, and none
// indexed twice by its _id. Tests that prove an invariant of the harvester (see
// its package comment) have its number in their names.
//
//	delivery_test.go    outputs, crashes, stops, outputs that are slow, stuck or down
//	rejection_test.go   outputs that reject: everything, a stream, a document
//	api_test.go         faults of the API, tokens, cursors
//	registry_test.go    a registry in use, damaged, of another account
//	disk_linux_test.go  a full or read-only disk under the registry
//	freshness_test.go   how long an event takes
//	commands_test.go    the subcommands
//	setup_test.go       index template and ILM policy
//	observe_test.go     metrics, secrets, file modes
//	helpers_test.go     what they share
package tests
