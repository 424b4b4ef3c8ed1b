// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package accounts measures what many quiet accounts cost the real binary: time to the
// first round, punctual polls, memory, CPU, and the stop.
//
//	go test ./tests/accounts -run '^$' -bench Accounts -benchtime 1x
package accounts
