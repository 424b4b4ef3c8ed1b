// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package agent connects the beat to Elastic Agent. It is the only package that imports Elastic-licensed code (beats'
// x-pack and elastic-agent-client); a build with the tag oss leaves that code out.
//
//	control.go  Elastic Agent's control protocol: the manager, and the gRPC interceptor in front of it
//	policy.go   from a policy to the beat's inputs
//	oss.go      the same API for a build without Elastic Agent
package agent
