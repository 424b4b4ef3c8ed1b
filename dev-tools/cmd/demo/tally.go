// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// How many events there are, and how many arrived.

package main

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"onepasswordbeat/internal/eventsapi/eventsapitest"
)

// kinds are the event types: event.dataset, the name on a line, and the name in the API.
var kinds = []struct {
	dataset, name, short string
	api                  eventsapitest.EventType
}{
	{"1password.audit_events", "audit_events", "audit", eventsapitest.AuditEvents},
	{"1password.item_usages", "item_usages", "item usage", eventsapitest.ItemUsages},
	{"1password.signin_attempts", "signin_attempts", "sign-in", eventsapitest.SignInAttempts},
}

func shortName(dataset string) string {
	for _, k := range kinds {
		if k.dataset == dataset {
			return k.short
		}
	}
	return dataset
}

// number writes a count with a comma between thousands.
func number(n int) string { return message.NewPrinter(language.English).Sprintf("%d", n) }

// tally counts events by dataset, each event once.
type tally struct {
	seen     map[string]bool // _ids
	all      map[string]int  // over all runs
	before   map[string]int  // before this run
	repeated map[string]int  // in this run
	api      map[string]int  // what the account has
	delays   []time.Duration // of the last events
}

func newTally() *tally {
	return &tally{seen: map[string]bool{}, all: map[string]int{}, before: map[string]int{}, repeated: map[string]int{}, api: map[string]int{}}
}

// beginRun counts what there is so far to earlier runs.
func (t *tally) beginRun() {
	for dataset, n := range t.all {
		t.before[dataset] = n
	}
	clear(t.repeated)
	t.delays = nil
}

// add counts a document and reports whether it is new.
func (t *tally) add(d document) bool {
	if t.seen[d.Metadata.ID] {
		t.repeated[d.Event.Dataset]++
		return false
	}
	t.seen[d.Metadata.ID] = true
	t.all[d.Event.Dataset]++
	if t.delays = append(t.delays, time.Since(d.Time)); len(t.delays) > 60 {
		t.delays = t.delays[1:]
	}
	return true
}

func sum(counts map[string]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}

func (t *tally) total() int  { return sum(t.all) }
func (t *tally) ofRun() int  { return t.total() - sum(t.before) }
func (t *tally) behind() int { return max(0, sum(t.api)-t.total()) }

// caughtUp reports whether only events of the last seconds are missing.
func (t *tally) caughtUp(live float64) bool {
	return sum(t.api) > 0 && t.behind() <= 3+int(live*3)*len(kinds)
}

// status is the line between events.
func (t *tally) status() string {
	var parts []string
	for _, k := range kinds {
		part := k.name + " " + number(t.all[k.dataset])
		if n := t.api[k.dataset] - t.all[k.dataset]; n > 0 {
			part += fmt.Sprintf(" (%s behind)", number(n))
		}
		parts = append(parts, part)
	}
	if delays := slices.Sorted(slices.Values(t.delays)); len(delays) > 0 {
		parts = append(parts, fmt.Sprintf("median delay %s", delays[len(delays)/2].Round(100*time.Millisecond)))
	}
	return strings.Join(parts, " · ")
}

// table is the end of a run.
func (t *tally) table(took time.Duration) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Totals after %s:\n", took.Round(100*time.Millisecond))
	w := tabwriter.NewWriter(&b, 0, 4, 3, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(w, "\tthis run\tall runs\tin the account\tmissing\trepeated\t")
	row := func(name string, run, all, api, repeated int) {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t\n", name, number(run), number(all), number(api), number(max(0, api-all)), number(repeated))
	}
	for _, k := range kinds {
		row(k.name, t.all[k.dataset]-t.before[k.dataset], t.all[k.dataset], t.api[k.dataset], t.repeated[k.dataset])
	}
	row("all", t.ofRun(), t.total(), sum(t.api), sum(t.repeated))
	_ = w.Flush()
	return b.String()
}
