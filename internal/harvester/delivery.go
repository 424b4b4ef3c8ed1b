// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Publishing a page and learning that it was ACKed.

package harvester

import (
	"fmt"
	"iter"
	"sync/atomic"
	"time"

	"github.com/elastic/beats/v7/libbeat/beat"
	"github.com/elastic/beats/v7/libbeat/common/acker"

	"onepasswordbeat/internal/registry"
)

// flight is a page between its publishing and its verdict. It rides in the
// Private field of the page's last event; ACKs, those of events that the user's
// own processors dropped included, come in order.
type flight struct {
	next      registry.State // to be stored once the page is delivered
	published int            // events that went to the queue
	at        time.Time      // when it began its way
	slot      *slot
	acked     chan struct{} // closed by the ACK of the page's last event
}

// delivery is a harvester's connection to libbeat's publisher.
type delivery struct {
	client   beat.Client
	filtered atomic.Int64 // events that processors dropped, so far
}

// connect opens the connection. Once it is closed, nothing is reported as ACKed
// any more: libbeat reports what its closing output drops as ACKed. (Nobody settles
// a page after a stop either; two locks on this door.)
func connect(pipeline beat.PipelineConnector, guard *Guard, m *Metrics) (*delivery, error) {
	d := &delivery{}
	client, err := pipeline.ConnectWith(beat.ClientConfig{
		PublishMode: beat.GuaranteedSend, // else an output's max_retries drops events
		EventListener: acker.ConnectionOnly(acker.EventPrivateReporter(func(acked int, private []any) {
			guard.ack(acked)
			m.acked(acked)
			for _, p := range private {
				if f, ok := p.(*flight); ok {
					close(f.acked)
				}
			}
		})),
		ClientListener: &filterCounter{d},
		// Our events are normal as they are made; copying each once more took a
		// seventh of the CPU time and a third of all allocations.
		Processing: beat.ProcessingConfig{EventNormalization: new(bool)},
	})
	if err != nil {
		return nil, fmt.Errorf("can't connect to the publisher: %w", err)
	}
	d.client = client
	return d, nil
}

// publish hands a page's n events to the queue as they are made, and blocks while
// it is full. The last event carries the flight.
func (d *delivery) publish(f *flight, n int, events iter.Seq[beat.Event]) {
	if n == 0 {
		close(f.acked)
		return
	}
	before := d.filtered.Load()
	left := n
	for ev := range events {
		if left--; left == 0 {
			ev.Private = f
		}
		d.client.Publish(ev)
	}
	f.published = n - int(d.filtered.Load()-before)
}

func (d *delivery) close() error { return d.client.Close() }

// filterCounter counts what the user's processors drop.
type filterCounter struct{ d *delivery }

func (c *filterCounter) Filtered()                   { c.d.filtered.Add(1) }
func (c *filterCounter) Closing()                    {}
func (c *filterCounter) Closed()                     {}
func (c *filterCounter) NewEvent()                   {}
func (c *filterCounter) Published()                  {}
func (c *filterCounter) DroppedOnPublish(beat.Event) {}
