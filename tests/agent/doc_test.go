// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package agent_test runs the real binary as a component of Elastic Agent, with
// the connection information on standard input and TLS, as a real one does. A
// build with the tag oss is not such a component, and has nothing to test here.
//
//	control_test.go  Elastic Agent's side of the control protocol
//	agent_test.go    a component's life
package agent_test
