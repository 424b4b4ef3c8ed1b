// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// How long an event takes from appearing in the API to the output.

package tests

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
	"onepasswordbeat/tests/beattest"
	"onepasswordbeat/tests/bulktest"
)

// With nothing but defaults an event is indexed within interval + 1.5 s of
// appearing: 6.5 s at most, half of it in the middle. A busy machine may add to
// single events, so the middle is asserted tightly, and the end with slack.
func TestFreshnessWithDefaults(t *testing.T) {
	t.Parallel()
	const (
		interval = 5 * time.Second
		promise  = interval + 1500*time.Millisecond
		slack    = 2 * time.Second
		events   = 60
	)
	srv := eventsapitest.StartTB(t, eventsapitest.Config{Seed: 3, Live: eventsapitest.Each(1.5)})
	es := bulktest.Start(t)
	home := beattest.NewHome(t)
	home.Configure(beattest.Config{
		Inputs: []M{{"type": "onepassword", "id": "acme", "url": srv.URL, "token": srv.Token()}},
		Output: M{"elasticsearch": M{"hosts": []string{es.URL}}},
	})
	beat := home.Start()
	waitRunning(beat, 3)
	started := time.Now() // what appeared before waited for the start, too
	delays := func() []time.Duration { return arrivals(srv, es, started) }
	beat.Until(patient, "enough events are indexed", func() bool { return len(delays()) >= events })
	list := delays()
	beat.Terminate(stopMost)

	slices.Sort(list)
	at := func(share float64) time.Duration { return list[int(share*float64(len(list)-1))] }
	t.Logf("%d events: median %s, 95th percentile %s, longest %s", len(list), at(0.5), at(0.95), at(1))
	require.NotEmpty(t, list)
	assert.Less(t, at(0.5), 4*time.Second)
	assert.Less(t, at(0.95), promise+slack)
}

// arrivals are the times from appearing in the API to being indexed, of the
// events that appeared after a moment.
func arrivals(srv *eventsapitest.Server, es *bulktest.Server, after time.Time) (list []time.Duration) {
	indexed := map[string]time.Time{}
	for _, docs := range es.Docs() {
		for _, d := range docs {
			indexed[d.ID] = d.At
		}
	}
	for _, typ := range eventsapitest.Types() {
		for i, id := range srv.UUIDs(typ, time.Time{}) {
			appeared := srv.IngestTime(typ, i)
			if at, ok := indexed[id]; ok && appeared.After(after) {
				list = append(list, at.Sub(appeared))
			}
		}
	}
	return list
}
