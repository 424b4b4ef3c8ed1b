// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package hostile runs the real binary against hostile input. Nothing that a server sends may stop the beat, delay its
// stop, raise its memory above 400 MiB, put a secret or a control character on the log, or lose an event that comes
// after it.
//
//	answers_test.go  the Events API answers what the simulator's hostile kinds send
//	memory_*.go      the peak of a process's memory
package hostile
