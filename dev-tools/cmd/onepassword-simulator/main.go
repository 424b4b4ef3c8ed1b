// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Command onepassword-simulator serves a simulated 1Password Events API until it
// is interrupted. At its start it prints one line of JSON with its URL and
// tokens; GET /health tells what it has served.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "onepassword-simulator:", err)
		os.Exit(1)
	}
}

// ready is the line on stdout.
type ready struct {
	URL     string            `json:"url"`
	Token   string            `json:"token"`  // grants everything
	Tokens  map[string]string `json:"tokens"` // by the one feature that each grants
	Account string            `json:"account"`
	Seed    int64             `json:"seed"`
	Epoch   time.Time         `json:"epoch"` // with the same seed and epoch the same events come again
	CAFile  string            `json:"ca_file,omitempty"`
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	sim, err := eventsapitest.New(o.cfg)
	if err != nil {
		return err
	}
	srv, err := sim.Start(ctx, o.listen)
	if err != nil {
		return err
	}
	if err := announce(srv, o, stdout); err != nil {
		_ = srv.Close() // the first error counts
		return err
	}
	<-ctx.Done()
	return srv.Close()
}

func announce(srv *eventsapitest.Server, o options, stdout io.Writer) error {
	line := ready{
		URL: srv.URL, Token: srv.Token(), Tokens: make(map[string]string),
		Account: srv.ID(), Seed: o.cfg.Seed, Epoch: o.cfg.Epoch, CAFile: o.caFile,
	}
	for _, t := range eventsapitest.Types() {
		line.Tokens[string(t)] = srv.Token(eventsapitest.WithFeatures(t))
	}
	if o.caFile != "" {
		if err := os.WriteFile(o.caFile, srv.CA, 0o600); err != nil {
			return fmt.Errorf("write the CA: %w", err)
		}
	}
	return json.NewEncoder(stdout).Encode(line)
}

type options struct {
	listen, caFile string
	cfg            eventsapitest.Config
}

func parse(args []string, stderr io.Writer) (options, error) {
	o := options{cfg: eventsapitest.Config{
		Backlog: eventsapitest.Each(10_000), Live: eventsapitest.Each(1.0), LateShare: map[eventsapitest.EventType]float64{eventsapitest.ItemUsages: 0.02},
	}}
	c := &o.cfg
	f := flag.NewFlagSet("onepassword-simulator", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.listen, "listen", "127.0.0.1:0", "address to listen on; port 0: a free one")
	f.StringVar(&o.caFile, "ca-file", "", "write the CA of -tls to this file")
	f.Int64Var(&c.Seed, "seed", 1, "seed of events, tokens and faults")
	f.Func("epoch", "end of the backlog and start of live events, RFC 3339 (default now)", func(v string) (err error) {
		c.Epoch, err = time.Parse(time.RFC3339Nano, v)
		return err
	})
	f.Func("backlog", "events per type, or type=n,... (default 10000)", perType(c.Backlog, strconv.Atoi))
	f.Func("live", "events per second and type after the epoch, or type=n,... (default 1)", perType(c.Live, parseFloat))
	f.Func("late", "share of events that arrive late, or type=share,... (default itemusages=0.02)", perType(c.LateShare, parseFloat))
	f.DurationVar(&c.BacklogSpan, "span", 24*time.Hour, "time over which the backlog is spread")
	f.BoolFunc("event-time-order", "sort by event time instead of ingest time", func(string) error {
		c.Order = eventsapitest.EventTimeOrder
		return nil
	})
	f.Float64Var(&c.EmptyTail, "empty-tail", 0, "probability of has_more on a last page")
	f.BoolVar(&c.TLS, "tls", false, "serve HTTPS with a certificate of an own CA, see -ca-file")
	f.BoolVar(&c.Gzip, "gzip", false, "compress answers")
	f.BoolVar(&c.Forbidden403, "forbidden-403", false, "answer 403 instead of 401 for a missing feature")
	f.StringVar(&c.UserTypeKey, "user-type-key", "type", "key of a v2 user's type")
	f.IntVar(&c.PerMinute, "per-minute", 0, "requests per minute and token; 0: no limit (the real API: 600)")
	f.IntVar(&c.PerHour, "per-hour", 0, "requests per hour and token; 0: no limit (the real API: 30000)")
	f.Func("retry-after", "form of Retry-After of a rate limit: seconds, date or absent (default seconds)", retryAfter(c))
	f.Func("fault", "fault=probability, may be repeated; 500=0.05, 429:2s=0.05, slow:1s@itemusages=0.1; a status or "+
		strings.Join(eventsapitest.FaultNames(), ", "), addFault(c))
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q, see -h", f.Arg(0))
	}
	if o.caFile != "" && !c.TLS {
		return o, fmt.Errorf("-ca-file needs -tls")
	}
	if c.Epoch.IsZero() {
		c.Epoch = time.Now().UTC()
	}
	return o, nil
}

func parseFloat(v string) (float64, error) { return strconv.ParseFloat(v, 64) }

// perType reads one value for all types, or several type=value.
func perType[T any](into map[eventsapitest.EventType]T, parse func(string) (T, error)) func(string) error {
	return func(text string) error {
		for _, part := range strings.Split(text, ",") {
			name, value, found := strings.Cut(part, "=")
			if !found {
				name, value = "", part
			}
			v, err := parse(value)
			if err != nil {
				return err
			}
			matched := false
			for _, t := range eventsapitest.Types() {
				if name == "" || name == string(t) {
					into[t], matched = v, true
				}
			}
			if !matched {
				return fmt.Errorf("no event type %q; known are %v", name, eventsapitest.Types())
			}
		}
		return nil
	}
}

func retryAfter(c *eventsapitest.Config) func(string) error {
	return func(v string) error {
		forms := map[string]eventsapitest.RetryAfterForm{
			"seconds": eventsapitest.RetryAfterSeconds, "date": eventsapitest.RetryAfterDate, "absent": eventsapitest.RetryAfterAbsent,
		}
		form, ok := forms[v]
		if !ok {
			return fmt.Errorf("must be seconds, date or absent")
		}
		c.RetryAfter = form
		return nil
	}
}

func addFault(c *eventsapitest.Config) func(string) error {
	return func(v string) error {
		name, p, found := strings.Cut(v, "=")
		if !found {
			return fmt.Errorf("needs a probability: %s=0.05", v)
		}
		fault, err := eventsapitest.ParseFault(name)
		if err != nil {
			return err
		}
		chance, err := parseFloat(p)
		if err != nil {
			return err
		}
		c.Faults = append(c.Faults, eventsapitest.Chance{P: chance, Fault: fault})
		return nil
	}
}
