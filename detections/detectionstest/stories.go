// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What stories are.

package detectionstest

import "time"

// Story is what happened, and whether a rule has to report it.
type Story struct {
	Rule   string // the slug
	Name   string
	Match  bool
	Events []Event
}

// teller writes the stories of one world.
type teller struct {
	*World
	stories []Story
	rule    string
}

// Stories returns those of all rules. At least one of each rule must match, and the others are the nearest legitimate
// behaviour, which must not.
func Stories(w *World) []Story {
	t := &teller{World: w}
	t.signIns()
	t.secrets()
	t.account()
	return t.stories
}

func (t *teller) about(rule string) { t.rule = rule }

func (t *teller) must(name string, events ...Event) {
	t.stories = append(t.stories, Story{t.rule, name, true, events})
}

func (t *teller) mustNot(name string, events ...Event) {
	t.stories = append(t.stories, Story{t.rule, name, false, events})
}

// after is a time in the stories' day.
func (t *teller) after(d time.Duration) time.Time { return t.start.Add(d) }

// each makes n events, one every step.
func (t *teller) each(n int, step time.Duration, one func(i int, at time.Time) Event) []Event {
	events := make([]Event, n)
	for i := range events {
		events[i] = one(i, t.after(time.Duration(i)*step))
	}
	return events
}

func join(lists ...[]Event) (all []Event) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// item is one of a vault's items; there are enough, since names of items that do not exist are made where needed.
func (t *teller) item(i int) (vault, id string) {
	vault = t.vaults[i%len(t.vaults)]
	list := t.items[vault]
	return vault, list[i/len(t.vaults)%len(list)]
}
