// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What some tests need besides Go: left out with a line where it is missing,
// required where CI is set.

package test

import (
	"fmt"
	"os/exec"
	"strings"

	"onepasswordbeat/dev-tools/mage"
)

// need is a program that some tests cannot do without.
type need struct {
	programs []string // any one of them will do
	without  string   // what happens without it
}

// raceDetector needs cgo on most systems, and cgo a C compiler.
var raceDetector = need{[]string{"cc", "gcc", "clang"}, "the race detector is left out"}

// The engines run on Java, and Maven brings them. OpenSearch is started from Java
// source, which takes a JDK.
var (
	java  = need{[]string{"java"}, "the tests on a real Elasticsearch, on a real Kafka and on OpenSearch are left out"}
	javac = need{[]string{"javac"}, "the tests on OpenSearch are left out"}
	maven = need{[]string{"mvn"}, "the tests on a real Elasticsearch, on a real Kafka and on OpenSearch are left out"}
)

// redisServer is Debian's.
var redisServer = need{[]string{"redis-server"}, "the tests on a real Redis are left out"}

// python runs EQL, which OpenSearch does not have.
var python = need{[]string{"python3"}, "the tests of the detection rules are left out"}

// What test:elasticsearch, test:opensearch and test:full need.
var (
	elasticsearchNeeds = []need{java, maven}
	openSearchNeeds    = []need{java, javac, maven, python}
	outputNeeds        = []need{java, maven, redisServer}
)

// needs is everything that `mage test` uses where it is there.
var needs = append([]need{raceDetector, redisServer}, openSearchNeeds...)

func (n need) found() bool {
	for _, program := range n.programs {
		if _, err := exec.LookPath(program); err == nil {
			return true
		}
	}
	return false
}

func (n need) String() string {
	return fmt.Sprintf("%s not found: %s", strings.Join(n.programs, " or "), n.without)
}

// report says what is missing, a line each. In CI that is an error: a run that
// silently leaves tests out proves nothing.
func report(needs []need, ci bool) error {
	var missing []string
	for _, n := range needs {
		if !n.found() {
			missing = append(missing, n.String())
			mage.Say("SKIP: %s", n)
		}
	}
	if ci && len(missing) > 0 {
		return fmt.Errorf("CI is set, so nothing may be left out: %s", strings.Join(missing, "; "))
	}
	return nil
}
