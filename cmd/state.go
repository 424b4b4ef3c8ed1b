// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// `state list` and `state reset`: the stored cursors, wherever they are configured to be.

package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/elastic/beats/v7/libbeat/cmd/instance"
	"github.com/elastic/elastic-agent-libs/logp"

	"onepasswordbeat/beater"
	"onepasswordbeat/config"
	"onepasswordbeat/internal/registry"
	"onepasswordbeat/internal/safetext"
	"onepasswordbeat/module"
)

func stateCommand(settings instance.Settings) *cobra.Command {
	state := &cobra.Command{
		Use:   "state",
		Short: "Show, reset or move the stored cursors",
	}
	state.AddCommand(stateListCommand(settings), stateResetCommand(settings), stateMoveCommand(settings))
	return state
}

func stateListCommand(settings instance.Settings) *cobra.Command {
	var filter stateFilter
	c := &cobra.Command{
		Use:   "list [--input PATTERN] [--event-type TYPE] [--older DURATION] [--sort age|input]",
		Short: "List the stored position of each input and event type",
		Long: "List the stored position of each input and event type, from where onepasswordbeat.state keeps it.\n" +
			"In path.data no beat may run meanwhile; from Elasticsearch it can be listed at any time, and from any machine.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SilenceUsage = true
			if err := filter.check(); err != nil {
				return err
			}
			open := stateOpener{files: registry.OpenExisting, shared: true}
			return open.with(settings, func(_ *instance.Beat, r *registry.Registry) error {
				return listStates(cmd.Context(), cmd.OutOrStdout(), r, filter, time.Now())
			})
		},
	}
	c.Flags().StringVar(&filter.input, "input", "", "only inputs whose id matches, such as acme or 'customer-*'")
	c.Flags().StringVar(&filter.eventType, "event-type", "", "only this event type: "+eventTypes())
	c.Flags().DurationVar(&filter.older, "older", 0, "only states that are older than a duration, such as 2h, or unusable")
	c.Flags().StringVar(&filter.sort, "sort", "input", "input: by id and event type; age: the oldest first")
	return c
}

// eventTypes lists the event types for people.
func eventTypes() string { return strings.Join(config.EventTypes(), ", ") }

// stateFilter says which states `state list` shows, and in which order.
type stateFilter struct {
	input, eventType, sort string
	older                  time.Duration
}

func (f stateFilter) check() error {
	if _, err := path.Match(f.input, ""); err != nil {
		return fmt.Errorf("--input %q is not a pattern: write for example 'customer-*'", f.input)
	}
	if _, ok := module.ByName(f.eventType); f.eventType != "" && !ok {
		return fmt.Errorf("--event-type %q is unknown: choose from %s", f.eventType, eventTypes())
	}
	if !slices.Contains([]string{"", "input", "age"}, f.sort) {
		return fmt.Errorf("--sort %q is neither input nor age", f.sort)
	}
	return nil
}

// apply returns the states to show. A state that can't be used has no age and is always old.
func (f stateFilter) apply(entries []registry.Entry, now time.Time) []registry.Entry {
	entries = slices.DeleteFunc(entries, func(e registry.Entry) bool {
		matches, _ := path.Match(f.input, e.Key.Input)
		return f.input != "" && !matches || f.eventType != "" && f.eventType != e.Key.EventType ||
			f.older > 0 && e.Err == nil && now.Sub(e.State.Updated) <= f.older
	})
	if f.sort == "age" {
		slices.SortStableFunc(entries, func(a, b registry.Entry) int { return a.State.Updated.Compare(b.State.Updated) })
	}
	return entries
}

