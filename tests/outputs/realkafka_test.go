// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// A real Kafka broker that is killed and stopped.

package outputs_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/tests/beattest"
	"onepasswordbeat/tests/receivertest"
)

const partitions = 3

func TestRealKafkaKilledInTurn(t *testing.T) {
	for _, acks := range []int{-1, 1} {
		t.Run(fmt.Sprintf("required_acks %d", acks), func(t *testing.T) {
			t.Parallel()
			broker := receivertest.StartBroker(t)
			to := broker.Topic(t, topic, partitions)
			srv := beattest.Backlog(t, chosenSize().each)
			h := home(t, srv, kafkaOutput(broker.Addr, M{"required_acks": acks}))
			beat := killInTurn(t, srv, h, to, broker)
			stop(t, beat)
			assertDelivered(t, srv.Account, to)
			assertSameKeys(t, to.Events())
			checkMetadata(t, to.Events())
		})
	}
}

// The partitions' leader stops in an orderly way while single events come in.
func TestRealKafkaWithoutLeader(t *testing.T) {
	t.Parallel()
	broker := receivertest.StartBroker(t)
	to := broker.Topic(t, topic, partitions)
	srv := eventsapitest.StartTB(t, eventsapitest.Config{
		Seed: 7, Backlog: eventsapitest.Each(10),
		Live: map[eventsapitest.EventType]float64{eventsapitest.SignInAttempts: 2},
	})
	h := home(t, srv, kafkaOutput(broker.Addr))
	beat := h.Start()
	waitDelivered(beat, srv.Account, to, soon)
	broker.Stop()
	beat.WaitLog("Kafka publish failed", patient)
	total := srv.Total(eventsapitest.SignInAttempts)
	beat.Until(soon, "more events have appeared", func() bool { return srv.Total(eventsapitest.SignInAttempts) >= total+10 })
	broker.Start()
	waitDelivered(beat, srv.Account, to, patient)
	stop(t, beat)
	assertSameKeys(t, to.Events())
}

// assertSameKeys checks that a record that came again has the key and the partition of the first one: a consumer that goes by the key, or a compacted topic,
// has each event once.
func assertSameKeys(t *testing.T, events []receivertest.Event) {
	t.Helper()
	partitionOf := map[string]int32{}
	for _, e := range events {
		require.Equal(t, e.ID, e.Key)
		if first, again := partitionOf[e.Key]; again {
			require.Equal(t, first, e.Partition, "%s is in two partitions", e.Key)
		}
		partitionOf[e.Key] = e.Partition
	}
	t.Logf("%d records, %d keys", len(events), len(partitionOf))
}
