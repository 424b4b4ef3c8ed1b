// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A real Kafka broker, which is its own controller (KRaft).

package receivertest

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"onepasswordbeat/tests/engine"
)

const (
	kafkaVersion = "3.9.1"
	kafkaName    = "Kafka " + kafkaVersion
	// kafkaMinJava and kafkaMaxJava are what the release runs on.
	kafkaMinJava, kafkaMaxJava = 17, 23
	// stopPatience is how long an orderly stop may take.
	stopPatience = 30 * time.Second
	// askPatience is how long an answer may take while a server starts.
	askPatience = 2 * time.Second
)

// kafkaPOM names the broker and what it logs with, for Maven.
const kafkaPOM = `<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>onepasswordbeat.tests</groupId>
  <artifactId>kafka</artifactId>
  <version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>%s</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-reload4j</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
`

// kafkaProperties are a single node's. After a kill the broker may return once its session has timed out.
const kafkaProperties = `process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://%[1]s,CONTROLLER://%[2]s
advertised.listeners=PLAINTEXT://%[1]s
controller.listener.names=CONTROLLER
controller.quorum.voters=1@%[2]s
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=%[3]s
auto.create.topics.enable=false
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
`

const kafkaLogging = `log4j.rootLogger=WARN, stdout
log4j.appender.stdout=org.apache.log4j.ConsoleAppender
log4j.appender.stdout.layout=org.apache.log4j.PatternLayout
log4j.appender.stdout.layout.ConversionPattern=[%d] %p %m (%c)%n
`

// Broker is a Kafka broker in a process of its own, with its data on disk, that can be killed, stopped and started again at the same address. Its methods
// are for the test's goroutine.
type Broker struct {
	Addr string // host:port

	tb     testing.TB
	parts  kafkaParts
	server *engine.Server
	client *kgo.Client
}

// StartBroker starts a broker for the length of a test. It skips the test where there is no Java or Maven; in CI it fails it.
func StartBroker(tb testing.TB) *Broker {
	tb.Helper()
	parts, err := provideKafka()
	engine.Require(tb, err, engine.CI())
	b := &Broker{tb: tb, parts: parts}
	server, err := engine.NewServer(kafkaName, "data")
	engine.Require(tb, err, true)
	b.server = server
	server.EndWith(tb, server.Close)
	b.Addr = reserve(tb)
	properties := fmt.Sprintf(kafkaProperties, b.Addr, reserve(tb), server.Path("data"))
	engine.Require(tb, errors.Join(
		os.WriteFile(server.Path("server.properties"), []byte(properties), 0o600),
		os.WriteFile(server.Path("log4j.properties"), []byte(kafkaLogging), 0o600),
	), true)
	if b.client, err = kgo.NewClient(kgo.SeedBrokers(b.Addr)); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(b.client.Close)
	cluster := base64.RawURLEncoding.EncodeToString([]byte("onepasswordbeat!"))
	if out, err := b.command("kafka.tools.StorageTool", "format", "-t", cluster, "-c", "server.properties").CombinedOutput(); err != nil {
		tb.Fatalf("formatting the broker's disk: %v\n%s", err, out)
	}
	b.Start()
	return b
}

// kafkaParts are a Java that runs the broker, and the directory with its jars.
type kafkaParts struct{ java, lib string }

// provideKafka finds Java and has Maven bring the broker, once for all tests of a process: Maven does not expect another one to fill its cache.
var provideKafka = sync.OnceValues(func() (kafkaParts, error) {
	ctx := context.Background()
	if err := engine.Supported(kafkaName); err != nil {
		return kafkaParts{}, err
	}
	home, err := engine.FindJava(ctx, kafkaName, kafkaMinJava, kafkaMaxJava)
	if err != nil {
		return kafkaParts{}, err
	}
	lib, err := engine.Provide("kafka-"+kafkaVersion, func(work string) (string, error) {
		if err := os.WriteFile(filepath.Join(work, "pom.xml"), fmt.Appendf(nil, kafkaPOM, kafkaVersion), 0o600); err != nil {
			return "", err
		}
		lib := filepath.Join(work, "lib")
		return lib, engine.Maven(ctx, kafkaName, work, "copy-dependencies", "includeScope=runtime", "outputDirectory="+lib)
	})
	return kafkaParts{java: filepath.Join(home, "bin", "java"), lib: lib}, err
})

// command is a program of Kafka's, in the broker's directory. It outlives a context: the broker ends with its server.
func (b *Broker) command(class string, args ...string) *exec.Cmd {
	java := []string{
		"-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dlog4j.configuration=file:" + b.server.Path("log4j.properties"),
		"-cp", filepath.Join(b.parts.lib, "*"), class,
	}
	cmd := exec.Command(b.parts.java, append(java, args...)...) //nolint:noctx // see above
	cmd.Dir = b.server.Dir
	return cmd
}

// Start starts a broker that was killed or stopped, and returns when it leads its partitions.
func (b *Broker) Start() {
	b.tb.Helper()
	if err := b.server.LaunchAt(b.tb.Context(), b.command("kafka.Kafka", "server.properties"), nil, b.healthy); err != nil {
		b.tb.Fatal(err)
	}
}

// healthy is nil when the cluster has the broker, and every partition a leader.
func (b *Broker) healthy(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = nil // all of them
	resp, err := req.RequestWith(ctx, b.client)
	if err != nil {
		return err
	}
	if len(resp.Brokers) == 0 {
		return errors.New("the broker is fenced")
	}
	for _, topic := range resp.Topics {
		for _, partition := range topic.Partitions {
			if err := kerr.ErrorForCode(partition.ErrorCode); err != nil {
				return err
			}
		}
	}
	return nil
}

// Kill ends the broker with SIGKILL.
func (b *Broker) Kill() {
	b.tb.Helper()
	if err := b.server.Proc.Kill(); err != nil {
		b.tb.Fatal(err)
	}
}

// Stop ends the broker in an orderly way.
func (b *Broker) Stop() {
	b.tb.Helper()
	if err := b.server.Proc.Terminate(stopPatience); err != nil {
		b.tb.Fatal(err)
	}
}

// Topic is a topic of a broker and what was read of it so far.
type Topic struct{ inbox }

// Topic makes a topic and reads it for the length of a test.
func (b *Broker) Topic(tb testing.TB, name string, partitions int32) *Topic {
	tb.Helper()
	req := kmsg.NewPtrCreateTopicsRequest()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, partitions, 1
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(tb.Context(), b.client)
	if err != nil {
		tb.Fatal(err)
	}
	if err := kerr.ErrorForCode(resp.Topics[0].ErrorCode); err != nil {
		tb.Fatalf("making topic %s: %v", name, err)
	}
	t := &Topic{}
	t.consume(tb, b.Addr, name)
	return t
}