func stateResetCommand(settings instance.Settings) *cobra.Command {
	var reset stateReset
	c := &cobra.Command{
		Use:   "reset --input ID --event-type TYPE [--since TIME]",
		Short: "Make the next run of an event type begin at a time",
		Long: "Make the next run of an event type begin at a time: RFC 3339, or a duration before now such as 48h.\n" +
			"Without --since it is the default initial_interval. Repeated events keep their _id: Elasticsearch rejects them as duplicates.\n" +
			"Stop the beat first; with states in Elasticsearch, every beat with this state.id.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SilenceUsage = true
			return reset.run(cmd.Context(), settings, time.Now(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	c.Flags().StringVar(&reset.input, "input", "", "id of the input")
	c.Flags().StringVar(&reset.eventType, "event-type", "", "event type: "+eventTypes())
	c.Flags().StringVar(&reset.since, "since", "", "RFC 3339 time, or duration before now")
	c.Flags().BoolVar(&reset.forget, "forget-account", false, "follow the account of the token from now on")
	return c
}

// stateReset is what `state reset` is asked for.
type stateReset struct {
	input, eventType, since string
	forget                  bool
}

func (s *stateReset) run(ctx context.Context, settings instance.Settings, now time.Time, stdout, stderr io.Writer) error {
	from, err := parseSince(s.since, now)
	if err != nil {
		return err
	}
	if _, ok := module.ByName(s.eventType); !ok {
		return fmt.Errorf("--event-type %q is unknown: choose from %s", s.eventType, eventTypes())
	}
	if s.input == "" {
		return errors.New("--input is the id of the input, `state list` shows it")
	}
	warnOfOldStart(stderr, from, now)
	var files registryPlace
	place, open := "", stateOpener{files: files.open}
	err = open.with(settings, func(b *instance.Beat, r *registry.Registry) error {
		if err := checkInput(ctx, stderr, b, r, s.input); err != nil {
			return err
		}
		place = r.Place() + files.remark()
		return r.Reset(ctx, registry.Key{Input: s.input, EventType: s.eventType}, registry.Start{Since: from, Now: now, ForgetAccount: s.forget})
	})
	if errors.As(err, new(*registry.AdoptedError)) {
		return fmt.Errorf("nothing was changed: another beat stored a state in %s at the same time. Stop every beat with this state.id, and run the command again", place)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "The next run of input %q, event type %q begins at %s.\nThat is stored in %s.\n", s.input, s.eventType, stamp(from), place)
	return err
}

// warnOfOldStart says that the API has nothing as old as that.
func warnOfOldStart(w io.Writer, from, now time.Time) {
	if from.Before(now.Add(-config.MaxInitialInterval)) {
		_, _ = fmt.Fprintf(w, "1Password keeps events for %d days: nothing older will come.\n", int(config.MaxInitialInterval.Hours()/24))
	}
}

// registryPlace is whether the files were there before. With another --path.data than the beat's, a reset would do
// nothing and look well.
type registryPlace struct{ new bool }

// open opens the registry, or makes one.
func (p *registryPlace) open(dataPath string, log *logp.Logger) (*registry.Registry, error) {
	p.new = !hasFiles(dataPath)
	return registry.Open(dataPath, log)
}

func (p registryPlace) remark() string {
	if p.new {
		return " (there was no registry there: a new one was made)"
	}
	return ""
}

// checkInput rejects the id of an input that is neither configured nor stored: a
// state without an input. Where no input is configured it only says so: they are
// in Elastic Agent's policy, and a damaged registry is started over there, too.
func checkInput(ctx context.Context, stderr io.Writer, b *instance.Beat, r *registry.Registry, id string) error {
	section, err := b.BeatConfig()
	if err != nil {
		return err
	}
	known, err := beater.InputIDs(section)
	if err != nil {
		return err
	}
	managed := len(known) == 0 // the inputs are in Elastic Agent's policy
	entries, err := r.List(ctx)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Key.Input == id {
			return nil
		}
		known = append(known, safetext.Short(e.Key.Input, maxShownID))
	}
	if slices.Contains(known, id) {
		return nil
	}
	if managed {
		_, err = fmt.Fprintf(stderr, "Nothing is stored of an input %q so far, and no input is configured here: check the id.\n", id)
		return err
	}
	slices.Sort(known)
	return fmt.Errorf("--input %q is neither configured nor stored, there are: %s", id, strings.Join(slices.Compact(known), ", "))
}

// parseSince reads a time, or a duration before now.
func parseSince(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return now.Add(-config.Default().InitialInterval), nil
	}
	if d, err := time.ParseDuration(s); err == nil && d > 0 {
		return now.Add(-d), nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}, fmt.Errorf("--since %q is neither a time such as 2026-01-31T09:00:00Z nor a duration such as 48h", s)
	}
	if !t.Before(now) {
		return time.Time{}, fmt.Errorf("--since %s is not in the past", s)
	}
	return t, nil
}

// listStates prints a line a state.
func listStates(ctx context.Context, out io.Writer, r *registry.Registry, filter stateFilter, now time.Time) error {
	entries, err := r.List(ctx)
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		return nothingStored(r)
	}
	all := len(entries)
	entries = filter.apply(entries, now)
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "INPUT\tEVENT TYPE\tACCOUNT\tPOSITION\tCURSOR AGE\tLAST EVENT")
	for _, e := range entries {
		input, eventType := safetext.Short(e.Key.Input, maxShownID), safetext.Short(e.Key.EventType, maxShownID)
		if moved := (*registry.MovedError)(nil); errors.As(e.Err, &moved) {
			_, _ = fmt.Fprintf(w, "%s\t%s\t\tmoved to %s\t\t\n", input, eventType, moved.To)
			continue
		}
		if e.Err != nil {
			_, _ = fmt.Fprintf(w, "%s\t%s\t\tunusable: %s\t\t\n", input, eventType, safetext.Short(e.Err.Error(), 2*safetext.MaxBytes))
			continue
		}
		position := "since " + stamp(e.State.StartTime)
		if e.State.Cursor != "" {
			position = "cursor"
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", input, eventType, orDash(e.State.Account), position,
			now.Sub(e.State.Updated).Round(time.Second), stamp(e.State.LastEvent))
	}
	if err := w.Flush(); err != nil || len(entries) == all {
		return err
	}
	_, err = fmt.Fprintf(out, "%d of %d states\n", len(entries), all)
	return err
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
