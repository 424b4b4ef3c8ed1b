// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Package beattest runs the real binary in a test: in a home folder of its own,
// with a configuration written for it, under conditions that a test waits for.
//
//	func TestMain(m *testing.M) { os.Exit(beattest.Main(m)) }
//
//	home := beattest.NewHome(t)
//	home.Configure(beattest.Config{
//		Inputs: []beattest.M{{"type": "onepassword", "url": srv.URL, "token": srv.Token()}},
//		Output: beattest.FileOutput(home),
//	})
//	beat := home.Start()
//	beat.WaitLog("Running", 10*time.Second)
//	beat.Terminate(10 * time.Second)
//
// Every failure is fatal for the test; a test that failed prints the end of the
// logs of its beats. Processes die with the test, and with the test binary
// however that ends.
//
//	binary.go           builds the binary, once a test run
//	home.go             the home folder, the configuration and what lies in it
//	command.go          runs a command to its end
//	process.go          a running beat
//	process_linux.go,   how it dies with the test
//	process_other.go
//	log.go              its log, line by line
//	metrics.go          its metrics
//	registry.go         its stored cursors
//	events.go           what its file and console outputs wrote
//	api.go              an API with events, and what must arrive of them
//	wait.go             waiting for a condition
package beattest
