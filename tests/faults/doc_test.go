// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package faults is the fault suite: the real binary works through a backlog
// while events keep arriving, and something goes wrong. Each case ends with every
// event of the API in the endpoint, none of them twice by its _id, and prints what
// it measured.
//
// A case is one entry of a table; what all of them have in common is in
// scene_test.go. The size is small unless ONEPASSWORDBEAT_FAULTS is full, and
// ONEPASSWORDBEAT_SEED repeats the random choices of a run: the events, the faults
// by chance and the moments, counted in events, at which a fault begins. How the
// processes interleave stays the scheduler's choice.
//
//	faults_test.go      the table
//	scene_test.go       a backlog, a beat, an end condition
//	size_test.go        small or full, and the seed
//	disk_linux_test.go  a full disk, where a test may mount one
//	disk_other_test.go  elsewhere
//	idle_test.go        a single failure costs a moment
package faults
