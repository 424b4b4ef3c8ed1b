// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Kafka's failures by choice, from a broker in the test process.

package outputs_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/tests/beattest"
	"onepasswordbeat/tests/receivertest"
)

const topic = "onepassword"

// kafkaOutput sends to the broker at an address, an event's _id being its record's key.
func kafkaOutput(addr string, more ...M) M {
	out := M{
		"hosts": []string{addr}, "topic": topic, "key": "%{[@metadata._id]}", "required_acks": -1,
		"backoff": M{"init": "100ms", "max": "200ms"}, "timeout": "5s",
		"metadata": M{"retry": M{"max": 1, "backoff": "100ms"}},
	}
	for _, m := range more {
		maps.Copy(out, m)
	}
	return M{"kafka": out}
}

func TestKafka(t *testing.T) {
	t.Parallel()
	kafka := receivertest.StartKafka(t, topic, 3)
	srv := beattest.Backlog(t, each)
	h := home(t, srv, kafkaOutput(kafka.Addr))
	kafka.Down(true)
	beat := h.Start()
	beat.WaitLog("couldn't fetch broker metadata", soon)
	cursorsHeld(t, h)
	kafka.Down(false)
	beat.Until(soon, "some events have arrived", func() bool { return kafka.Len() > each })
	stop(t, beat)
	addEvents(t, srv, 0, 3)

	// The broker in the test process does not survive connections that are cut while
	// it answers; an outage in the middle is TestRealKafkaKilledInTurn's.
	beat = h.Start()
	waitDelivered(beat, srv.Account, kafka, patient)
	stop(t, beat)
	assertDelivered(t, srv.Account, kafka)
	checkMetadata(t, kafka.Events())
	for _, e := range kafka.Events() {
		require.Equal(t, e.ID, e.Key)
	}
}

// Kafka's output drops what it may not write, and ACKs it.
func TestKafkaThatRejectsEverythingHoldsTheCursor(t *testing.T) {
	for name, reason := range map[string]*kerr.Error{
		"no right to the topic": kerr.TopicAuthorizationFailed,
		"batches too large":     kerr.MessageTooLarge,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kafka := receivertest.StartKafka(t, topic, 1)
			kafka.Reject(receivertest.Always(reason))
			srv := beattest.Backlog(t, each)
			h := home(t, srv, kafkaOutput(kafka.Addr))
			beat := h.Start()
			t.Log(waitDegraded(beat, 3))
			cursorsHeld(t, h)
			stop(t, beat)
			cursorsHeld(t, h)
			assert.Zero(t, kafka.Len())

			beat = h.Start()
			waitDegraded(beat, 1)
			kafka.Reject(nil)
			waitDelivered(beat, srv.Account, kafka, patient)
			stop(t, beat)
			assertDelivered(t, srv.Account, kafka)
		})
	}
}

// One event is larger than the output's max_message_bytes: it alone is left out.
func TestKafkaOneEventTooLarge(t *testing.T) {
	t.Parallel()
	kafka := receivertest.StartKafka(t, topic, 1)
	srv := eventsapitest.StartTB(t, eventsapitest.Config{Seed: 7, Backlog: eventsapitest.Each(each)})
	want := beattest.Expected(srv.Account)
	srv.Publish(eventsapitest.SignInAttempts, freshEvent(t, srv, 1, M{"details": M{"value": strings.Repeat("x", 200_000)}}))
	srv.Publish(eventsapitest.SignInAttempts, freshEvent(t, srv, 0, nil)) // a page of nothing but the large one is held
	want["FRESHEVENT0000000000000000"] = eventsapitest.SignInAttempts
	h := home(t, srv, kafkaOutput(kafka.Addr, M{"max_message_bytes": 100_000}))
	beat := h.Start()
	beat.Until(patient, "every other event has arrived", func() bool { return beattest.Missing(want, idsOf(kafka.Events())) == 0 })
	beat.Until(patient, "the cursors have passed it", func() bool {
		return beat.InputSum("events_refused_total") == 1
	})
	stop(t, beat)
	assert.Len(t, beattest.Expected(srv.Account), len(want)+1)
	assert.Equal(t, 1, beattest.Missing(beattest.Expected(srv.Account), idsOf(kafka.Events())))
	t.Logf("%d events, %d of them came again", len(want), kafka.Len()-len(want))
}

// A page that holds nothing but a message above max_message_bytes is passed once other pages were accepted.
func TestKafkaPageOfOneTooLargeEventIsNotHeldForEver(t *testing.T) {
	t.Parallel()
	kafka := receivertest.StartKafka(t, topic, 1)
	srv := eventsapitest.StartTB(t, eventsapitest.Config{Seed: 7, Backlog: eventsapitest.Each(10)})
	want := beattest.Expected(srv.Account)
	h := home(t, srv, kafkaOutput(kafka.Addr, M{"max_message_bytes": 100_000}), M{"limit": 1})
	beat := h.Start()
	beat.Until(patient, "the backlog has arrived", func() bool { return beattest.Missing(want, idsOf(kafka.Events())) == 0 })
	srv.Publish(eventsapitest.SignInAttempts, freshEvent(t, srv, 1, M{"details": M{"value": strings.Repeat("x", 200_000)}}))
	srv.Publish(eventsapitest.SignInAttempts, freshEvent(t, srv, 0, nil))
	want["FRESHEVENT0000000000000000"] = eventsapitest.SignInAttempts
	beat.Until(patient, "the event after it has arrived", func() bool { return beattest.Missing(want, idsOf(kafka.Events())) == 0 })
	beat.Until(patient, "it is counted", func() bool { return beat.InputSum("events_refused_total") == 1 })
	stop(t, beat)
}

// A cluster without a leader while single events come in. After repeated errors
// the client of Kafka fails everything at once for 10 seconds, and libbeat's output
// ACKs batches that met nothing else.
func TestKafkaWithoutLeader(t *testing.T) {
	t.Parallel()
	kafka := receivertest.StartKafka(t, topic, 1)
	srv := eventsapitest.StartTB(t, eventsapitest.Config{
		Seed: 7, Backlog: eventsapitest.Each(10),
		Live: map[eventsapitest.EventType]float64{eventsapitest.SignInAttempts: 1},
	})
	h := home(t, srv, kafkaOutput(kafka.Addr, M{"metadata": M{"retry": M{"max": 0}}}))
	beat := h.Start()
	waitDelivered(beat, srv.Account, kafka, soon)
	kafka.NoLeader(true)
	beat.WaitLog("Kafka publish failed", soon)
	total := srv.Total(eventsapitest.SignInAttempts)
	beat.Until(soon, "more events have appeared", func() bool { return srv.Total(eventsapitest.SignInAttempts) >= total+10 })
	kafka.NoLeader(false)
	waitDelivered(beat, srv.Account, kafka, patient)
	stop(t, beat)
}
