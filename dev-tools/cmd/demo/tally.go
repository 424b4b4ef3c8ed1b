// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// How many events there are, and how many went through.

package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// kind is an event type under its names.
type kind struct {
	dataset string // event.dataset
	name    string // in the configuration
	short   string // on a line
	path    string // in the API
	colour  string
}

var kinds = []kind{
	{"1password.audit_events", "audit_events", "audit", "auditevents", magenta},
	{"1password.item_usages", "item_usages", "item usage", "itemusages", cyan},
	{"1password.signin_attempts", "signin_attempts", "sign-in", "signinattempts", blue},
}

func kindOf(dataset string) kind {
	for _, k := range kinds {
		if k.dataset == dataset {
			return k
		}
	}
	return kind{dataset: dataset, name: dataset, short: dataset}
}

// tally counts events by dataset, each event once.
type tally struct {
	seen     map[string]struct{} // _ids
	all      map[string]int      // over all runs
	before   map[string]int      // before this run
	repeated map[string]int
	api      map[string]int // what the API has; nil before the first answer
	ways     []time.Duration
}

func newTally() *tally {
	return &tally{seen: map[string]struct{}{}, all: map[string]int{}, before: map[string]int{}, repeated: map[string]int{}}
}

// beginRun takes what was counted so far for the work of earlier runs.
func (t *tally) beginRun() {
	for dataset, n := range t.all {
		t.before[dataset] = n
	}
	clear(t.repeated)
	t.ways = nil
}

// maxWays is how many of the last events the median way is taken of.
const maxWays = 60

// add counts a document, and tells whether it is new.
func (t *tally) add(doc document) bool {
	if _, known := t.seen[doc.id]; known {
		t.repeated[doc.dataset]++
		return false
	}
	t.seen[doc.id] = struct{}{}
	t.all[doc.dataset]++
	t.ways = append(t.ways, time.Since(doc.time))
	if len(t.ways) > maxWays {
		t.ways = t.ways[1:]
	}
	return true
}

func sum(counts map[string]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}

func (t *tally) total() int { return sum(t.all) }

// ofRun is how many events came in this run.
func (t *tally) ofRun() int { return t.total() - sum(t.before) }

// goal is how many events this run has to bring, as far as the API has said.
func (t *tally) goal() int { return max(0, sum(t.api)-sum(t.before)) }

// behind is how many events the API has that are not here yet.
func (t *tally) behind() int { return max(0, sum(t.api)-t.total()) }

// caughtUp tells whether only events of the last few seconds are missing.
func (t *tally) caughtUp(live float64) bool {
	const seconds = 3
	return t.api != nil && t.behind() <= 3+int(live*seconds)*len(kinds)
}

// progress is the line that a backlog shows.
func (t *tally) progress() string {
	if t.api == nil || t.ofRun() == 0 {
		return "  waiting for the first page"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "  backlog %3d %%", 100*t.ofRun()/max(1, t.goal(), t.ofRun()))
	for _, k := range kinds {
		fmt.Fprintf(&b, "  %s %s/%s", k.short, number(t.all[k.dataset]-t.before[k.dataset]), number(t.api[k.dataset]-t.before[k.dataset]))
	}
	return b.String()
}

// status is the line between live events.
func (t *tally) status() string {
	parts := make([]string, 0, len(kinds)+2)
	for _, k := range kinds {
		part := k.name + " " + number(t.all[k.dataset])
		if n := t.api[k.dataset] - t.all[k.dataset]; n > 0 {
			part += fmt.Sprintf(" (%s behind)", number(n))
		}
		parts = append(parts, part)
	}
	if t.behind() == 0 {
		parts = append(parts, "none behind")
	}
	if len(t.ways) > 0 {
		ways := slices.Sorted(slices.Values(t.ways))
		parts = append(parts, fmt.Sprintf("from happening to here %s (median)", ways[len(ways)/2].Round(100*time.Millisecond)))
	}
	return strings.Join(parts, " · ")
}

// table is what a run ends with.
func (t *tally) table(took time.Duration) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Totals after %s:\n", took.Round(100*time.Millisecond))
	w := tabwriter.NewWriter(&b, 0, 4, 3, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(w, "\tthis run\tall runs\tin the account\tto come\trepeated\t")
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

// number writes n with a comma between thousands.
func number(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
