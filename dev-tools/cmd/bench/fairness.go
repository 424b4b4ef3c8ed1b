// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Fairness: how fresh events stay while another event type of the same token has a backlog.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"text/tabwriter"
	"time"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
)

const (
	// fairBacklog is the default number of item usages in the backlog.
	fairBacklog = 1_000_000
	// fairToken and fairOther are the targets: of the token with the backlog, and of other accounts (interval and 2 s).
	fairToken, fairOther = 15 * time.Second, 7 * time.Second
	// The API's own limits per token.
	apiPerMinute, apiPerHour = 600, 30_000
)

// delay is what events of one kind waited.
type delay struct {
	name    string
	target  time.Duration
	took    []time.Duration // sorted
	missing int
}

// fairness runs the beat with its defaults and two accounts. One has a backlog of item usages, and sign-in attempts that
// are made meanwhile. The other has live events of each type. Both servers count requests as the API does.
func fairness(ctx context.Context, o options, out io.Writer) (err error) {
	b, err := newBench(ctx, eventsapitest.Config{
		Backlog:   map[eventsapitest.EventType]int{eventsapitest.ItemUsages: o.events},
		Live:      map[eventsapitest.EventType]float64{eventsapitest.SignInAttempts: o.rate},
		PerMinute: o.perMinute, PerHour: apiPerHour, KeepRequests: 1,
	}, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	other, err := startSimulator(ctx, eventsapitest.Config{
		Live: eventsapitest.Each(o.rate), PerMinute: apiPerMinute, PerHour: apiPerHour, KeepRequests: 1, Account: "OTHER",
	}, 2)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, other.Close()) }()

	p, err := twoAccounts(o, other).start(b.at)
	if err != nil {
		return err
	}
	begin := time.Now().Add(startUp)
	collected := func() bool { return b.es.events.Load() >= int64(o.events) }
	if err := p.until(ctx, o.limit, collected); err != nil {
		return err
	}
	end := time.Now()
	if err := p.last(ctx, tail); err != nil {
		return err
	}
	if err := p.stop(); err != nil {
		return err
	}
	limited := 0
	for _, t := range eventsapitest.Types() {
		limited += b.sim.Stats().Count(t, http.StatusTooManyRequests)
	}
	say(out, "backlog of %d item usages: %.0f s, %.0f events/s, %d requests answered with 429, %.1f µs CPU per event\n", o.events,
		end.Sub(p.began).Seconds(), float64(o.events)/end.Sub(p.began).Seconds(), limited, float64(p.cpu().Microseconds())/float64(b.es.events.Load()))
	return reportDelays(out, delays(b, other, begin, end))
}

// twoAccounts is the beat with its defaults and both accounts.
func twoAccounts(o options, other *eventsapitest.Server) subject {
	s := ours(o)
	s.config = func(w where) settings {
		return settings{"onepasswordbeat.inputs": []settings{
			{"type": "onepassword", "id": "backlog", "url": w.api, "token": w.token, "initial_interval": time.Since(w.since).Round(time.Second).String()},
			{"type": "onepassword", "id": "other", "url": other.URL, "token": other.Token()},
		}}
	}
	return s
}

// delays returns what events that appeared in a period waited.
func delays(b *bench, other *eventsapitest.Server, from, to time.Time) []delay {
	all := []delay{
		{name: "sign-in attempts, same token", target: fairToken},
		{name: "all types, other account", target: fairOther},
	}
	all[0].took, all[0].missing = b.delaysOf(b.sim, from, to, eventsapitest.SignInAttempts)
	all[1].took, all[1].missing = b.delaysOf(other, from, to, eventsapitest.Types()...)
	return all
}

func reportDelays(out io.Writer, all []delay) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	say(t, "event to document\tevents\tmedian s\t95 %% s\tmost s\ttarget s\t\n")
	var errs []error
	for _, d := range all {
		if len(d.took) == 0 || d.missing > 0 {
			errs = append(errs, fmt.Errorf("%s: %d events arrived, %d did not", d.name, len(d.took), d.missing))
			continue
		}
		at := func(share float64) float64 { return d.took[int(share*float64(len(d.took)-1))].Seconds() }
		say(t, "%s\t%d\t%.2f\t%.2f\t%.2f\t%.0f\t\n", d.name, len(d.took), at(0.5), at(0.95), at(1), d.target.Seconds())
		if slices.Max(d.took) > d.target {
			errs = append(errs, fmt.Errorf("%s: the target of %s is missed", d.name, d.target))
		}
	}
	return errors.Join(append(errs, t.Flush())...)
}
