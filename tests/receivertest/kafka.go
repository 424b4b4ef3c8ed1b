// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A Kafka broker in the test process.

package receivertest

import (
	"context"
	"errors"
	"net"
	"strconv"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// Kafka is a broker with one topic, and a consumer that reads it. What is in the
// topic outlives Down. All methods may be called at any time from any goroutine.
type Kafka struct {
	inbox

	Addr string // host:port

	partitions int32
	broker     kmsg.MetadataResponseBroker

	state struct {
		sync.Mutex
		down      bool
		leader    bool
		rejection func(*kmsg.ProduceRequest) *kerr.Error
	}
}

// errDown closes the connection of a request.
var errDown = errors.New("the broker is down")

// StartKafka starts a broker for the length of a test.
func StartKafka(tb testing.TB, topic string, partitions int32) *Kafka {
	tb.Helper()
	k := &Kafka{partitions: partitions}
	k.state.leader = true
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, topic))
	if err != nil {
		tb.Fatal(err)
	}
	k.Addr = cluster.ListenAddrs()[0]
	k.broker = brokerAt(tb, k.Addr)
	cluster.Control(func(req kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		return k.control(req)
	})
	tb.Cleanup(cluster.Close)
	k.consume(tb, k.Addr, topic, kgo.MaxVersions(kversion.V3_0_0())) // what kfake speaks
	return k
}

// brokerAt is the cluster's one broker as metadata has it.
func brokerAt(tb testing.TB, addr string) kmsg.MetadataResponseBroker {
	tb.Helper()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		tb.Fatal(err)
	}
	n, err := strconv.ParseInt(port, 10, 32)
	if err != nil {
		tb.Fatal(err)
	}
	b := kmsg.NewMetadataResponseBroker()
	b.Host, b.Port = host, int32(n)
	return b
}

// consume fills the inbox from a topic, from its beginning, for the length of a test.
func (b *inbox) consume(tb testing.TB, addr, topic string, opts ...kgo.Opt) {
	tb.Helper()
	opts = append(opts, kgo.SeedBrokers(addr), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	consumer, err := kgo.NewClient(opts...)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background()) //nolint:usetesting // ended by Cleanup
	var consuming sync.WaitGroup
	consuming.Go(func() {
		for ctx.Err() == nil {
			consumer.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
				e := NewEvent(string(r.Key), r.Value)
				e.Partition = r.Partition
				b.add(e)
			})
		}
	})
	tb.Cleanup(func() {
		cancel()
		consuming.Wait()
		consumer.Close()
	})
}

// control sees every request first, the consumer's too.
func (k *Kafka) control(req kmsg.Request) (kmsg.Response, error, bool) {
	k.state.Lock()
	defer k.state.Unlock()
	switch req := req.(type) {
	case *kmsg.ProduceRequest:
		if k.state.down {
			return nil, errDown, true
		}
		if k.state.rejection != nil {
			if reason := k.state.rejection(req); reason != nil {
				return rejectAll(req, reason), nil, true
			}
		}
		forgetEpochs(req)
	case *kmsg.MetadataRequest:
		if k.state.down {
			return nil, errDown, true
		}
		if !k.state.leader {
			return k.leaderless(req), nil, true
		}
	}
	return nil, nil, false
}

// Down closes the connection of every request that a producer makes, or ends that.
func (k *Kafka) Down(down bool) {
	k.state.Lock()
	defer k.state.Unlock()
	k.state.down = down
}

// NoLeader makes the broker say that the topic's partitions have no leader, as a
// cluster does that lost brokers; or ends that.
func (k *Kafka) NoLeader(none bool) {
	k.state.Lock()
	defer k.state.Unlock()
	k.state.leader = !none
	k.state.rejection = nil
	if none {
		k.state.rejection = func(*kmsg.ProduceRequest) *kerr.Error { return kerr.NotLeaderForPartition }
	}
}

// Reject makes requests to produce be answered with an error where rule returns
// one; nil ends that.
func (k *Kafka) Reject(rule func(*kmsg.ProduceRequest) *kerr.Error) {
	k.state.Lock()
	defer k.state.Unlock()
	k.state.rejection = rule
}

// Always is a rule that rejects everything for the same reason.
func Always(reason *kerr.Error) func(*kmsg.ProduceRequest) *kerr.Error {
	return func(*kmsg.ProduceRequest) *kerr.Error { return reason }
}

// Where a record batch has the leader's epoch, which its checksum leaves out.
const epochFrom, epochTo = 12, 16

// forgetEpochs sets the leader's epoch in record batches to -1, the only one that
// kfake takes. A real broker overwrites what a producer says, and libbeat's says 0.
func forgetEpochs(req *kmsg.ProduceRequest) {
	for _, t := range req.Topics {
		for _, p := range t.Partitions {
			if len(p.Records) >= epochTo {
				copy(p.Records[epochFrom:epochTo], "\xff\xff\xff\xff")
			}
		}
	}
}

func rejectAll(req *kmsg.ProduceRequest, reason *kerr.Error) kmsg.Response {
	resp, _ := req.ResponseKind().(*kmsg.ProduceResponse) // it is one
	for _, t := range req.Topics {
		rt := kmsg.NewProduceResponseTopic()
		rt.Topic = t.Topic
		for _, p := range t.Partitions {
			rp := kmsg.NewProduceResponseTopicPartition()
			rp.Partition, rp.ErrorCode = p.Partition, reason.Code
			rt.Partitions = append(rt.Partitions, rp)
		}
		resp.Topics = append(resp.Topics, rt)
	}
	return resp
}

// leaderless answers a request for metadata while the topic's partitions have no
// leader. The broker itself is there.
func (k *Kafka) leaderless(req *kmsg.MetadataRequest) kmsg.Response {
	resp, _ := req.ResponseKind().(*kmsg.MetadataResponse) // it is one
	resp.Brokers = append(resp.Brokers, k.broker)
	for _, t := range req.Topics {
		rt := kmsg.NewMetadataResponseTopic()
		rt.Topic, rt.TopicID = t.Topic, t.TopicID
		for i := range k.partitions {
			rp := kmsg.NewMetadataResponseTopicPartition()
			rp.Partition, rp.Leader, rp.ErrorCode = i, -1, kerr.LeaderNotAvailable.Code
			rt.Partitions = append(rt.Partitions, rp)
		}
		resp.Topics = append(resp.Topics, rt)
	}
	return resp
}
