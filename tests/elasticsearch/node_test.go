// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The nodes, and the steps on each.

package elasticsearch

import (
	"os"
	"testing"
	"time"

	"onepasswordbeat/tests/beattest"
	"onepasswordbeat/tests/estest"
)

const (
	// soon is for what happens within moments on an idle machine.
	soon = 30 * time.Second
	// patient is for what comes after some backoffs, or a restart of the node.
	patient = 90 * time.Second
	// stopMost is the most that a stop may take: shutdown_timeout (5 s) and some seconds.
	stopMost = 10 * time.Second
)

func TestMain(m *testing.M) { os.Exit(beattest.Main(m)) } //nolint:forbidigo // the end of every TestMain

// step is a test on a node that others used before and will use after.
type step struct {
	name string
	run  func(*testing.T, *estest.Node)
}

// TestElasticsearch goes from an empty node to one that rejects, and one that dies.
func TestElasticsearch(t *testing.T) {
	onNode(t, estest.Config{},
		step{"another template serves", testTemplateSwitchedOff},
		step{"without a template a writer sends nothing", testWriterWithoutTemplate},
		step{"a template gets a pipeline", testNamesPipeline},
		step{"set-up changes nothing that a user changed", testSetupTwice},
		step{"every field has its type", testFields},
		step{"new keys have any value", testNewKeys},
		step{"an odd event harms none after it", testOddEvents},
		step{"repeats are duplicates", testRepeats},
		step{"a bad document is rejected alone", testBadDocument},
		step{"no privilege on one data stream", testOneStreamForbidden},
		step{"no privilege to make a data stream", testNoAutoConfigure},
		step{"no privilege to write at all", testNothingAllowed},
		step{"no privilege to look at the version", testNoMonitor},
		step{"a blocked index", testBlockedIndex},
		step{"a template that fits nothing", testTemplateFitsNothing},
		step{"a full disk", testFullDisk},
		step{"a node that is killed", testKilledNode},
	)
}

// TestElasticsearchBusy is on a node that has one thread for writing, and hardly a
// place in the queue before it.
func TestElasticsearchBusy(t *testing.T) {
	onNode(t, estest.Config{Settings: map[string]any{"node.processors": 1, "thread_pool.write.queue_size": 2}},
		step{"a run sets up automatically", testSetsUpAutomatically},
		step{"a full write queue", testFullQueue},
	)
}

// TestElasticsearch819 and TestElasticsearch9 are what another version could do otherwise.
func TestElasticsearch819(t *testing.T) { onVersion(t, estest.V819) }

func TestElasticsearch9(t *testing.T) { onVersion(t, estest.V9) }

func onVersion(t *testing.T, version string) {
	onNode(t, estest.Config{Version: version},
		step{"a template gets a pipeline", testNamesPipeline},
		step{"a run sets up automatically", testSetsUpAutomatically},
		step{"every field has its type", testFields},
		step{"new keys have any value", testNewKeys},
		step{"an odd event harms none after it", testOddEvents},
		step{"repeats are duplicates", testRepeats},
		step{"a bad document is rejected alone", testBadDocument},
	)
}

// TestTwoAtOnce is the way to high availability.
func TestTwoAtOnce(t *testing.T) {
	onNode(t, estest.Config{},
		step{"set-up", func(t *testing.T, node *estest.Node) { setUp(t, node) }},
		step{"every event once, and either one may be killed", testTwoBeats},
		step{"a rollover doubles the backlog of the slower one", testTwoBeatsRollover},
	)
}

// TestState818 and TestState9 keep the states of real beats in a real Elasticsearch.
func TestState818(t *testing.T) { onStateNode(t, estest.V8) }

func TestState9(t *testing.T) { onStateNode(t, estest.V9) }

func onStateNode(t *testing.T, version string) {
	onNode(t, estest.Config{Version: version},
		step{"set-up", func(t *testing.T, node *estest.Node) { setUp(t, node) }},
		step{"the conformance tests, with the least role", testStateConformance},
		step{"two writers", testStateTwoWriters},
		step{"3,000 states", testStateMany},
		step{"killed on one data path, started on an empty one", testStateKilled},
		step{"the user may not read the index", testStateForbidden},
		step{"Elasticsearch is down at the start", testStateDownAtStart},
		step{"Elasticsearch is down while the beat runs", testStateDownWhileRunning},
	)
}

// TestServerless is on a node whose proxy answers like Elasticsearch Serverless.
func TestServerless(t *testing.T) {
	onNode(t, estest.Config{Serverless: true},
		step{"a run sets up automatically, and nothing deletes", testServerlessSetsUp},
		step{"what export prints is what was loaded", testServerlessExport},
		step{"a retention that the user sets", testServerlessRetention},
		step{"explicit ILM is an error", testServerlessExplicitILM},
		step{"it is named by test output", testServerlessTestOutput},
	)
}

// onNode runs steps on a node of their own, with all roles and a user of each.
func onNode(t *testing.T, config estest.Config, steps ...step) {
	t.Helper()
	config.Roles, config.Users = roles(t), map[string][]string{}
	for role := range config.Roles {
		config.Users[role] = []string{role}
	}
	node := estest.Start(t, config)
	for _, s := range steps {
		t.Run(s.name, func(t *testing.T) { s.run(t, node) })
	}
}
