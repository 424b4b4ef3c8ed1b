// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// What a commit costs, by the number of states and of harvesters that commit at once.

package registry

import (
	"context"
	"fmt"
	"testing"

	"golang.org/x/sync/errgroup"
)

func benchKey(i int) Key {
	return Key{Input: fmt.Sprint("account", i/3), EventType: fmt.Sprint("type", i%3)}
}

// BenchmarkCommit is one commit, of one harvester after the other ("staggered"), and of
// all at the same time ("together").
func BenchmarkCommit(b *testing.B) {
	for _, states := range []int{3, 300, 3000} {
		fill := func(b *testing.B) *Registry {
			r := open(b, b.TempDir())
			if err := firstCommits(r, states, states); err != nil {
				b.Fatal(err)
			}
			b.ResetTimer()
			return r
		}
		b.Run(fmt.Sprintf("states=%d/staggered", states), func(b *testing.B) {
			r := fill(b)
			for i := range b.N {
				if err := r.Commit(b.Context(), benchKey(i%states), testState(i)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
		})
		b.Run(fmt.Sprintf("states=%d/together", states), func(b *testing.B) {
			r := fill(b)
			var group errgroup.Group
			group.SetLimit(states)
			for i := range b.N {
				group.Go(func() error { return r.Commit(b.Context(), benchKey(i%states), testState(i)) })
			}
			if err := group.Wait(); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
		})
	}
}

// BenchmarkFirstCommits is the time of N first commits in a new registry, divided by N.
func BenchmarkFirstCommits(b *testing.B) {
	for _, states := range []int{3, 300, 3000} {
		for name, atOnce := range map[string]int{"staggered": 1, "together": states} {
			b.Run(fmt.Sprintf("states=%d/%s", states, name), func(b *testing.B) {
				for range b.N {
					if err := firstCommits(open(b, b.TempDir()), states, atOnce); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*states), "µs/commit")
			})
		}
	}
}

func firstCommits(r *Registry, states, atOnce int) error {
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i := range states {
		group.Go(func() error { return r.Commit(context.Background(), benchKey(i), testState(i)) })
	}
	return group.Wait()
}
